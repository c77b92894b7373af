// What comes in a call, checked against the endpoint's schemas before a handler sees it. Pure.

import type { z } from "zod";
import { invalid, Problem } from "./problem.ts";

type Place = "path" | "query" | "body";

/** What the schema makes of the value. Throws a Problem with every fault: 404 for a path, 422 for the rest. */
export function checkInput<S extends z.ZodType>(schema: S, value: unknown, place: Place): z.output<S> {
  const parsed = schema.safeParse(value);
  if (!parsed.success) {
    const problems = parsed.error.issues.slice(0, 20).map(issue => ({
      path: [place, ...issue.path.map(String)].join(".").slice(0, 200),
      message: issue.message.slice(0, 300),
    }));
    throw refused(place, problems);
  }
  // Of what the schema has made of it: some schemas mend such texts.
  const faulty = unstorable(parsed.data);
  if (faulty === undefined) return parsed.data;
  const message = "text with a NUL or with half a character";
  throw refused(place, [{ path: `${place}${faulty}`, message }]);
}

/** Repeated names are refused: which of them counts would be a guess. */
export function queryOf(text: string): Record<string, string> {
  const query: Record<string, string> = Object.create(null);
  for (const [name, value] of new URLSearchParams(text)) {
    if (Object.hasOwn(query, name))
      throw invalid("query", `"${name.slice(0, 100)}" stands twice in the query`);
    query[name] = value;
  }
  return { ...query };
}

function refused(place: Place, problems: { path: string; message: string }[]): Problem {
  const detail = problems.map(({ path, message }) => `${path}: ${message}`).join("; ");
  const rest = { detail: detail.slice(0, 1000), problems };
  return place === "path"
    ? new Problem({ status: 404, code: "not-found", title: "Not found", ...rest })
    : new Problem({ status: 422, code: "validation", title: "Not acceptable as it is", ...rest });
}

/**
 * Where in a value of JSON a text stands that the database does not take; keys count, too. Not recursive: a stranger
 * chooses how deep it goes.
 */
function unstorable(top: unknown): string | undefined {
  const left: { value: unknown; path: string }[] = [{ value: top, path: "" }];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const { value, path } = next;
    if (typeof value === "string" && !isText(value)) return path;
    if (typeof value !== "object" || value === null) continue;
    for (const [key, inner] of Object.entries(value)) {
      if (!isText(key)) return path;
      // Deep paths are of no use to anybody, and long.
      left.push({ value: inner, path: path.length > 200 ? path : `${path}.${key}` });
    }
  }
  return undefined;
}

function isText(text: string): boolean {
  return !text.includes("\0") && text.isWellFormed();
}
