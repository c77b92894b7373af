// Brings a command line into the form the parser knows: one-dash long flags as Go has them, values of switches,
// the command in front of its flags wherever it was typed. Pure.

import type { Flag } from "./flags.ts";

const trueWords = new Set(["1", "t", "T", "TRUE", "true", "True"]);
const falseWords = new Set(["0", "f", "F", "FALSE", "false", "False"]);

/**
 * `args` (without node and script) with long flags in two-dash form, `--switch=false` as `--no-switch` or nothing,
 * and the command first. Words after `--` and everything unknown stay as they are: the parser complains about them.
 */
export function normalizeArguments(
  args: readonly string[],
  flags: readonly Flag[],
  commands: ReadonlySet<string>,
): string[] {
  const byName = new Map(flags.map(flag => [flag.name, flag]));
  const byShort = new Map(flags.flatMap(flag => (flag.short ? [[flag.short, flag] as const] : [])));
  const out: string[] = [];
  let command: string | undefined;
  for (let index = 0; index < args.length; index++) {
    const arg = args[index]!;
    if (arg === "--") {
      out.push(...args.slice(index));
      break;
    }
    if (!arg.startsWith("-") || arg === "-") {
      if (command === undefined && commands.has(arg)) command = arg;
      else {
        // A first word that is no command settles that there is none to be moved.
        command ??= "";
        out.push(arg);
      }
      continue;
    }
    const match = /^--?([A-Za-z][\w-]*)(?:=([\s\S]*))?$/.exec(arg);
    const flag = match === null ? undefined : (byName.get(match[1]!) ?? byShort.get(match[1]!));
    if (match === null || flag === undefined) {
      const negated =
        match?.[2] === undefined ? byName.get(match?.[1]?.replace(/^no-/, "") ?? "") : undefined;
      out.push(negated === undefined ? arg : `--${match![1]}`);
      continue;
    }
    if (flag.value === undefined) out.push(...switchForm(flag, match[2]));
    else if (match[2] !== undefined) out.push(`--${flag.name}=${match[2]}`);
    else {
      const value = args[index + 1];
      // `=` keeps the parser from taking a value that begins with a dash for a flag.
      if (value === undefined) out.push(`--${flag.name}`);
      else out.push(`--${flag.name}=${value}`);
      index++;
    }
  }
  return command ? [command, ...out] : out;
}

function switchForm(flag: Flag, value: string | undefined): string[] {
  if (value === undefined || trueWords.has(value)) return [`--${flag.name}`];
  if (!falseWords.has(value)) return [`--${flag.name}=${value}`];
  if (flag.name.startsWith("no-")) return [];
  return [`--no-${flag.name}`];
}
