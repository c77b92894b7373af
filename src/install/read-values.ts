// A file of values, on top of a profile, becomes values that all objects are made from. Names that are not known are refused
// with what was probably meant, and so is what would give a platform that cannot work.

import { parse } from "yaml";
import { accept, type Result, refuse } from "../core/failure.ts";
import { nearest } from "../lib/nearest.ts";
import { type ProfileName, profiles, type Values, valuesSchema } from "./values.ts";

const page = "docs/production.md has all values";

/** Refuses with `values`: each mistake with its path. `text`: YAML; none at all: the profile alone. */
export function readValues(text: string | undefined, profile: ProfileName): Result<Values> {
  let own: unknown;
  try {
    own = text === undefined ? {} : (parse(text) ?? {});
  } catch (error) {
    return refuse("values", `the values are no YAML: ${(error as Error).message}`);
  }
  if (!isMap(own)) return refuse("values", "the values must be names and values", page);
  // As Helm does it: of maps such as a quota, what is not told stays.
  const usual = merge(valuesSchema.parse({}), profiles[profile] as Tree);
  const merged = merge(usual, own);
  const parsed = valuesSchema.safeParse(merged);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(issue =>
      issue.code === "unrecognized_keys"
        ? issue.keys.map(key => unknownKey(issue.path, key)).join("\n")
        : `${pathText(issue.path)}: ${issue.message}`,
    );
    return refuse("values", problems.join("\n"), page);
  }
  const contradiction = contradictionIn(parsed.data);
  return contradiction ?? accept(parsed.data);
}

/** What the schema cannot say, since it is about several values. */
function contradictionIn(values: Values): Result<never> | undefined {
  const { database, blobs, routes, namespaces, nodeClasses } = values;
  if (blobs.kind === "s3" && !/^s3:\/\/[^/]/.test(blobs.s3.address)) {
    return refuse(
      "values",
      `blobs.s3.address: ${blobs.s3.address === "" ? "is missing" : `"${blobs.s3.address}" is no s3://BUCKET/PREFIX`}`,
      "name a bucket, or set blobs.kind to `volume`",
    );
  }
  if (blobs.kind === "volume" && blobs.volume.accessMode === "ReadWriteOnce" && nodeClasses) {
    return refuse(
      "values",
      "blobs.volume.accessMode: ReadWriteOnce is for a cluster of one node",
      "take ReadWriteMany, or blobs.kind `s3`",
    );
  }
  if (database.kind === "external" && database.secret === "") {
    return refuse(
      "values",
      "database.secret: is missing, and database.kind is `external`",
      "make a Secret whose key `url` has postgres://..., and name it",
    );
  }
  if (routes.kind === "httproute" && routes.gateway.name === "") {
    return refuse(
      "values",
      "routes.gateway.name: is missing, and routes.kind is `httproute`",
      "name the Gateway",
    );
  }
  const all = Object.values(namespaces);
  if (new Set(all).size < all.length) {
    return refuse("values", "namespaces: the platform and both kinds of jobs need one each", "name three");
  }
  return undefined;
}

type Tree = Record<string, unknown>;

function isMap(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Maps are merged, all else is replaced. A resource that is told stands beside those of the profile. */
export function merge(base: Tree, over: Tree): Tree {
  const merged: Tree = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const below = base[key];
    merged[key] = isMap(below) && isMap(value) ? merge(below, value) : value;
  }
  return merged;
}

function unknownKey(path: readonly PropertyKey[], key: string): string {
  let known: unknown = valuesSchema.parse({});
  for (const part of path) known = (known as Record<PropertyKey, unknown> | undefined)?.[part];
  const near = nearest(key, isMap(known) ? Object.keys(known) : ["cidr", "ports"]);
  const hint = near === undefined ? "" : `, did you mean "${near}"?`;
  return `${pathText([...path, key])}: there is no such value${hint}`;
}

function pathText(path: readonly PropertyKey[]): string {
  return path
    .map(part => (typeof part === "number" ? `[${part}]` : `.${String(part)}`))
    .join("")
    .replace(/^\./, "");
}
