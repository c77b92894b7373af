// Segments that were read lately, unpacked, so that many readers of one place share one reading. Bounded by bytes.

import type { Blobs } from "../../../blobs/blobs.ts";
import { getSegment, type SegmentContent } from "../segments.ts";

export interface SegmentAddress {
  key: string;
  dataBytes: number;
  /** Bytes of the log in it. */
  length: number;
}

export interface SegmentCache {
  /** Throws SlipwayError `log-damaged`. */
  get(address: SegmentAddress, signal: AbortSignal): Promise<SegmentContent>;
}

const never = new AbortController().signal;

export function createSegmentCache(blobs: Blobs, mostBytes: number): SegmentCache {
  const kept = new Map<string, { content: Promise<SegmentContent>; bytes: number }>();
  let used = 0;

  const forget = (key: string) => {
    used -= kept.get(key)?.bytes ?? 0;
    kept.delete(key);
  };
  return {
    async get(address, signal) {
      const { key, length } = address;
      const known = kept.get(key);
      // Those that were not used for longest stand first.
      if (known !== undefined) kept.delete(key);
      // One reader that gives up does not take it from the others.
      const entry = known ?? { content: getSegment(blobs, address, never), bytes: length };
      kept.set(key, entry);
      if (known === undefined) {
        used += length;
        entry.content.catch(() => forget(key));
        for (const old of kept.keys()) {
          if (used <= mostBytes || old === key) break;
          forget(old);
        }
      }
      signal.throwIfAborted();
      return entry.content;
    },
  };
}
