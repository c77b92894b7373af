// Merging one configuration into an object, and taking out what nobody says any more: by the schema, lists by their keys.

import { type FieldSet, isEmptySet, itemKey, mergesWhole, partsOf } from "./field-set.ts";
import { type FieldType, structOf } from "./schema.ts";

/** `config` wins. Neither is changed. */
export function merged(live: unknown, config: unknown, type: FieldType): unknown {
  if (config === undefined || config === null) return live;
  if (live === undefined || live === null || mergesWhole(type)) return config;
  if (type.is === "list") return mergedList(live as unknown[], config as unknown[], type);
  const result: Record<string, unknown> = { ...(live as object) };
  for (const [key, part] of partsOf(config, type)) {
    const field = key.slice(2);
    result[field] = merged(result[field], part.value, part.type);
  }
  return result;
}

/** The configuration's order for what it names; others stay behind whom they stood behind. */
function mergedList(live: unknown[], config: unknown[], type: FieldType & { is: "list" }): unknown[] {
  const old = new Map(live.map(item => [itemKey(type, item), item]));
  const named = new Map(config.map(item => [itemKey(type, item), item]));
  const followers = new Map<string, unknown[]>();
  let leader = "";
  for (const [key, item] of old) {
    if (named.has(key)) leader = key;
    else followers.set(leader, [...(followers.get(leader) ?? []), item]);
  }
  const result = [...(followers.get("") ?? [])];
  for (const [key, item] of named) {
    result.push(type.set ? item : merged(old.get(key), item, type.of), ...(followers.get(key) ?? []));
  }
  return result;
}

/** Takes the members of `gone` out, as far as nothing in them is in `kept`. */
export function pruned(value: unknown, gone: FieldSet, kept: FieldSet, type: FieldType): unknown {
  if (isEmptySet(gone) || value === undefined || value === null || mergesWhole(type)) return value;
  if (type.is === "list") {
    return (value as unknown[]).flatMap(item => {
      const key = itemKey(type, item);
      const left = prunedPart(item, gone.children.get(key), kept.children.get(key), type.of);
      return left === undefined ? [] : [left];
    });
  }
  const result: Record<string, unknown> = {};
  for (const [field, each] of Object.entries(value as object)) {
    const key = `f:${field}`;
    const inside =
      type.is === "map" ? type.of : type.is === "struct" ? structOf(type.name).fields.get(field) : undefined;
    const left = prunedPart(each, gone.children.get(key), kept.children.get(key), inside ?? { is: "any" });
    if (left !== undefined) result[field] = left;
  }
  return result;
}

function prunedPart(
  value: unknown,
  gone: FieldSet | undefined,
  kept: FieldSet | undefined,
  type: FieldType,
): unknown {
  if (gone === undefined || isEmptySet(gone)) return value;
  if (gone.member && (kept === undefined || isEmptySet(kept))) return undefined;
  const left = pruned(value, gone, kept ?? { member: false, children: new Map() }, type);
  const isBare = typeof left === "object" && left !== null && Object.keys(left).length === 0;
  return isBare && (kept === undefined || isEmptySet(kept)) ? undefined : left;
}
