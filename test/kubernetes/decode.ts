// Turns a body into an object of a kind as the decoder of a real API server does: wrong types are refused, unknown and
// double fields refused or warned of, and what Go would leave out when it writes (nulls, empty lists) is left out.

import { badRequest } from "./api-fault.ts";
import { quantityPattern } from "./quantity.ts";
import { type FieldType, goType, structOf, structType } from "./schema.ts";

export interface Decoded {
  value: Record<string, unknown>;
  /** `spec.nodeSelektor`, in the order in which they stand. */
  unknown: string[];
}

/** Of `struct` in `version` (`v1`). Throws ApiFault 400 for a wrong type, in Go's words. */
export function decode(value: unknown, struct: string, version: string, kind: string): Decoded {
  const walk: Walk = { unknown: [], version, kind };
  const type = structType(struct);
  const at = { path: "", json: "", owner: struct };
  const decoded = decodeValue(walk, value, type, at) as Record<string, unknown> | undefined;
  return { value: decoded ?? {}, unknown: walk.unknown };
}

interface Walk {
  unknown: string[];
  version: string;
  kind: string;
}

/** Where we are: with indices, as Go names it (without), and in which struct the last field was. */
interface At {
  path: string;
  json: string;
  owner: string;
}

function decodeValue(walk: Walk, value: unknown, type: FieldType, at: At): unknown {
  if (value === null || value === undefined) return undefined;
  if (type.is === "any") return value;
  if (type.is === "scalar") return decodeScalar(walk, value, type.name, at, type);
  if (type.is === "list") return decodeList(walk, value, type, at);
  if (typeof value !== "object" || Array.isArray(value)) throw wrongType(walk, value, type, at);
  if (type.is === "map") {
    const entries = Object.entries(value).map(([key, each]) => {
      const inside = { ...at, path: `${at.path}.${key}` };
      return [key, decodeValue(walk, each, type.of, inside) ?? zeroOf(type.of)] as const;
    });
    return entries.length === 0 ? undefined : Object.fromEntries(entries);
  }
  return decodeStruct(walk, value as Record<string, unknown>, type.name, at);
}

function decodeStruct(walk: Walk, value: Record<string, unknown>, name: string, at: At) {
  const { fields, required } = structOf(name);
  const decoded: Record<string, unknown> = {};
  for (const [field, each] of Object.entries(value)) {
    const path = at.path === "" ? field : `${at.path}.${field}`;
    const type = fields.get(field);
    if (type === undefined) {
      walk.unknown.push(path);
      continue;
    }
    const json = at.json === "" ? field : `${at.json}.${field}`;
    const inside = decodeValue(walk, each, type, { path, json, owner: name });
    if (inside === undefined) continue;
    if (isLeftOut(inside, type, name, field) && !required.includes(field)) continue;
    decoded[field] = inside;
  }
  return decoded;
}

function decodeList(walk: Walk, value: unknown, type: FieldType & { is: "list" }, at: At) {
  if (!Array.isArray(value)) throw wrongType(walk, value, type, at);
  if (value.length === 0) return undefined;
  return value.map(
    (each, index) =>
      decodeValue(walk, each, type.of, { ...at, path: `${at.path}[${index}]` }) ?? zeroOf(type.of),
  );
}

const integers: Record<string, [bigint, bigint]> = {
  int32: [-(2n ** 31n), 2n ** 31n - 1n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
};

function decodeScalar(walk: Walk, value: unknown, name: string, at: At, type: FieldType): unknown {
  const refuse = (why: string) => badRequest(`${handled(walk)}: ${why}`);
  if (name === "Quantity") {
    if (typeof value !== "string" && typeof value !== "number") throw wrongType(walk, value, type, at);
    if (!quantityPattern.test(String(value))) {
      throw refuse(
        "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
      );
    }
    return String(value);
  }
  if (name === "IntOrString") {
    if (typeof value === "string" || Number.isInteger(value)) return value;
    throw refuse(`json: cannot unmarshal ${jsonType(value)} into Go value of type int32`);
  }
  if (name in integers) {
    if (typeof value !== "number") throw wrongType(walk, value, type, at);
    const [least, most] = integers[name]!;
    if (!Number.isInteger(value) || BigInt(value) < least || BigInt(value) > most) {
      throw wrongType(walk, value, type, at, `number ${value}`);
    }
    return value;
  }
  if (name === "double") {
    if (typeof value !== "number") throw wrongType(walk, value, type, at);
    return value;
  }
  if (name === "bool") {
    if (typeof value !== "boolean") throw wrongType(walk, value, type, at);
    return value;
  }
  if (typeof value !== "string") throw wrongType(walk, value, type, at);
  if (name === "bytes") return base64(value, refuse);
  if ((name === "Time" || name === "MicroTime") && Number.isNaN(Date.parse(value))) {
    const layout = name === "Time" ? "2006-01-02T15:04:05Z07:00" : "2006-01-02T15:04:05.000000Z07:00";
    throw refuse(`parsing time ${JSON.stringify(value)} as "${layout}": cannot parse "${value}" as "2006"`);
  }
  return value;
}

function base64(value: string, refuse: (why: string) => Error): string {
  const clean = value.replace(/[\r\n]/g, "");
  if (/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(clean)) return clean;
  const at = /[^A-Za-z0-9+/=]/.exec(clean)?.index ?? clean.length - (clean.length % 4);
  throw refuse(`illegal base64 data at input byte ${at}`);
}

function wrongType({ version, kind }: Walk, value: unknown, type: FieldType, at: At, what = jsonType(value)) {
  const go = goType(type, version);
  const where =
    at.json === "" ? `Go value of type ${go}` : `Go struct field ${at.owner}.${at.json} of type ${go}`;
  return badRequest(`${handled({ version, kind })}: json: cannot unmarshal ${what} into ${where}`);
}

const handled = ({ kind, version }: { kind: string; version: string }) =>
  `${kind} in version "${version}" cannot be handled as a ${kind}`;

function jsonType(value: unknown): string {
  if (Array.isArray(value)) return "array";
  if (typeof value === "boolean") return "bool";
  return typeof value;
}

function zeroOf(type: FieldType): unknown {
  if (type.is === "struct") return {};
  if (type.is === "list") return [];
  if (type.is === "map") return {};
  if (type.is === "any") return null;
  if (type.name === "bool") return false;
  return type.name.startsWith("int") ? 0 : "";
}

/** Go leaves out empty texts and, of these, `false`: they are no pointers there. */
const plainFalse = new Set(
  [
    "hostNetwork hostPID hostIPC readOnly stdin stdinOnce tty publishNotReadyAddresses paused unschedulable".split(
      " ",
    ),
    "globalDefault hostPort nodePort".split(" "),
  ].flat(),
);
/** Texts that are pointers: an empty one differs from none. */
const emptyTexts = new Set(["storageClassName", "volumeName", "apiGroup", "ingressClassName", "group"]);

function isLeftOut(value: unknown, type: FieldType, struct: string, field: string): boolean {
  if (type.is !== "scalar") return false;
  if (value === "") return !emptyTexts.has(field) && !(struct === "HTTPHeader" && field === "value");
  if (value === false || value === 0) return plainFalse.has(field);
  return false;
}
