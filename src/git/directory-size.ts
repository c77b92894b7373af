// How much a directory holds while it is being filled by somebody else.

import { lstat, opendir } from "node:fs/promises";
import path from "node:path";
import { SlipwayError } from "../core/failure.ts";
import type { Clock } from "../lib/clock.ts";
import { isGone } from "../lib/fs-failure.ts";

/** Bytes of all files below; looking ends once they are more than `enough`. What vanishes meanwhile does not count. */
async function directorySize(root: string, enough: number): Promise<number> {
  let bytes = 0;
  const open = [root];
  while (open.length > 0 && bytes <= enough) {
    const at = open.pop()!;
    try {
      for await (const entry of await opendir(at)) {
        const name = path.join(at, entry.name);
        if (entry.isDirectory()) open.push(name);
        else bytes += (await lstat(name)).size;
        if (bytes > enough) break;
      }
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  }
  return bytes;
}

/** Thrown into what fills the directory when it has become too large. */
export class TooLarge extends Error {}

export interface Bounds extends Disposable {
  /** Aborted by the parent, by the size (TooLarge), and by time (SlipwayError `git-timeout`). */
  readonly signal: AbortSignal;
  /** Whether it is too large now, for what was done between two looks. Throws TooLarge. */
  check(): Promise<void>;
}

export interface BoundsOptions {
  root: string;
  bytes: number;
  seconds: number;
  clock: Clock;
  signal: AbortSignal;
}

const lookMs = 250;

/** Watches a directory until it is disposed of. Looking at a large one is done the less often, the longer it takes. */
export function watchBounds({ root, bytes, seconds, clock, signal }: BoundsOptions): Bounds {
  const over = new AbortController();
  let stopLooking: (() => void) | undefined;
  let closed = false;
  const stopTimer = clock.after(seconds * 1000, () =>
    over.abort(
      new SlipwayError("git-timeout", `the repository was not there after ${seconds} s`, {
        hint: "fetch less of its history (`checkout: {depth: 1}`), or try again when the host is faster",
      }),
    ),
  );
  const check = async () => {
    if ((await directorySize(root, bytes)) > bytes) throw new TooLarge(`more than ${bytes} bytes`);
  };
  const look = async () => {
    const began = clock.monotonic();
    await check().catch(error => over.abort(error));
    if (closed || over.signal.aborted) return;
    stopLooking = clock.after(Math.max(lookMs, 10 * (clock.monotonic() - began)), () => void look());
  };
  stopLooking = clock.after(lookMs, () => void look());
  return {
    signal: AbortSignal.any([signal, over.signal]),
    check,
    [Symbol.dispose]() {
      closed = true;
      stopTimer();
      stopLooking?.();
    },
  };
}
