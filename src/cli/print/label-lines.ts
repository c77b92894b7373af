// Puts a label in front of every line, so that the output of runs that go side by side can be told apart. Lines of
// different runs never mix: a line is written when it is whole, or when it has grown too long to be kept.

import type { Output } from "./output.ts";

const longest = 64 * 1024;

/** An output whose lines arrive on `out` as `[label] line`. */
export function labelLines(out: Output, label: string): Output {
  const prefix = Buffer.from(`[${label}] `);
  let kept: Buffer = Buffer.alloc(0);
  return {
    ...out,
    get gone() {
      return out.gone;
    },
    write(chunk) {
      const all = Buffer.concat([kept, typeof chunk === "string" ? Buffer.from(chunk) : chunk]);
      const pieces: Uint8Array[] = [];
      let from = 0;
      for (let end = all.indexOf(10); end !== -1; end = all.indexOf(10, from)) {
        pieces.push(prefix, all.subarray(from, end + 1));
        from = end + 1;
      }
      if (all.length - from > longest) {
        pieces.push(prefix, all.subarray(from), newline);
        from = all.length;
      }
      // A copy, because `all` may be a view on a chunk that its owner uses again.
      kept = Buffer.from(all.subarray(from));
      if (pieces.length > 0) return out.write(Buffer.concat(pieces));
    },
    async flush() {
      if (kept.length > 0) await out.write(Buffer.concat([prefix, kept, newline]));
      kept = Buffer.alloc(0);
      await out.flush();
    },
  };
}

const newline = Buffer.from("\n");
