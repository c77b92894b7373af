// Reads JSON as the strict decoder of an API server does: values, and which keys stand twice in an object.

import { badRequest } from "./api-fault.ts";

export interface Read {
  value: unknown;
  /** Paths of keys that stand twice, as `spec.containers[0].image`. */
  duplicates: string[];
}

/** Throws ApiFault 400. */
export function readJson(text: string, kind: string): Read {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const why = /end of JSON|Unterminated|Expected .* at position \d+ \(line \d+ column \d+\)$/.test(
      String(error),
    )
      ? "unexpected end of JSON input"
      : String(error).replace(/^SyntaxError: /, "");
    throw badRequest(
      `the object provided is unrecognized (must be of type ${kind}): couldn't get version/kind; ` +
        `json parse error: ${why} (${text.slice(0, 30)} ...)`,
    );
  }
  return { value, duplicates: duplicatesIn(text) };
}

interface Frame {
  path: string;
  keys: Set<string> | undefined;
  index: number;
  key: string;
}

const stringOrMark = /"(?:[^"\\]|\\.)*"|[{}[\],:]/g;

/** The text must be valid JSON. */
function duplicatesIn(text: string): string[] {
  const duplicates: string[] = [];
  const frames: Frame[] = [];
  let before = "";
  for (const { 0: token } of text.matchAll(stringOrMark)) {
    const top = frames.at(-1);
    if (token === "{" || token === "[") {
      const path = top === undefined ? "" : placeOf(top);
      frames.push({ path, keys: token === "{" ? new Set() : undefined, index: 0, key: "" });
    } else if (token === "}" || token === "]") frames.pop();
    else if (token === "," && top !== undefined) top.index += 1;
    else if (token[0] === '"' && top?.keys !== undefined && (before === "{" || before === ",")) {
      top.key = JSON.parse(token) as string;
      if (top.keys.has(top.key)) duplicates.push(placeOf(top));
      top.keys.add(top.key);
    }
    before = token;
  }
  return duplicates;
}

function placeOf({ path, keys, index, key }: Frame): string {
  if (keys === undefined) return `${path}[${index}]`;
  return path === "" ? key : `${path}.${key}`;
}
