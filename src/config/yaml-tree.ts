// YAML text to a small tree: maps, lists and scalars with their places, aliases and merge keys already resolved. Whatever
// the text is, this neither throws nor takes more time or memory than the limits below allow.

import {
  Composer,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  Parser,
  Scalar,
  type YAMLError,
} from "yaml";
import type { Position, Problem } from "./pipeline-file.ts";
import { type Resolved, resolvePlain } from "./scalars.ts";

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
/** Nodes after aliases and merge keys have been expanded. */
const mostNodes = 100_000;
/** Syntax errors that are told; the rest follows from these as a rule. */
const mostErrors = 20;

class TreeRefused extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.message);
    this.problem = problem;
  }
}

/** Parses the first document of a text. An empty one gives an empty scalar. */
export function parseTree(text: string): ParsedTree {
  const lines = new LineCounter();
  const problems: Problem[] = [];
  try {
    const document = firstDocument(text, lines);
    if (document === undefined) return { tree: emptyText({ line: 1, column: 1 }), problems };
    if (document.errors.length > 0) return { problems: syntaxProblems(document.errors, lines, text) };
    const grower = {
      lines,
      problems,
      anchors: new Map<string, Anchor>(),
      sizes: new Map<TreeNode, number>(),
      merged: 0,
    };
    const tree = grow(grower, document.contents as Node | null, 0);
    return { tree, problems };
  } catch (error) {
    if (error instanceof TreeRefused) return { problems: [...problems, error.problem] };
    // The parser calls itself for every level: a text that is nothing but brackets ends the stack.
    if (error instanceof RangeError) return { problems: [tooDeep({ line: 1, column: 1 })] };
    throw error;
  }
}

function firstDocument(text: string, lines: LineCounter) {
  const composer = new Composer({
    schema: "failsafe",
    version: "1.1",
    uniqueKeys: false,
    prettyErrors: false,
    merge: false,
  });
  // Both are generators: what follows the first document is never looked at.
  for (const document of composer.compose(new Parser(lines.addNewLine).parse(text))) return document;
  return undefined;
}

interface Anchor {
  /** Undefined while the node itself is still growing: an alias to it would be endless. */
  node: TreeNode | undefined;
}

interface Grower {
  lines: LineCounter;
  problems: Problem[];
  anchors: Map<string, Anchor>;
  /** Nodes that stand below one, counted as often as they are reached. */
  sizes: Map<TreeNode, number>;
  /** Entries that merge keys have copied so far, all maps together. */
  merged: number;
}

function grow(grower: Grower, node: Node | null, depth: number): TreeNode {
  if (node === null) return emptyText({ line: 1, column: 1 });
  const at = placeOf(grower, node);
  if (isAlias(node)) return followAlias(grower, node.source, at);
  if (depth > deepest) throw new TreeRefused(tooDeep(at));
  const anchor: Anchor = { node: undefined };
  const name = (node as { anchor?: string }).anchor;
  if (name !== undefined) grower.anchors.set(name, anchor);
  const grown = growHere(grower, node, at, depth, name !== undefined);
  anchor.node = grown;
  return grown;
}

function growHere(grower: Grower, node: Node, at: Position, depth: number, anchored: boolean): TreeNode {
  if (isScalar(node)) return measured(grower, textNode(node, at, anchored), 1);
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
    if (own.has(key.text)) grower.problems.push(duplicateKey(key.text, keyAt, entries.get(key.text)!.keyAt));
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
    if (grower.merged > mostNodes) throw new TreeRefused(tooMany(at));
    for (const entry of map.entries) if (!entries.has(entry.key)) entries.set(entry.key, entry);
  }
  return [...entries.values()];
}

function followAlias(grower: Grower, name: string, at: Position): TreeNode {
  const anchor = grower.anchors.get(name);
  if (anchor === undefined) {
    throw new TreeRefused({
      ...errorAt(at, `unknown anchor '${name}' referenced`),
      hint: `Define it before this place with &${name}, or quote a text that begins with *`,
    });
  }
  if (anchor.node === undefined) {
    throw new TreeRefused({
      ...errorAt(at, `anchor '${name}' value contains itself`),
      hint: `Take *${name} out of it`,
    });
  }
  return anchor.node;
}

function total(grower: Grower, nodes: TreeNode[]): number {
  let sum = 0;
  for (const node of nodes) sum += grower.sizes.get(node) ?? 1;
  return sum;
}

function measured<T extends TreeNode>(grower: Grower, node: T, size: number): T {
  if (size > mostNodes) throw new TreeRefused(tooMany(node.at));
  grower.sizes.set(node, size);
  return node;
}

function textNode(node: Scalar, at: Position, anchored: boolean): TextNode {
  const plain = node.type === Scalar.PLAIN || node.type === undefined;
  const text = plain ? (node.source ?? String(node.value ?? "")) : String(node.value ?? "");
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
  const { line, col } = grower.lines.linePos(node?.range?.[0] ?? 0);
  return { line: Math.max(line, 1), column: Math.max(col, 1) };
}

function errorAt(at: Position, message: string) {
  return { severity: "error" as const, line: at.line, column: at.column, message };
}

function tooDeep(at: Position): Problem {
  const message = `values stand more than ${deepest} levels deep within each other`;
  return { ...errorAt(at, message), hint: "A pipeline file needs about ten levels" };
}

function tooMany(at: Position): Problem {
  const message = `the file expands to more than ${mostNodes} values`;
  return { ...errorAt(at, message), hint: "Use fewer aliases (*name) of large values" };
}

function badKey(at: Position): Problem {
  return {
    ...errorAt(at, "a key must be a text, not a map or a list"),
    hint: "Quote it if it is meant as a text",
  };
}

function badMerge(at: Position): Problem {
  const message = "map merge requires map or sequence of maps as the value";
  return { ...errorAt(at, message), hint: "Write <<: *name, where name is the anchor of a map" };
}

function duplicateKey(key: string, at: Position, first: Position): Problem {
  return {
    severity: "warning",
    line: at.line,
    column: at.column,
    message: `"${key}" stands twice in this map (first in line ${first.line}): the last one counts`,
    hint: "Remove one of them",
  };
}

function syntaxProblems(errors: YAMLError[], lines: LineCounter, text: string): Problem[] {
  // What else the parser says of a file with tabs follows from the tabs.
  const tabs = errors.filter(error => error.code === "TAB_AS_INDENT");
  const seen = new Set<string>();
  const problems: Problem[] = [];
  for (const error of tabs.length > 0 ? tabs : errors) {
    const problem = syntaxProblem(error.code, error.message, lines.linePos(offsetOf(error, text)), text);
    const what = `${problem.line} ${problem.message}`;
    if (!seen.has(what) && problems.length < mostErrors) problems.push(problem);
    seen.add(what);
  }
  return problems;
}

/** Where the caret should stand: at what is wrong, not at the space before it. */
function offsetOf(error: YAMLError, text: string): number {
  const start = error.pos[0];
  if (error.code === "TAB_AS_INDENT") return start;
  const blank = /^\s*/.exec(text.slice(start, start + 1000))![0].length;
  return start + blank < text.length ? start + blank : start;
}

const hints: Record<string, string> = {
  TAB_AS_INDENT: "Put spaces in place of the tab",
  BAD_INDENT: "Give it the same indent as its neighbours",
  MULTILINE_IMPLICIT_KEY: "Is a colon or a line break missing, or an indent wrong?",
  MISSING_CHAR: "Is a colon, quote or bracket missing?",
  BLOCK_AS_IMPLICIT_KEY: "Check the indent of this line and of the one above",
  BAD_SCALAR_START: "Quote a text that begins with this character",
  UNEXPECTED_TOKEN: "Quote the text if this character belongs to it",
};

function syntaxProblem(
  code: string,
  message: string,
  place: { line: number; col: number },
  text: string,
): Problem {
  const at = { line: Math.max(place.line, 1), column: Math.max(place.col, 1) };
  // The parser's own catch for texts that are nothing but brackets.
  if (message.includes("call stack")) return tooDeep({ line: 1, column: 1 });
  const hint = hints[code] ?? "Correct the YAML here";
  if (code === "TAB_AS_INDENT") {
    // The parser names the start of the line; the caret should stand at the tab.
    const line = text.split("\n", at.line)[at.line - 1] ?? "";
    return {
      ...errorAt({ line: at.line, column: line.indexOf("\t") + 1 || at.column }, "a tab cannot indent YAML"),
      hint,
    };
  }
  return { ...errorAt(at, message), hint };
}
