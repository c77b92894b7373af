// What terminals make of a line: colours of SGR sequences as pieces of text with a look, everything else that a terminal would obey is
// left out or shown as a sign. The text stays text: whatever it holds, it never becomes markup. Pure.
// https://www.ecma-international.org/publications-and-standards/standards/ecma-48/

export interface Look {
  /** 0 to 15 of the palette, or `#rrggbb`. */
  color?: number | string;
  background?: number | string;
  bold?: boolean;
  dim?: boolean;
  italic?: boolean;
  underline?: boolean;
  inverse?: boolean;
  strike?: boolean;
}

export interface Piece {
  text: string;
  look: Look;
}

const plain: Look = {};
const tabSize = 8;

/** Control characters, and what turns the direction of text around. */
const special = /[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]/;
/** CSI and OSC sequences, other escapes of two letters, and what is left of one that was cut. */
const sequences =
  /\x1b\[([0-?]*)[ -/]*([@-~])|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\|$)|\x1b[PX^_][^\x1b]*(?:\x1b\\|$)|\x1b[ -/]*[0-~]|\x1b\[[0-?]*[ -/]*$|\x1b$/g;

/**
 * Reads one line, beginning with the look that the line before has left, and answers the look that it leaves itself. A carriage return
 * begins the line anew, as progress bars do.
 */
export function readAnsi(line: string, before: Look = plain): { pieces: Piece[]; after: Look } {
  // Most lines have nothing of it.
  if (!special.test(line)) {
    return { pieces: line === "" ? [] : [{ text: line, look: before }], after: before };
  }
  let pieces: Piece[] = [];
  let look = before;
  let column = 0;
  const add = (text: string) => {
    for (const [at, part] of text.split("\r").entries()) {
      if (at > 0) {
        // What comes takes the place of what was there; a return at the end is only a line's end of another system.
        if (part === "" || isBlank(part)) continue;
        pieces = [];
        column = 0;
      }
      const shown = visible(part, column);
      column += shown.length;
      if (shown !== "") pieces.push({ text: shown, look });
    }
  };
  let at = 0;
  for (const match of line.matchAll(sequences)) {
    add(line.slice(at, match.index));
    at = match.index + match[0].length;
    if (match[2] === "m") look = changed(look, match[1] ?? "");
  }
  add(line.slice(at));
  return { pieces, after: look };
}

/** The first line of a text, without its looks: for places that have room for one. */
export function firstPlainLine(text: string): string {
  const { pieces } = readAnsi(text.split("\n", 1)[0]!);
  return pieces.map(piece => piece.text).join("");
}

function isBlank(text: string): boolean {
  return text.trim() === "";
}

/** Tabs as the spaces that they would take; control characters as the signs that stand for them. */
function visible(text: string, column: number): string {
  if (!special.test(text)) return text;
  let out = "";
  for (const letter of text) {
    const code = letter.codePointAt(0)!;
    if (letter === "\t") out += " ".repeat(tabSize - ((column + out.length) % tabSize));
    else if (letter === "\b") out = out.slice(0, -1);
    else if (code < 0x20) out += String.fromCodePoint(0x2400 + code);
    else if (code === 0x7f) out += "\u2421";
    // What turns the direction of text around could make a line say something else than it does.
    else if ((code >= 0x80 && code < 0xa0) || isTurning(code)) out += "\ufffd";
    else out += letter;
  }
  return out;
}

function isTurning(code: number): boolean {
  return (
    code === 0x200e ||
    code === 0x200f ||
    (code >= 0x202a && code <= 0x202e) ||
    (code >= 0x2066 && code <= 0x2069)
  );
}

function changed(before: Look, text: string): Look {
  const codes = text === "" ? [0] : text.split(/[;:]/).map(Number);
  const look: Look = { ...before };
  for (let at = 0; at < codes.length; at++) {
    const code = codes[at]!;
    if (code === 38 || code === 48) {
      const { color, used } = extended(codes, at + 1);
      at += used;
      if (color !== undefined) look[code === 38 ? "color" : "background"] = color;
      continue;
    }
    simple(look, code);
  }
  return look;
}

function simple(look: Look, code: number): void {
  if (code === 0) for (const key of Object.keys(look) as (keyof Look)[]) delete look[key];
  else if (code === 1) look.bold = true;
  else if (code === 2) look.dim = true;
  else if (code === 3) look.italic = true;
  else if (code === 4) look.underline = true;
  else if (code === 7) look.inverse = true;
  else if (code === 9) look.strike = true;
  else if (code === 22) {
    delete look.bold;
    delete look.dim;
  } else if (code === 23) delete look.italic;
  else if (code === 24) delete look.underline;
  else if (code === 27) delete look.inverse;
  else if (code === 29) delete look.strike;
  else if (code >= 30 && code <= 37) look.color = code - 30;
  else if (code === 39) delete look.color;
  else if (code >= 40 && code <= 47) look.background = code - 40;
  else if (code === 49) delete look.background;
  else if (code >= 90 && code <= 97) look.color = code - 82;
  else if (code >= 100 && code <= 107) look.background = code - 92;
}

function extended(codes: number[], at: number): { color: number | string | undefined; used: number } {
  if (codes[at] === 5) return { color: indexed(codes[at + 1] ?? -1), used: 2 };
  if (codes[at] === 2) return { color: hex(codes.slice(at + 1, at + 4)), used: 4 };
  return { color: undefined, used: 0 };
}

/** The palette of 256: 16 named ones, a cube of 6 x 6 x 6, 24 greys. */
function indexed(index: number): number | string | undefined {
  if (!Number.isInteger(index) || index < 0 || index > 255) return undefined;
  if (index < 16) return index;
  if (index >= 232) return hex(Array(3).fill(8 + (index - 232) * 10));
  const part = (value: number) => (value === 0 ? 0 : 55 + value * 40);
  const at = index - 16;
  return hex([part(Math.floor(at / 36)), part(Math.floor(at / 6) % 6), part(at % 6)]);
}

function hex(parts: number[]): string | undefined {
  if (parts.length < 3 || parts.some(part => !Number.isInteger(part) || part < 0 || part > 255))
    return undefined;
  return `#${parts.map(part => part.toString(16).padStart(2, "0")).join("")}`;
}
