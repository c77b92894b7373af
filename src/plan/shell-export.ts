// Variables as lines that are typed into the box's shell. Text only; nothing is run here.

const shellName = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Whether a POSIX shell takes this as the name of a variable. */
export function isShellName(name: string): boolean {
  return shellName.test(name);
}

const shortEscapes: Record<string, string> = {
  '"': '\\"',
  "\\": "\\\\",
  "`": "\\`",
  "\x07": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
};

const printable = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;

function escapeCharacter(character: string): string {
  const short = shortEscapes[character];
  if (short !== undefined) return short;
  if (printable.test(character)) return character;
  const code = character.codePointAt(0)!;
  if (code < 0x20 || code === 0x7f) return `\\x${code.toString(16).padStart(2, "0")}`;
  if (code >= 0xd800 && code <= 0xdfff) return "\ufffd";
  if (code < 0x10000) return `\\u${code.toString(16).padStart(4, "0")}`;
  return `\\U${code.toString(16).padStart(8, "0")}`;
}

/**
 * The text between the double quotes. `$` is left alone on purpose: the shell expands it, which is how one variable
 * refers to another. A newline becomes the two characters `\n`, other control characters the text `\x01`; steps in
 * the wild turn them back with `echo -e`.
 */
export function escapeExportValue(value: string): string {
  return Array.from(value, escapeCharacter).join("");
}

/** The line that exports a visible variable; undefined where the name is not one of a shell variable. */
export function exportLine(name: string, value: string): string | undefined {
  if (!isShellName(name)) return undefined;
  return `export ${name}="${escapeExportValue(value)}"`;
}

/**
 * The line (or lines, where the value has newlines) that exports a value byte for byte, without any expansion.
 * Undefined where the name is not one of a shell variable, or the value has a NUL, which no variable can hold.
 */
export function literalExportLine(name: string, value: string): string | undefined {
  if (!isShellName(name) || value.includes("\0")) return undefined;
  return `export ${name}='${value.replaceAll("'", `'\\''`)}'`;
}
