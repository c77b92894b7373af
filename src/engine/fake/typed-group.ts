// Reads what a runner types into a session shell, as far as the fake engine must understand it. It looks for a few
// telling lines and takes everything else for shell that changes nothing. Nothing here throws.

export type TypedCommand =
  | { kind: "export"; name: string; value: string; expands: boolean }
  /** A file is sourced. `ifThere` means that it may be missing. */
  | { kind: "source"; path: string; ifThere: boolean }
  | { kind: "save-exports"; path: string }
  | { kind: "empty-file"; path: string }
  | { kind: "print-environment" }
  | { kind: "remove-directory"; path: string }
  | { kind: "make-directory"; path: string }
  | { kind: "enter-directory"; path: string }
  | { kind: "exit"; status: number };

export interface TypedGroup {
  /** The whole token whose record ends the group; undefined for text that asks for none. */
  token: string | undefined;
  commands: TypedCommand[];
}

const quoted = String.raw`'((?:[^']|'\\'')*)'`;

const telling: [RegExp, (found: RegExpExecArray) => TypedCommand][] = [
  [
    new RegExp(`^export ([A-Za-z_][A-Za-z0-9_]*)=${quoted}$`, "ms"),
    found => ({ kind: "export", name: found[1] ?? "", value: unquote(found[2]), expands: false }),
  ],
  [
    /^export ([A-Za-z_][A-Za-z0-9_]*)="((?:[^"\\]|\\[\s\S])*)"$/m,
    found => ({ kind: "export", name: found[1] ?? "", value: unescaped(found[2] ?? ""), expands: true }),
  ],
  [new RegExp(`^export -p > ${quoted}$`, "m"), found => ({ kind: "save-exports", path: unquote(found[1]) })],
  [
    new RegExp(`^if \\[ -s .* : > ${quoted}; fi$`, "m"),
    found => ({ kind: "empty-file", path: unquote(found[1]) }),
  ],
  [
    new RegExp(`^if \\[ -f ${quoted} \\]; then \\. ${quoted}; fi$`, "m"),
    found => ({ kind: "source", path: unquote(found[2]), ifThere: true }),
  ],
  [
    new RegExp(`^\\. ${quoted}( </dev/null)?$`, "m"),
    found => ({ kind: "source", path: unquote(found[1]), ifThere: false }),
  ],
  [/^if env -0 .*$/m, () => ({ kind: "print-environment" })],
  [
    new RegExp(`^.*\\brm -rf ${quoted}.*$`, "m"),
    found => ({ kind: "remove-directory", path: unquote(found[1]) }),
  ],
  [
    new RegExp(`^.*\\bmkdir -p ${quoted}.*$`, "m"),
    found => ({ kind: "make-directory", path: unquote(found[1]) }),
  ],
  [
    /^if cd "([^"]*)"(?: && cd "([^"]*)")?; then$/m,
    found => ({
      kind: "enter-directory",
      path: found[2] === undefined ? (found[1] ?? "") : `${found[1]}/${found[2]}`,
    }),
  ],
  [/^exit (\d{1,3})$/m, found => ({ kind: "exit", status: Number(found[1]) & 255 })],
];

/** The telling lines of a typed text in order, and the token that it asks to be ended with. */
export function readGroup(text: string): TypedGroup {
  const halves = /__slipway_a=(\w+) __slipway_b=(\w+)/.exec(text);
  const found: { from: number; to: number; command: TypedCommand }[] = [];
  for (const [pattern, make] of telling) {
    for (const match of text.matchAll(new RegExp(pattern, `${pattern.flags}g`))) {
      found.push({ from: match.index, to: match.index + match[0].length, command: make(match) });
    }
  }
  found.sort((one, other) => one.from - other.from);
  // What looks telling inside a value of several lines is a part of the value.
  let end = 0;
  const commands: TypedCommand[] = [];
  for (const { from, to, command } of found) {
    if (from < end) continue;
    commands.push(command);
    end = to;
  }
  return { token: halves === null ? undefined : `${halves[1]}${halves[2]}`, commands };
}

function unquote(text = ""): string {
  return text.replaceAll("'\\''", "'");
}

/** Between double quotes a backslash means something before four characters only. */
function unescaped(text: string): string {
  return text.replaceAll(/\\([\\"`$])/g, "$1");
}
