// The types of Kubernetes 1.32 as data: what fields there are, of which type, and how lists merge. Distilled from the
// server's own OpenAPI document into api-schemas.json, whose type texts are `string`, `[]Container by name` (a list that
// merges by keys), `[]string as set`, `map:string`, `Probe` (a struct); anything else merges as a whole.

import { readFileSync } from "node:fs";

export type FieldType =
  | { is: "struct"; name: string; atomic: boolean }
  | { is: "list"; of: FieldType; keys?: string[]; set: boolean }
  | { is: "map"; of: FieldType; atomic: boolean }
  | { is: "scalar"; name: string }
  | { is: "any" };

export interface Struct {
  required: string[];
  fields: Map<string, FieldType>;
}

interface StructText {
  atomic?: boolean;
  required?: string[];
  fields: Record<string, string>;
}

const scalars = new Set([
  "string",
  "bytes",
  "int32",
  "int64",
  "double",
  "bool",
  "Time",
  "MicroTime",
  "Quantity",
  "IntOrString",
]);

const texts = new Map<string, StructText>();
const structs = new Map<string, Struct>();

/** Throws for a name that no file has: a mistake of the stand-in's. */
export function structOf(name: string): Struct {
  const known = structs.get(name);
  if (known !== undefined) return known;
  const text = textOf(name);
  const fields = new Map(Object.entries(text.fields).map(([field, type]) => [field, typeOf(type)]));
  const struct = { required: text.required ?? [], fields };
  structs.set(name, struct);
  return struct;
}

export const structType = (name: string): FieldType => ({
  is: "struct",
  name,
  atomic: textOf(name).atomic === true,
});

function textOf(name: string): StructText {
  if (texts.size === 0) {
    for (const file of ["api-schemas.json", "gateway-schemas.json"]) {
      const all = JSON.parse(readFileSync(new URL(file, import.meta.url), "utf8")) as Record<
        string,
        StructText
      >;
      for (const [each, text] of Object.entries(all)) texts.set(each, text);
    }
  }
  const text = texts.get(name);
  if (text === undefined) throw new Error(`there is no schema of ${name}`);
  return text;
}

function typeOf(text: string): FieldType {
  if (text.startsWith("[]")) {
    const by = text.lastIndexOf(" by ");
    if (by !== -1) {
      const keys = text.slice(by + 4).split(",");
      return { is: "list", of: typeOf(text.slice(2, by)), keys, set: false };
    }
    const set = text.endsWith(" as set");
    return { is: "list", of: typeOf(text.slice(2, set ? -" as set".length : undefined)), set };
  }
  const atomic = text.endsWith(" atomic");
  const plain = atomic ? text.slice(0, -" atomic".length) : text;
  if (plain.startsWith("map:")) return { is: "map", of: typeOf(plain.slice(4)), atomic };
  if (scalars.has(plain)) return { is: "scalar", name: plain };
  if (plain === "any" || plain === "FieldsV1" || plain === "RawExtension") return { is: "any" };
  return { is: "struct", name: plain, atomic: atomic || textOf(plain).atomic === true };
}

/** As Go names the type in its errors. */
export function goType(type: FieldType, version: string): string {
  if (type.is === "list") return `[]${goType(type.of, version)}`;
  if (type.is === "map") return `map[string]${goType(type.of, version)}`;
  if (type.is === "struct") {
    return metaStructs.has(type.name) ? `v1.${type.name}` : `${version}.${type.name}`;
  }
  if (type.is === "any") return "interface {}";
  if (type.name === "double") return "float64";
  if (type.name === "bytes") return "[]uint8";
  return type.name;
}

const metaStructs = new Set(["ObjectMeta", "LabelSelector", "OwnerReference", "ManagedFieldsEntry"]);
