// Sets of fields, as managedFields writes them (FieldsV1): which parts of an object somebody manages.
// https://kubernetes.io/docs/reference/using-api/server-side-apply/

import { isDeepStrictEqual } from "node:util";
import { type FieldType, structOf } from "./schema.ts";

/** One place in an object; `member` where the place itself is in the set. */
export interface FieldSet {
  member: boolean;
  /** `f:name`, `k:{"name":"box"}`, `v:"text"`. */
  children: Map<string, FieldSet>;
}

export const emptySet = (): FieldSet => ({ member: false, children: new Map() });
const leaf = (): FieldSet => ({ member: true, children: new Map() });

export function isEmptySet({ member, children }: FieldSet): boolean {
  return !member && [...children.values()].every(isEmptySet);
}

export function toFieldsV1({ children }: FieldSet): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const key of [...children.keys()].sort()) {
    const child = children.get(key)!;
    const inside = toFieldsV1(child);
    const isBare = Object.keys(inside).length === 0;
    if (isBare && !child.member) continue;
    result[key] = child.member && !isBare ? { ".": {}, ...inside } : inside;
  }
  return result;
}

export function fromFieldsV1(fields: Record<string, unknown>, isRoot = true): FieldSet {
  const { ".": self, ...rest } = fields;
  const children = Object.entries(rest).map(
    ([key, value]) => [key, fromFieldsV1(value as Record<string, unknown>, false)] as const,
  );
  return { member: !isRoot && (self !== undefined || children.length === 0), children: new Map(children) };
}

export type Combine = (one: boolean, other: boolean) => boolean;

function combined(one: FieldSet, other: FieldSet, combine: Combine): FieldSet {
  const result: FieldSet = { member: combine(one.member, other.member), children: new Map() };
  for (const key of new Set([...one.children.keys(), ...other.children.keys()])) {
    const none = emptySet();
    const child = combined(one.children.get(key) ?? none, other.children.get(key) ?? none, combine);
    if (!isEmptySet(child)) result.children.set(key, child);
  }
  return result;
}

export const union = (one: FieldSet, other: FieldSet) => combined(one, other, (a, b) => a || b);
export const without = (one: FieldSet, other: FieldSet) => combined(one, other, (a, b) => a && !b);
export const common = (one: FieldSet, other: FieldSet) => combined(one, other, (a, b) => a && b);

/** `.spec.containers[name="box"].image`, for all members. */
export function pathsOf(set: FieldSet, at = ""): string[] {
  const own = set.member && at !== "" ? [at] : [];
  const inside = [...set.children].flatMap(([key, child]) => pathsOf(child, at + stepText(key)));
  return [...own, ...inside];
}

function stepText(key: string): string {
  if (key.startsWith("f:")) return `.${key.slice(2)}`;
  if (key.startsWith("v:")) return `[=${key.slice(2)}]`;
  const keys = JSON.parse(key.slice(2)) as Record<string, unknown>;
  return `[${Object.entries(keys)
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .join(",")}]`;
}

export function mergesWhole(type: FieldType): boolean {
  if (type.is === "list") return type.keys === undefined && !type.set;
  if (type.is === "map" || type.is === "struct") return type.atomic;
  return true;
}

/** What Go reads where nothing is said. */
const keyDefaults: Record<string, string> = { protocol: "TCP", name: "" };

/** Of an item in a list that merges by keys. Protocols are TCP where nothing is said. */
export function itemKey(type: FieldType & { is: "list" }, item: unknown): string {
  if (type.set) return `v:${JSON.stringify(item)}`;
  const value = item as Record<string, unknown>;
  const keys = (type.keys ?? []).toSorted().flatMap(name => {
    const given = value[name] ?? keyDefaults[name];
    return given === undefined ? [] : [[name, given]];
  });
  return `k:${JSON.stringify(Object.fromEntries(keys))}`;
}

export type Parts = Map<string, { value: unknown; type: FieldType }>;

/** What is inside of a value that merges by parts. */
export function partsOf(value: unknown, type: FieldType): Parts {
  if (type.is === "list") {
    const parts: Parts = new Map();
    for (const item of (value ?? []) as unknown[]) {
      const key = itemKey(type, item);
      // Of two alike, nobody can tell the parts.
      parts.set(key, { value: item, type: parts.has(key) ? { is: "any" } : type.of });
    }
    return parts;
  }
  const parts: Parts = new Map();
  for (const [key, each] of Object.entries((value ?? {}) as object)) {
    const inside =
      type.is === "map" ? type.of : type.is === "struct" ? structOf(type.name).fields.get(key) : undefined;
    parts.set(`f:${key}`, { value: each, type: inside ?? { is: "any" } });
  }
  return parts;
}

/** All that a configuration says. */
export function setOf(value: unknown, type: FieldType, isItem = false): FieldSet {
  if (mergesWhole(type)) return leaf();
  const parts = partsOf(value, type);
  // An empty list of parts is no place of its own.
  const isBare = parts.size === 0 && type.is !== "list";
  const set: FieldSet = { member: isBare || isItem, children: new Map() };
  for (const [key, part] of parts) set.children.set(key, setOf(part.value, part.type, key.startsWith("k:")));
  return set;
}

export interface Comparison {
  /** New or other than before. */
  changed: FieldSet;
  removed: FieldSet;
}

export function compare(before: unknown, after: unknown, type: FieldType): Comparison {
  if (before === undefined && after === undefined) return { changed: emptySet(), removed: emptySet() };
  if (mergesWhole(type)) {
    if (isDeepStrictEqual(before, after)) return { changed: emptySet(), removed: emptySet() };
    return after === undefined
      ? { changed: emptySet(), removed: leaf() }
      : { changed: leaf(), removed: emptySet() };
  }
  const [then, now] = [partsOf(before, type), partsOf(after, type)];
  const changed: FieldSet = { member: before === undefined && isWhole(type, now), children: new Map() };
  const removed: FieldSet = { member: after === undefined && isWhole(type, then), children: new Map() };
  for (const key of new Set([...then.keys(), ...now.keys()])) {
    const [old, young] = [then.get(key), now.get(key)];
    if (old === undefined && isAlwaysThere(key, young?.value)) continue;
    const inside = compare(old?.value, young?.value, (young ?? old)!.type);
    if (key.startsWith("k:")) {
      inside.changed.member ||= old === undefined;
      inside.removed.member ||= young === undefined;
    }
    if (!isEmptySet(inside.changed)) changed.children.set(key, inside.changed);
    if (!isEmptySet(inside.removed)) removed.children.set(key, inside.removed);
  }
  return { changed, removed };
}

/** Maps are places of their own, structs only where they are empty. */
function isWhole(type: FieldType, parts: Parts): boolean {
  return type.is === "map" || (type.is === "struct" && parts.size === 0);
}

/** Of NetworkPolicies: it is no pointer in Go, so that an empty one is never new. */
function isAlwaysThere(key: string, value: unknown): boolean {
  return key === "f:podSelector" && Object.keys(value ?? {}).length === 0;
}
