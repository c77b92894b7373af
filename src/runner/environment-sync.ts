// Reads what `env` printed in the box: variables that end in NUL, or lines where its `env` cannot do better.

import type { EnvEntry } from "../core/job.ts";

/** Never throws: what is no `NAME=value` is left out. */
export function parseEnvironment(bytes: Uint8Array): EnvEntry[] {
  const text = Buffer.from(bytes).toString("utf8");
  const entries = text.includes("\0") ? text.split("\0") : text.split("\n");
  return entries.flatMap(entry => {
    const at = entry.indexOf("=");
    const name = entry.slice(0, Math.max(0, at));
    return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? [{ name, value: entry.slice(at + 1) }] : [];
  });
}
