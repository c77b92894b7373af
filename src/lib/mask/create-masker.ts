// Replaces secrets in a stream of bytes before anything else sees it. What it has let go is final, so it holds
// back the end of a chunk as long as that may be the beginning of a secret, and not a byte more.

import { indexPatterns } from "./pattern-index.ts";

export interface Masker {
  /** Takes the next chunk and returns what can be let go; parts without a secret are views of `chunk`. */
  push(chunk: Uint8Array): Uint8Array[];
  /** Lets go what was held back. The masker is as new afterwards. */
  flush(): Uint8Array[];
  /** Looks for these patterns from now on, also in what is held back. */
  use(patterns: readonly Uint8Array[]): void;
}

const nothing = new Uint8Array(0);
const cover = new Uint8Array([0x2a, 0x2a, 0x2a]);

/**
 * A masker for patterns as `maskPatterns` makes them. Every byte that any match covers is hidden; each unbroken
 * stretch of such bytes becomes one `***`, however the stream is cut into chunks.
 */
export function createMasker(patterns: readonly Uint8Array[]): Masker {
  let index = indexPatterns(patterns);
  let held: Uint8Array = nothing;
  // How far the bytes in `held` belong to a stretch whose `***` is out already; -1 when the stream stands
  // outside of any.
  let hiddenTo = -1;

  function maskUpTo(data: Uint8Array, end: number): Uint8Array[] {
    const out: Uint8Array[] = [];
    let from = 0;
    let to = hiddenTo;
    let shown = Math.max(0, to);
    const letGo = (until: number): void => {
      if (shown < until) out.push(data.subarray(shown, until));
    };
    index?.scan(data, (start, matchEnd) => {
      if (start >= end) return;
      if (start > to || to === -1) {
        letGo(start);
        out.push(cover);
        from = start;
      }
      if (matchEnd > to) to = matchEnd;
      shown = to;
    });
    letGo(end);
    hiddenTo = to >= end && from <= end && to !== -1 ? to - end : -1;
    return out;
  }

  return {
    push(chunk) {
      if (chunk.length === 0) return [];
      const data = held.length === 0 ? plainView(chunk) : joined(held, chunk);
      const end = index?.openTail(data) ?? data.length;
      const out = maskUpTo(data, end);
      held = end === data.length ? nothing : data.slice(end);
      return out;
    },
    flush() {
      const data = held;
      held = nothing;
      const out = data.length === 0 ? [] : maskUpTo(data, data.length);
      hiddenTo = -1;
      return out;
    },
    use(more) {
      index = indexPatterns(more);
    },
  };
}

/** The same bytes as a bare Uint8Array: reading a Buffer's bytes one by one is slower beside it. */
function plainView(chunk: Uint8Array): Uint8Array {
  return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
