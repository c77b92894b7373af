// File names are bytes, and not always UTF-8. As text, a byte that is no UTF-8 stands as a lone surrogate
// (U+DC80 to U+DCFF), which no proper text contains, so that text and bytes can be turned into each other.

import { isUtf8 } from "node:buffer";

const escapes = /[\udc80-\udcff]/;
const loneEscape = /(?<![\ud800-\udbff])[\udc80-\udcff]/;
const firstEscape = 0xdc00;

/** The text for the bytes of a path. */
export function decodePath(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (isUtf8(buffer)) return buffer.toString("utf8");
  let text = "";
  for (let at = 0; at < buffer.length; ) {
    const byte = buffer[at]!;
    const length = byte < 0x80 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
    const character = buffer.subarray(at, at + length);
    if (isUtf8(character)) {
      text += character.toString("utf8");
      at += length;
    } else {
      text += String.fromCharCode(firstEscape + byte);
      at += 1;
    }
  }
  return text;
}

/** The bytes of a path that `decodePath` made, or of any text. */
export function encodePath(text: string): Buffer {
  if (!escapes.test(text)) return Buffer.from(text);
  const parts: Buffer[] = [];
  for (const character of text) {
    const code = character.charCodeAt(0);
    const escaped = character.length === 1 && code >= firstEscape + 0x80 && code <= firstEscape + 0xff;
    parts.push(escaped ? Buffer.of(code - firstEscape) : Buffer.from(character));
  }
  return Buffer.concat(parts);
}

/** What file functions have to be given for the path: bytes only where they are needed. */
export function diskPath(text: string): string | Buffer {
  return loneEscape.test(text) ? encodePath(text) : text;
}

/** The path for a message: not too long, and without characters that a terminal obeys. */
export function shownPath(text: string): string {
  const short = text.length > 120 ? `${text.slice(0, 120)}...` : text;
  return JSON.stringify(short).slice(1, -1);
}
