// Bytes of a pipeline file to text: refuses what is too large, binary or not UTF-8 before anything looks at it.

import type { Position, Problem } from "./pipeline-file.ts";

/** The largest pipeline file that is read. Bytes. */
const largestFile = 512 * 1024;

export type Decoded = { text: string } | { problem: Problem };

// What YAML allows: no control characters but tab, line feed, carriage return and next line.
const forbidden = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u0084\u0086-\u009f\ufffe\uffff]/;

/** `name` is what messages call the file. A byte order mark is dropped. */
export function decodeText(bytes: Uint8Array, name: string): Decoded {
  if (bytes.length > largestFile) {
    const message = `Your ${name} is too large: ${bytes.length} bytes, ${largestFile} are the most there may be.`;
    return refused({ line: 1, column: 1 }, message, "Move long scripts into files of their own");
  }
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) {
    return refused({ line: 1, column: 1 }, `Your ${name} is in UTF-16.`, "Save it as UTF-8");
  }
  const text = new TextDecoder("utf-8").decode(bytes);
  const zero = text.indexOf("\0");
  if (zero >= 0) {
    return refused(placeAt(text, zero), `Your ${name} is a binary file, not YAML.`, "Name the right file");
  }
  const invalid = firstInvalid(bytes);
  if (invalid !== undefined) {
    const place = placeAt(
      new TextDecoder("utf-8").decode(bytes.subarray(0, invalid)),
      Number.POSITIVE_INFINITY,
    );
    const byte = bytes[invalid]!.toString(16).padStart(2, "0");
    return refused(
      place,
      `Your ${name} is not UTF-8 text: byte 0x${byte} is out of place.`,
      "Save it as UTF-8",
    );
  }
  const bad = forbidden.exec(text);
  if (bad !== null) {
    const code = bad[0].charCodeAt(0).toString(16).padStart(4, "0");
    const message = `control characters are not allowed (U+${code.toUpperCase()})`;
    return refused(placeAt(text, bad.index), message, "Remove it, or write it as an escape in double quotes");
  }
  return { text };
}

/** Offset of the first byte that does not belong to UTF-8. */
function firstInvalid(bytes: Uint8Array): number | undefined {
  if (isUtf8(bytes)) return undefined;
  let [good, bad] = [0, bytes.length + 1];
  // The longest beginning that decodes, but for a character cut at its end ...
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (isUtf8(bytes.subarray(0, middle), { partial: true })) good = middle;
    else bad = middle;
  }
  // ... and back to where that character begins.
  while (good > 0 && !isUtf8(bytes.subarray(0, good))) good--;
  return good;
}

function isUtf8(bytes: Uint8Array, { partial = false } = {}): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: partial });
    return true;
  } catch {
    return false;
  }
}

function placeAt(text: string, offset: number): Position {
  const before = text.slice(0, offset);
  return { line: before.split("\n").length, column: before.length - before.lastIndexOf("\n") };
}

function refused({ line, column }: Position, message: string, hint: string): Decoded {
  return { problem: { severity: "error", line, column, message, hint } };
}
