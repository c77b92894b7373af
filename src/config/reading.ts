// What the readers of the file's parts share: the places where they report, and the values of simple types.

import type { BoxSpec, Dialect } from "../core/job.ts";
import { nearest } from "../lib/nearest.ts";
import { type KeyGroup, knownKeys } from "./file-keys.ts";
import type { Position } from "./pipeline-file.ts";
import type { MapEntry, MapNode, TreeNode } from "./yaml-tree.ts";

/** Takes a finding at a place: what is wrong with which value, and what to change. */
export type Report = (at: Position, message: string, hint: string) => void;

/** What is known of a box or service beside its data. */
export interface BoxNotes {
  at: Position;
  /** Names of its variables as they are written, in order; the box itself has them in upper case. */
  env: string[];
}

export interface Reading {
  dialect: Dialect;
  /** The whole file cannot be used. */
  fail: Report;
  /**
   * What stands here has the wrong form. In a pipeline that makes the pipeline unusable, elsewhere the value is as
   * good as absent. Readers go on after it, so that everything is told at once.
   */
  fault: Report;
  /** It can be used, but is most likely not what was meant. */
  warn: Report;
  boxes: Map<BoxSpec, BoxNotes>;
}

/** What a node is, for messages: `the text "x"`, `a list`, `nothing`. */
export function describeNode(node: TreeNode): string {
  if (node.kind === "map") return "a map";
  if (node.kind === "list") return "a list";
  if (isNull(node)) return "nothing";
  return `${node.resolved.type === "string" ? "the text " : ""}${shown(node.text)}`;
}

/** A value of the file in quotes, cut to a length that fits a message. */
export function shown(text: string): string {
  const line = text.length > 60 ? `${text.slice(0, 57)}...` : text;
  return JSON.stringify(line);
}

export function isNull(node: TreeNode): boolean {
  return node.kind === "text" && node.resolved.type === "null";
}

export function entryOf(map: MapNode, key: string): MapEntry | undefined {
  return map.entries.find(entry => entry.key === key);
}

/** The text as written; empty for null. Reports maps and lists. */
export function readText(reading: Reading, node: TreeNode, what: string): string | undefined {
  if (node.kind === "text") return isNull(node) ? "" : node.text;
  reading.fault(
    node.at,
    `${what} must be a text, not ${describeNode(node)}`,
    "Write one value behind the colon",
  );
  return undefined;
}

/** A text that must not be empty. */
export function readWord(reading: Reading, node: TreeNode, what: string): string | undefined {
  const text = readText(reading, node, what);
  if (text !== "") return text;
  reading.fault(node.at, `${what} is empty`, "Give it a value, or leave the key out");
  return undefined;
}

/** `true` or `false` in any spelling of YAML 1.1, not quoted. */
export function readBool(reading: Reading, node: TreeNode, what: string): boolean | undefined {
  if (node.kind === "text" && node.resolved.type === "bool") return node.resolved.text === "true";
  if (isNull(node)) return undefined;
  reading.fault(
    node.at,
    `${what} must be true or false, not ${describeNode(node)}`,
    node.kind === "text" && !node.plain ? "Take the quotes away" : "Write true or false",
  );
  return undefined;
}

export interface Range {
  least: number;
  most: number;
}

/** A value with a form of its own, such as a time, within limits. `example` completes "such as". */
export function readQuantity(
  reading: Reading,
  node: TreeNode,
  what: string,
  form: {
    parse: (text: string) => number | undefined;
    range: Range;
    example: string;
    show?: (value: number) => string;
  },
): number | undefined {
  const value = node.kind === "text" && !isNull(node) ? form.parse(node.text) : undefined;
  if (value === undefined) {
    reading.fault(
      node.at,
      `${what} cannot be ${describeNode(node)}`,
      `Write a value such as ${form.example}`,
    );
    return undefined;
  }
  const { least, most } = form.range;
  if (value >= least && value <= most) return value;
  const show = form.show ?? String;
  reading.fault(
    node.at,
    `${what} cannot be ${describeNode(node)}: it is out of range`,
    `Choose a value between ${show(least)} and ${show(most)}`,
  );
  return undefined;
}

/** A list of texts; one text alone stands for a list of it. */
export function readTexts(reading: Reading, node: TreeNode, what: string): string[] | undefined {
  const items = node.kind === "list" ? node.items : [node];
  if (node.kind === "map" || isNull(node)) {
    reading.fault(
      node.at,
      `${what} must be a list of texts, not ${describeNode(node)}`,
      "Write one item a line, each behind a dash",
    );
    return undefined;
  }
  const texts: string[] = [];
  for (const item of items) {
    const text = readWord(reading, item, `an item of ${what}`);
    if (text !== undefined) texts.push(text);
  }
  return texts;
}

/** Expects a map; reports anything else. */
export function readMap(reading: Reading, node: TreeNode, what: string): MapNode | undefined {
  if (node.kind === "map") return node;
  reading.fault(
    node.at,
    `${what} must be a map, not ${describeNode(node)}`,
    "Write its keys below it, indented further",
  );
  return undefined;
}

/** Readers by key: a map of ours in which every other key is reported as unknown. */
export function readKeys(
  reading: Reading,
  map: MapNode,
  group: KeyGroup,
  readers: Record<string, (node: TreeNode, what: string) => void>,
): void {
  for (const { key, keyAt, value } of map.entries) {
    const read = Object.hasOwn(readers, key) ? readers[key] : undefined;
    if (read === undefined) warnUnknownKey(reading, group, key, keyAt);
    else read(value, `"${key}"`);
  }
}

/**
 * Warns of a key that means nothing here. Files of the older dialect are full of such keys: there only those that look
 * like a slip are worth a word.
 */
export function warnUnknownKey(reading: Reading, group: KeyGroup, key: string, at: Position): void {
  const known = knownKeys(group, reading.dialect);
  const meant = nearest(key, known);
  if (meant !== undefined) {
    reading.warn(at, `unknown key ${shown(key)} is ignored`, `Did you mean "${meant}"?`);
  } else if (reading.dialect === "slipway") {
    reading.warn(at, `unknown key ${shown(key)} is ignored`, `Keys here are ${known.join(", ")}`);
  }
}
