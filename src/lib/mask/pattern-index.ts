// Finds every place where one of many byte patterns begins, fast enough to stand in the way of all output of a
// step. It looks at three bytes out of every `stride` and asks a table whether they occur near the beginning of a
// pattern; only then are patterns compared. It must never allocate per byte or per match.

/** Shorter patterns are not looked for: they would hide half of every log. */
export const shortestPattern = 4;

const blockLength = 3;
/** One bit for each offset of a block in a pattern: no more than fit into a byte. */
const longestStride = 8;
const smallCompare = 32;
/** Spreads bytes over the upper bits of a word. */
const multiplier = 0x9e3779b1;

export interface PatternIndex {
  readonly longest: number;
  /** Calls `found(start, end)` for every start of a match in rising order, with the end of the longest one. */
  scan(data: Uint8Array, found: (start: number, end: number) => void): void;
  /** The first position from which all that follows is the beginning of a pattern; the length if none. */
  openTail(data: Uint8Array): number;
}

/** Builds the tables for `patterns`; undefined where none is long enough to be looked for. */
export function indexPatterns(patterns: readonly Uint8Array[]): PatternIndex | undefined {
  const list = distinct(patterns);
  const shortest = list.at(-1)?.length;
  const longest = list[0]?.length;
  if (shortest === undefined || longest === undefined) return undefined;
  const stride = Math.min(shortest - blockLength + 1, longestStride);
  const filter = blockFilter(list, stride);
  const buckets = bucketByPrefix(list);

  function longestMatch(data: Uint8Array, start: number): number {
    if (start + 4 > data.length) return 0;
    const bucket = buckets.of(data, start);
    for (let at = buckets.heads[bucket]!; at !== -1; at = buckets.next[at]!) {
      const pattern = list[at]!;
      const end = start + pattern.length;
      if (end <= data.length && equalAt(data, start, pattern, pattern.length)) return pattern.length;
    }
    return 0;
  }

  function beginsAt(data: Uint8Array, start: number): boolean {
    const rest = data.length - start;
    if (rest < 4) return list.some(pattern => equalAt(data, start, pattern, rest));
    const bucket = buckets.of(data, start);
    for (let at = buckets.heads[bucket]!; at !== -1; at = buckets.next[at]!) {
      const pattern = list[at]!;
      if (pattern.length <= rest) return false;
      if (equalAt(data, start, pattern, rest)) return true;
    }
    return false;
  }

  return {
    longest,
    scan(data, found) {
      const last = data.length - blockLength;
      for (let i = stride - 1; i <= last; i += stride) {
        const block = data[i]! ^ (data[i + 1]! << 5) ^ (data[i + 2]! << 11);
        const offsets = filter[block & 0x3ffff]!;
        if (offsets === 0) continue;
        for (let offset = stride - 1; offset >= 0; offset--) {
          if ((offsets & (1 << offset)) === 0) continue;
          const length = longestMatch(data, i - offset);
          if (length > 0) found(i - offset, i - offset + length);
        }
      }
    },
    openTail(data) {
      for (let start = Math.max(0, data.length - longest + 1); start < data.length; start++) {
        if (beginsAt(data, start)) return start;
      }
      return data.length;
    },
  };
}

/** Longest first, each once. */
function distinct(patterns: readonly Uint8Array[]): Uint8Array[] {
  const byText = new Map<string, Uint8Array>();
  for (const pattern of patterns) {
    if (pattern.length < shortestPattern) continue;
    byText.set(Buffer.from(pattern).toString("latin1"), Uint8Array.from(pattern));
  }
  return [...byText.values()].sort((a, b) => b.length - a.length);
}

/**
 * At which offsets a block with this hash occurs in patterns, as bits. The table is large enough to be mostly
 * empty with thousands of patterns, and text touches little of it.
 */
function blockFilter(list: readonly Uint8Array[], stride: number): Uint8Array {
  const filter = new Uint8Array(0x40000);
  for (const pattern of list) {
    for (let at = 0; at < stride; at++) {
      const block = (pattern[at]! ^ (pattern[at + 1]! << 5) ^ (pattern[at + 2]! << 11)) & 0x3ffff;
      filter[block] = filter[block]! | (1 << at);
    }
  }
  return filter;
}

interface Buckets {
  heads: Int32Array;
  next: Int32Array;
  of(data: Uint8Array, start: number): number;
}

/** Patterns chained by a hash of their first four bytes, the longest first in each chain. */
function bucketByPrefix(list: readonly Uint8Array[]): Buckets {
  const bits = Math.min(20, 2 + Math.ceil(Math.log2(list.length + 1)));
  const shift = 32 - bits;
  const heads = new Int32Array(2 ** bits).fill(-1);
  const next = new Int32Array(list.length).fill(-1);
  const of = (data: Uint8Array, start: number): number => {
    const word = data[start]! | (data[start + 1]! << 8) | (data[start + 2]! << 16) | (data[start + 3]! << 24);
    return Math.imul(word, multiplier) >>> shift;
  };
  for (let at = list.length - 1; at >= 0; at--) {
    const bucket = of(list[at]!, 0);
    next[at] = heads[bucket]!;
    heads[bucket] = at;
  }
  return { heads, next, of };
}

/** Whether the first `length` bytes of `pattern` stand in `data` from `start` on. */
function equalAt(data: Uint8Array, start: number, pattern: Uint8Array, length: number): boolean {
  const direct = Math.min(length, smallCompare);
  for (let i = 0; i < direct; i++) {
    if (data[start + i] !== pattern[i]) return false;
  }
  if (direct === length) return true;
  const left = data.subarray(start + direct, start + length);
  return Buffer.compare(left, pattern.subarray(direct, length)) === 0;
}
