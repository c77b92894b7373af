// Finds the records of supervisor and session shell in what a box prints. A record is a token, the rest of the
// line and a newline; it may be glued to output before it and split over any number of chunks. Everything else
// passes unchanged and at once, but for a tail that could be the beginning of a token.

export type Part = { kind: "output"; bytes: Uint8Array } | { kind: "record"; token: string; text: string };

export interface MarkerReader {
  /** The tokens to look for from now on. */
  expect(tokens: string[]): void;
  push(bytes: Uint8Array): Part[];
  /** What was held back, at the end of the stream. */
  flush(): Part[];
}

// A record is short; a "record" longer than this is output that happened to hold a token.
const maxRecord = 8192;

export function createMarkerReader(): MarkerReader {
  let tokens: { text: string; bytes: Buffer }[] = [];
  let held: Buffer = Buffer.alloc(0);

  return {
    expect(texts) {
      tokens = texts.map(text => ({ text, bytes: Buffer.from(text) }));
    },
    push(bytes) {
      const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      let rest = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
      held = Buffer.alloc(0);
      const parts: Part[] = [];
      while (rest.length > 0) {
        const found = firstToken(rest, tokens);
        if (found === undefined) {
          const keep = partialToken(rest, tokens);
          pushOutput(parts, rest.subarray(0, rest.length - keep));
          held = Buffer.from(rest.subarray(rest.length - keep));
          return parts;
        }
        pushOutput(parts, rest.subarray(0, found.at));
        rest = rest.subarray(found.at);
        const newline = rest.indexOf(10);
        if (newline === -1 && rest.length < maxRecord) {
          held = Buffer.from(rest);
          return parts;
        }
        if (newline === -1 || newline > maxRecord) {
          pushOutput(parts, rest.subarray(0, found.length));
          rest = rest.subarray(found.length);
          continue;
        }
        const text = rest.toString("utf8", found.length, newline).trim();
        parts.push({ kind: "record", token: found.token, text });
        rest = rest.subarray(newline + 1);
      }
      return parts;
    },
    flush() {
      const parts: Part[] = [];
      pushOutput(parts, held);
      held = Buffer.alloc(0);
      return parts;
    },
  };
}

function pushOutput(parts: Part[], bytes: Buffer): void {
  if (bytes.length > 0) parts.push({ kind: "output", bytes });
}

function firstToken(rest: Buffer, tokens: { text: string; bytes: Buffer }[]) {
  let found: { at: number; token: string; length: number } | undefined;
  for (const token of tokens) {
    const at = rest.indexOf(token.bytes);
    if (at !== -1 && (found === undefined || at < found.at)) {
      found = { at, token: token.text, length: token.bytes.length };
    }
  }
  return found;
}

/** How many bytes at the end could be the beginning of a token. */
function partialToken(rest: Buffer, tokens: { bytes: Buffer }[]): number {
  let longest = 0;
  for (const { bytes } of tokens) {
    for (let size = Math.min(bytes.length - 1, rest.length); size > longest; size--) {
      if (rest.subarray(rest.length - size).equals(bytes.subarray(0, size))) longest = size;
    }
  }
  return longest;
}
