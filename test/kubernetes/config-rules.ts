// Secrets and ConfigMaps: keys, sizes, types, immutability.

import type { FaultCause } from "./api-fault.ts";
import type { ApiObject } from "./api-object.ts";
import { fieldForbidden, invalidValue, required, tooLong } from "./field-fault.ts";
import type { KindRules } from "./rules.ts";

const mostBytes = 1024 * 1024;

interface Config extends ApiObject {
  data?: Record<string, string>;
  binaryData?: Record<string, string>;
  stringData?: Record<string, string>;
  immutable?: boolean;
  type?: string;
}

function keyFaults(field: string, key: string): FaultCause[] {
  if (/^[-._a-zA-Z0-9]+$/.test(key) && key.length <= 253 && key !== "." && !key.startsWith("..")) return [];
  const why =
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or " +
    "'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
  return [invalidValue(`${field}[${key}]`, key, why)];
}

const bytesOf = (values: Record<string, string>, encoding: "utf8" | "base64") =>
  Object.values(values).reduce((sum, value) => sum + Buffer.from(value, encoding).length, 0);

const stays = (field: string) => fieldForbidden(field, "field is immutable when `immutable` is set");

export const configRules: KindRules = {
  validate(draft) {
    const { data = {}, binaryData = {} } = draft as Config;
    const faults = Object.keys(data).flatMap(key => [
      ...keyFaults("data", key),
      ...(key in binaryData
        ? [invalidValue(`data[${key}]`, key, "duplicate of key present in binaryData")]
        : []),
    ]);
    faults.push(...Object.keys(binaryData).flatMap(key => keyFaults("binaryData", key)));
    const bytes = bytesOf(data, "utf8") + bytesOf(binaryData, "base64");
    return bytes > mostBytes ? [...faults, tooLong("", mostBytes)] : faults;
  },
  validateUpdate(draft, before) {
    const [now, then] = [draft as Config, before as Config];
    if (then.immutable !== true) return [];
    const faults: FaultCause[] = [];
    if (now.immutable !== true) faults.push(stays("immutable"));
    if (!same(now.data, then.data)) faults.push(stays("data"));
    if (!same(now.binaryData, then.binaryData)) faults.push(stays("binaryData"));
    return faults;
  },
};

const neededKeys: Record<string, string[]> = {
  "kubernetes.io/dockercfg": [".dockercfg"],
  "kubernetes.io/dockerconfigjson": [".dockerconfigjson"],
  "kubernetes.io/ssh-auth": ["ssh-privatekey"],
  "kubernetes.io/tls": ["tls.crt", "tls.key"],
};

export const secretRules: KindRules = {
  deleteAnswersObject: false,
  defaults(draft) {
    const secret = draft as Config;
    secret.type ??= "Opaque";
    if (secret.stringData === undefined) return;
    const encoded = Object.entries(secret.stringData).map(([key, value]) => [
      key,
      Buffer.from(value).toString("base64"),
    ]);
    secret.data = { ...secret.data, ...Object.fromEntries(encoded) };
    delete secret.stringData;
  },
  validate(draft) {
    const { data = {}, type = "" } = draft as Config;
    const faults = Object.keys(data).flatMap(key => keyFaults("data", key));
    if (bytesOf(data, "base64") > mostBytes) faults.push(tooLong("data", mostBytes));
    for (const key of neededKeys[type] ?? []) {
      if (data[key] === undefined) faults.push(required(`data[${key}]`));
    }
    if (type.startsWith("kubernetes.io/docker")) {
      const key = neededKeys[type]![0]!;
      if (data[key] !== undefined && !isJson(Buffer.from(data[key], "base64").toString("utf8"))) {
        faults.push(invalidValue(`data[${key}]`, "<secret contents redacted>", jsonFault(data[key])));
      }
    }
    return faults;
  },
  validateUpdate(draft, before) {
    const [now, then] = [draft as Config, before as Config];
    const faults: FaultCause[] = [];
    if (now.type !== then.type) faults.push(invalidValue("type", now.type, "field is immutable"));
    if (then.immutable !== true) return faults;
    if (now.immutable !== true) faults.push(stays("immutable"));
    if (!same(now.data, then.data)) faults.push(stays("data"));
    return faults;
  },
};

function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one ?? null) === JSON.stringify(other ?? null);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function jsonFault(encoded: string): string {
  const text = Buffer.from(encoded, "base64").toString("utf8");
  if (text === "") return "unexpected end of JSON input";
  return `invalid character '${text[0]}' looking for beginning of value`;
}
