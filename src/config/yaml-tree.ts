// YAML text to a small tree: maps, lists and scalars with their places, aliases and merge keys already resolved. Whatever
// the text is, this neither throws nor takes more time or memory than the limits below allow.

import {
  Composer,
  type CST,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  type Node,
  type Pair,
  Parser,
  Scalar,
} from "yaml";
import type { Position, Problem } from "./pipeline-file.ts";
import { type Repaired, repairIndent } from "./repair-indent.ts";
import { type Resolved, resolvePlain } from "./scalars.ts";
import {
  badKey,
  badMerge,
  duplicateKey,
  endlessAnchor,
  lessIndented,
  syntaxProblems,
  tooDeep,
  tooMany,
  tooManyExpanded,
  unknownAnchor,
} from "./yaml-problems.ts";

export interface TextNode {
  kind: "text";
  /** As written; without quotes, escapes and folding resolved. */
  text: string;
  /** What YAML 1.1 takes it for. Quoted and block scalars are strings. */
  resolved: Resolved;
  plain: boolean;
  at: Position;
  anchored: boolean;
}

export interface MapNode {
  kind: "map";
  /** In the order of the file, each key once: the last of its duplicates. */
  entries: MapEntry[];
  at: Position;
  anchored: boolean;
}

export interface MapEntry {
  /** As written, also where YAML would make a bool or number of it. */
  key: string;
  keyAt: Position;
  value: TreeNode;
}

export interface ListNode {
  kind: "list";
  items: TreeNode[];
  at: Position;
  anchored: boolean;
}

export type TreeNode = TextNode | MapNode | ListNode;

export interface ParsedTree {
  /** Absent where there is an error. */
  tree?: TreeNode;
  problems: Problem[];
}

/** Levels of maps and lists within each other. */
const deepest = 64;
/** Pieces that the lexer makes of the text: about eight for a line, and what the parser's time goes by. */
const mostLexemes = 100_000;
/** Places with too little indent that are put right, each for a parse of the whole. */
const mostRepairs = 8;
/** Nodes after aliases and merge keys have been expanded. */
const mostNodes = 100_000;

class TreeRefused extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.message);
    this.problem = problem;
  }
}

/** Parses the first document of a text. An empty one gives an empty scalar. */
export function parseTree(text: string): ParsedTree {
  const problems: Problem[] = [];
  try {
    const parsed = parseFirst(text);
    if ("problems" in parsed) return parsed;
    const { document, places } = parsed;
    if (document === undefined) return { tree: emptyText({ line: 1, column: 1 }), problems };
    const grower: Grower = {
      ...(/[\r\n]$/.test(text) ? {} : { openEnd: parsed.text.length }),
      places,
      problems,
      anchors: new Map<string, Anchor>(),
      sizes: new Map<TreeNode, number>(),
      merged: 0,
    };
    for (const line of places.shifts.keys()) {
      if (!places.shifts.has(line - 1)) problems.push(lessIndented({ line, column: 1 }));
    }
    const tree = grow(grower, document.contents as Node | null, 0);
    return { tree, problems };
  } catch (error) {
    if (error instanceof TreeRefused) return { problems: [...problems, error.problem] };
    // The parser calls itself for every level: a text that is nothing but brackets ends the stack.
    if (error instanceof RangeError) return { problems: [tooDeep({ line: 1, column: 1 }, deepest)] };
    throw error;
  }
}

interface Places {
  lines: LineCounter;
  /** Spaces that were put before a line. */
  shifts: Repaired["shifts"];
}

type ParsedFirst =
  | { document: Document.Parsed | undefined; places: Places; text: string }
  | { problems: Problem[] };

function parseFirst(text: string): ParsedFirst {
  let current: Repaired = { text, shifts: new Map() };
  let first: Problem[] | undefined;
  for (let repairs = 0; ; repairs++) {
    const lines = new LineCounter();
    const document = firstDocument(current.text, lines);
    if (document === undefined || document.errors.length === 0) {
      return { document, places: { lines, shifts: current.shifts }, text: current.text };
    }
    // The parser catches the end of its own stack in places, and calls it an error of the text.
    if (document.errors.some(error => error.message.includes("call stack"))) throw new RangeError();
    // What is wrong with the text as it stands is told, not what a repair came to.
    first ??= syntaxProblems(document, lines, text);
    const repaired = repairs < mostRepairs ? repairIndent(current.text, document, current.shifts) : undefined;
    if (repaired === undefined) return { problems: first };
    current = repaired;
  }
}

function firstDocument(text: string, lines: LineCounter): Document.Parsed | undefined {
  const composer = new Composer({
    schema: "failsafe",
    version: "1.1",
    uniqueKeys: false,
    prettyErrors: false,
    merge: false,
  });
  // All of these are generators: what follows the first document is never looked at.
  for (const document of composer.compose(boundedTokens(text, lines))) return document;
  return undefined;
}

/** The tokens of the parser, as long as there are neither too many nor too deep ones: it has no limits of its own. */
function* boundedTokens(text: string, lines: LineCounter): Generator<CST.Token> {
  const parser = new Parser(lines.addNewLine);
  lines.addNewLine(0);
  let [count, flows, indicators, offset, scalar] = [0, 0, 0, 0, false];
  for (const lexeme of new Lexer().lex(text)) {
    if (++count > mostLexemes) throw new TreeRefused(tooMany(placeAt(lines, offset), mostLexemes));
    if (!scalar) {
      if (lexeme === "[" || lexeme === "{") flows++;
      else if (lexeme === "]" || lexeme === "}") flows--;
      else if (flows === 0 && (lexeme === "-" || lexeme === "?")) indicators++;
      else if (lexeme.includes("\n")) indicators = 0;
    }
    if (flows > deepest || indicators > deepest)
      throw new TreeRefused(tooDeep(placeAt(lines, offset), deepest));
    // What follows this mark is text of the file, whatever it looks like.
    scalar = lexeme === "\u001f";
    if (!/^[\u0002\u0018\u001f]$/.test(lexeme)) offset += lexeme.length;
    yield* parser.next(lexeme);
  }
  yield* parser.end();
}

interface Anchor {
  /** Undefined while the node itself is still growing: an alias to it would be endless. */
  node: TreeNode | undefined;
}

interface Grower {
  places: Places;
  problems: Problem[];
  anchors: Map<string, Anchor>;
  /** Nodes that stand below one, counted as often as they are reached. */
  sizes: Map<TreeNode, number>;
  /** Entries that merge keys have copied so far, all maps together. */
  merged: number;
  /** Length of a text whose last line has no end. */
  openEnd?: number;
}

function grow(grower: Grower, node: Node | null, depth: number): TreeNode {
  if (node === null) return emptyText({ line: 1, column: 1 });
  const at = placeOf(grower, node);
  if (isAlias(node)) return followAlias(grower, node.source, at);
  if (depth > deepest) throw new TreeRefused(tooDeep(at, deepest));
  const anchor: Anchor = { node: undefined };
  const name = (node as { anchor?: string }).anchor;
  if (name !== undefined) grower.anchors.set(name, anchor);
  const grown = growHere(grower, node, at, depth, name !== undefined);
  anchor.node = grown;
  return grown;
}

function growHere(grower: Grower, node: Node, at: Position, depth: number, anchored: boolean): TreeNode {
  if (isScalar(node)) return measured(grower, textNode(grower, node, at, anchored), 1);
  if (isSeq(node)) {
    const items = node.items.map(item => grow(grower, item as Node | null, depth + 1));
    return measured(grower, { kind: "list", items, at, anchored }, 1 + total(grower, items));
  }
  if (isMap(node)) {
    const entries = growEntries(grower, node.items as Pair<Node, Node | null>[], at, depth);
    return measured(
      grower,
      { kind: "map", entries, at, anchored },
      1 +
        total(
          grower,
          entries.map(it => it.value),
        ),
    );
  }
  return emptyText(at);
}

function growEntries(
  grower: Grower,
  pairs: Pair<Node, Node | null>[],
  at: Position,
  depth: number,
): MapEntry[] {
  const entries = new Map<string, MapEntry>();
  const own = new Set<string>();
  for (const pair of pairs) {
    const keyAt = placeOf(grower, pair.key) ?? at;
    if (isMergeKey(pair.key)) {
      for (const entry of mergedEntries(grower, pair.value, keyAt, depth)) {
        if (!own.has(entry.key)) entries.set(entry.key, entry);
      }
      continue;
    }
    const key = grow(grower, pair.key, depth + 1);
    if (key.kind !== "text") throw new TreeRefused(badKey(keyAt));
    const value = pair.value === null ? emptyText(keyAt) : grow(grower, pair.value, depth + 1);
    if (own.has(key.text)) grower.problems.push(duplicateKey(keyAt, key.text, entries.get(key.text)!.keyAt));
    own.add(key.text);
    // The first one keeps its place in the order, also where the value of a later one counts.
    entries.set(key.text, { key: key.text, keyAt, value });
  }
  return [...entries.values()];
}

function isMergeKey(key: Node | null): boolean {
  return isScalar(key) && key.type === Scalar.PLAIN && key.source === "<<" && key.tag === undefined;
}

/** Entries that `<<` brings: those of an earlier map in its list before those of a later one. */
function mergedEntries(grower: Grower, value: Node | null, at: Position, depth: number): MapEntry[] {
  const source = value === null ? emptyText(at) : grow(grower, value, depth + 1);
  const maps = source.kind === "list" ? source.items : [source];
  const entries = new Map<string, MapEntry>();
  for (const map of maps) {
    if (map.kind !== "map") throw new TreeRefused(badMerge(at));
    grower.merged += map.entries.length;
    if (grower.merged > mostNodes) throw new TreeRefused(tooManyExpanded(at, mostNodes));
    for (const entry of map.entries) if (!entries.has(entry.key)) entries.set(entry.key, entry);
  }
  return [...entries.values()];
}

function followAlias(grower: Grower, name: string, at: Position): TreeNode {
  const anchor = grower.anchors.get(name);
  if (anchor === undefined) throw new TreeRefused(unknownAnchor(at, name));
  if (anchor.node === undefined) throw new TreeRefused(endlessAnchor(at, name));
  return anchor.node;
}

function total(grower: Grower, nodes: TreeNode[]): number {
  let sum = 0;
  for (const node of nodes) sum += grower.sizes.get(node) ?? 1;
  return sum;
}

function measured<T extends TreeNode>(grower: Grower, node: T, size: number): T {
  if (size > mostNodes) throw new TreeRefused(tooManyExpanded(node.at, mostNodes));
  grower.sizes.set(node, size);
  return node;
}

function textNode(grower: Grower, node: Scalar, at: Position, anchored: boolean): TextNode {
  const plain = node.type === Scalar.PLAIN || node.type === undefined;
  let text = plain ? (node.source ?? String(node.value ?? "")) : String(node.value ?? "");
  const block = node.type === Scalar.BLOCK_LITERAL || node.type === Scalar.BLOCK_FOLDED;
  // A block that ends with the file, in a line without end, has none there. The parser adds one.
  const cut = block && grower.openEnd !== undefined && (node.range?.[1] ?? 0) >= grower.openEnd;
  if (cut && text.endsWith("\n")) text = text.slice(0, -1);
  return { kind: "text", text, plain, at, anchored, resolved: resolveTagged(node.tag, text, plain) };
}

function resolveTagged(tag: string | undefined, text: string, plain: boolean): Resolved {
  if (tag === undefined || tag === "?") return plain ? resolvePlain(text) : { type: "string", text };
  const known = /^(?:tag:yaml\.org,2002:|!!)(int|float|bool|null)$/.exec(tag);
  return known === null ? { type: "string", text } : resolvePlain(text);
}

function emptyText(at: Position): TextNode {
  return { kind: "text", text: "", plain: true, at, anchored: false, resolved: { type: "null", text: "" } };
}

function placeOf(grower: Grower, node: Node | null): Position {
  const { line, column } = placeAt(grower.places.lines, node?.range?.[0] ?? 0);
  return { line, column: Math.max(1, column - (grower.places.shifts.get(line) ?? 0)) };
}

function placeAt(lines: LineCounter, offset: number): Position {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(line, 1), column: Math.max(col, 1) };
}
