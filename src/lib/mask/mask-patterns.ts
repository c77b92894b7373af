// All the shapes in which a secret may turn up in output: as it is, encoded, escaped, line by line. Which tool
// wrote it is unknown, so every common dialect of an escape is listed; equal results fall together.

import { shortestPattern } from "./pattern-index.ts";

/** A line of a longer value is a secret by itself from this length on. Characters. */
const shortestLine = 8;
/** Columns at which `base64` and `openssl` break their lines. */
const base64Columns = [76, 64];

/**
 * The byte patterns that must not leave for these secret values, each once. A value of fewer than 4 characters,
 * not counting white space around them, is left out: it would hide ordinary text.
 */
export function maskPatterns(values: readonly string[]): Uint8Array[] {
  const found = new Map<string, Uint8Array>();
  const add = (bytes: Uint8Array): void => {
    if (bytes.length >= shortestPattern) found.set(Buffer.from(bytes).toString("latin1"), bytes);
  };
  for (const value of values) {
    const { whole, lines } = textsOf(value);
    for (const text of whole) {
      if ([...text.trim()].length < shortestPattern) continue;
      for (const form of [...escapedForms(text), ...base64Forms(text)]) add(Buffer.from(form));
    }
    for (const line of lines) {
      for (const form of escapedForms(line)) add(Buffer.from(form));
    }
  }
  return [...found.values()];
}

/** The value with and without white space around it, and its lines that are long enough. */
function textsOf(value: string): { whole: Set<string>; lines: Set<string> } {
  const whole = new Set<string>();
  const lines = new Set<string>();
  // A value with `\n` for its line ends is printed with real ones by `echo -e` and `printf %b`.
  for (const text of [value, value.replaceAll("\\n", "\n")]) {
    whole.add(text).add(text.trim()).add(text.replaceAll("\r\n", "\n"));
    const parts = text.split(/\r\n|\n|\r/);
    if (parts.length === 1) continue;
    for (const line of parts.flatMap(part => [part, part.trim()])) {
      if ([...line].length >= shortestLine) lines.add(line);
    }
  }
  return { whole, lines };
}

function escapedForms(text: string): string[] {
  return [text, ...urlForms(text), ...jsonForms(text), ...shellForms(text)];
}

// Characters that stay as they are in: RFC 3986, JavaScript's encodeURIComponent, a posted form, a path segment.
const urlSafe = [
  /[A-Za-z0-9_.~-]/,
  /[A-Za-z0-9_.~!*'()-]/,
  /[A-Za-z0-9_.*-]/,
  /[A-Za-z0-9_.~!*'()$&+,:;=@-]/,
];

function urlForms(text: string): string[] {
  const bytes = [...Buffer.from(text)];
  return urlSafe
    .flatMap(safe => {
      const upper = bytes.map(byte => {
        const char = String.fromCharCode(byte);
        return safe.test(char) ? char : "%" + hex(byte, 2).toUpperCase();
      });
      const lower = upper.map(part => (part.length === 1 ? part : part.toLowerCase()));
      return [upper, lower].flatMap(parts => [parts, parts.map(part => (part === "%20" ? "+" : part))]);
    })
    .map(parts => parts.join(""));
}

function jsonForms(text: string): string[] {
  const plain = JSON.stringify(text).slice(1, -1);
  const ascii = plain.replace(/[^\x00-\x7e]/g, char => "\\u" + hex(char.charCodeAt(0), 4));
  const forms = [plain, ascii].flatMap(form => [
    form,
    form.replace(/[<>&]/g, char => "\\u" + hex(char.charCodeAt(0), 4)),
    form.replaceAll("/", "\\/"),
  ]);
  // JSON inside a JSON string.
  return [...forms, JSON.stringify(plain).slice(1, -1)];
}

function shellForms(text: string): string[] {
  const oneLine = text.replaceAll("\n", "\\n");
  const exported = exportForm(text);
  return [
    oneLine,
    oneLine.replaceAll("\t", "\\t"),
    exported,
    exported.replaceAll("$", "\\$"),
    text.replace(/["\\`]/g, "\\$&"),
    text.replace(/["\\`$]/g, "\\$&"),
    text.replaceAll("'", "'\\''"),
    text.replaceAll("'", `'"'"'`),
    text.replace(/[^A-Za-z0-9_@%+=:,./\n-]/gu, "\\$&"),
    text.replace(/[^A-Za-z0-9_@%+=:./\n-]/gu, "\\$&"),
    bashBackslash(text),
    ansiQuoted(text),
  ];
}

/** What `printf %q` of bash makes: only what means something to the shell is escaped. */
function bashBackslash(text: string): string {
  return text.replace(/[ \t!"$&'()*,;<>?[\\\]^`{|}]/g, "\\$&").replace(/^[#~]/, "\\$&");
}

/** What stands between `$'` and `'`. */
function ansiQuoted(text: string): string {
  return text
    .replace(/[\\']/g, "\\$&")
    .replaceAll("\n", "\\n")
    .replaceAll("\t", "\\t")
    .replaceAll("\r", "\\r");
}

const goEscapes: Record<string, string> = {
  "\x07": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
};

/** The double-quoted form in which variables are exported: what is not printable as in Go's quoted strings. */
function exportForm(text: string): string {
  return text
    .replace(/["\\`]/g, "\\$&")
    .replace(/[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu, char => goEscapes[char] ?? goNumber(char.codePointAt(0)!));
}

function goNumber(code: number): string {
  if (code < 0x20 || code === 0x7f) return `\\x${hex(code, 2)}`;
  return code < 0x10000 ? `\\u${hex(code, 4)}` : `\\U${hex(code, 8)}`;
}

function base64Forms(text: string): string[] {
  const bytes = Buffer.from(text);
  const inner = [0, 1, 2].map(alignment => innerBase64(bytes, alignment));
  const url = inner.map(form => form.replaceAll("+", "-").replaceAll("/", "_"));
  const wrapped = base64Columns.flatMap(columns => piecesOf(inner[0]!, columns));
  return [...inner, ...url, ...wrapped];
}

/** The characters of a Base64 text that these bytes alone decide, when `alignment` bytes of a group precede. */
function innerBase64(bytes: Buffer, alignment: number): string {
  const text = Buffer.concat([Buffer.alloc(alignment), bytes]).toString("base64");
  const firstOwn = Math.ceil((alignment * 8) / 6);
  const afterOwn = Math.floor(((alignment + bytes.length) * 8) / 6);
  return text.slice(firstOwn, afterOwn);
}

function piecesOf(text: string, columns: number): string[] {
  if (text.length <= columns) return [];
  const pieces: string[] = [];
  for (let at = 0; at < text.length; at += columns) pieces.push(text.slice(at, at + columns));
  return pieces.filter(piece => piece.length >= shortestLine);
}

function hex(value: number, width: number): string {
  return value.toString(16).padStart(width, "0");
}
