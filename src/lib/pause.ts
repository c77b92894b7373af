// Pauses that an abort cuts short. One goes on then, the other one throws.

import type { Clock } from "./clock.ts";

/** Resolves after `ms`, when the signal is aborted, or when what `onWake` was handed is called. Never rejects. */
export function pause(
  clock: Clock,
  ms: number,
  signal: AbortSignal,
  onWake?: (wake: () => void) => void,
): Promise<void> {
  return new Promise(resolve => {
    const done = () => {
      cancel();
      signal.removeEventListener("abort", done);
      resolve();
    };
    const cancel = clock.after(ms, done);
    signal.addEventListener("abort", done);
    onWake?.(done);
    if (signal.aborted) done();
  });
}

/** Resolves after `ms`; rejects with the signal's reason when it is aborted before. */
export function pauseOrThrow(clock: Clock, ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const abort = () => {
      stop();
      reject(signal!.reason);
    };
    const stop = clock.after(ms, () => {
      signal?.removeEventListener("abort", abort);
      resolve();
    });
    signal?.addEventListener("abort", abort, { once: true });
  });
}
