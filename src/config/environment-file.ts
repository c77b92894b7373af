// The environment file (`ENVIRONMENT`): lines of KEY=VALUE that join the host's environment. Of that only what begins
// with X_ or XXX_ reaches the box, which is why this file so often "does not work": it is told here.

import type { EnvEntry } from "../core/job.ts";
import type { Problem } from "./pipeline-file.ts";

export interface EnvironmentFile {
  /** What the file adds to the host's environment, in its order. */
  entries: EnvEntry[];
  /** Warnings only: an environment file cannot be wrong, only useless. Values never stand in them. */
  problems: Problem[];
}

/** Shorter ones would be found everywhere in the output. Characters. */
const shortestMasked = 4;
/** What the program itself or the engine reads: these need no prefix. */
const ownNames =
  /^(?:WERCKER_|SLIPWAY_|DOCKER_|CONTAINER_|NO_COLOR$|STEPS_REGISTRY$|(?:https?|no|all)_proxy$)/i;

/**
 * Reads the text of an environment file. `existing` is the host's environment: what has a non-empty value there, or in
 * an earlier line, is not overridden. Nothing is expanded.
 */
export function parseEnvironmentFile(
  text: string,
  existing: Readonly<Record<string, string | undefined>>,
): EnvironmentFile {
  const values = new Map<string, string>();
  const problems: Problem[] = [];
  let usable = false;
  text
    .replace(/^\uFEFF/, "")
    .split("\n")
    .forEach((line, at) => {
      const warn = (message: string, hint: string) => {
        problems.push({ severity: "warning", line: at + 1, column: 1, message, hint });
      };
      const pair = splitLine(line, warn);
      if (pair === undefined) return;
      usable ||= /^XX?X?_/.test(pair.name) && !pair.name.startsWith("XX_");
      warnOfPair(pair, warn);
      const inFile = values.get(pair.name);
      if (inFile)
        warn(`"${pair.name}" has a value already: this line has no effect`, "Remove one of the lines");
      if (inFile || (own(existing, pair.name) ?? "") !== "") return;
      values.set(pair.name, pair.value);
    });
  if (!usable && values.size > 0) {
    const message = "no variable of this file reaches the box: none has the prefix X_ or XXX_";
    const hint = "Write X_NAME=value, or XXX_NAME=value for a secret; in the box it is called NAME";
    problems.unshift({ severity: "warning", line: 1, column: 1, message, hint });
  }
  return { entries: [...values].map(([name, value]) => ({ name, value })), problems };
}

type Warn = (message: string, hint: string) => void;

function splitLine(line: string, warn: Warn): EnvEntry | undefined {
  const trimmed = line.trim();
  if (trimmed === "" || trimmed.startsWith("#")) return undefined;
  const equals = trimmed.indexOf("=");
  if (equals < 0) {
    warn("a line without = is skipped", "Write KEY=VALUE");
    return undefined;
  }
  const name = trimmed.slice(0, equals).trim();
  const exported = /^export\s+(.*)$/.exec(name);
  if (exported !== null) {
    warn(
      `"export" is not understood here: ${exported[1]} is not set`,
      `Write ${exported[1]}=..., without export`,
    );
    return undefined;
  }
  return { name, value: unquote(trimmed.slice(equals + 1).trim()) };
}

function unquote(value: string): string {
  const quote = value[0];
  if (value.length < 2 || (quote !== '"' && quote !== "'") || !value.endsWith(quote)) return value;
  return value.slice(1, -1).replaceAll('\\"', '"').replaceAll("\\n", "\n");
}

function warnOfPair({ name, value }: EnvEntry, warn: Warn): void {
  const bare = /^(?:XXX|X)_(.*)$/.exec(name)?.[1];
  if (bare === undefined) {
    if (ownNames.test(name)) return;
    warn(
      `"${name}" does not reach the box: it has no prefix`,
      `Write X_${name}, or XXX_${name} for a secret`,
    );
    return;
  }
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(bare)) {
    warn(`"${bare}" is not the name of a variable`, "Use letters, digits and _, no digit first");
  }
  if (name.startsWith("XXX_") && value !== "" && [...value].length < shortestMasked) {
    const message = `the value of "${name}" is too short to be masked in the output: under ${shortestMasked} characters`;
    warn(message, "Use a longer secret, or the prefix X_ if it is none");
  }
}

function own(record: Readonly<Record<string, string | undefined>>, name: string): string | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}
