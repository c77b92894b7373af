// Two pipes as one iteration, in the order of arrival. Holds at most a bounded amount: when nobody reads, it stops
// reading the pipes, they fill, and whoever writes to them waits.

import type { Readable } from "node:stream";
import type { Clock } from "../../lib/clock.ts";
import type { BoxOutput } from "../engine.ts";

const highWater = 256 * 1024;
const lowWater = 64 * 1024;
/** How long a pipe may stay open and silent after the main process has ended. Milliseconds. */
const stragglerMs = 500;

/**
 * Merges the two streams. One reader. The iteration ends with the streams, or soon after `ended` when a process that
 * nobody could find keeps a pipe open.
 */
export function mergeOutput(
  streams: { stdout: Readable; stderr: Readable },
  ended: Promise<unknown>,
  clock: Clock,
): AsyncIterable<BoxOutput> {
  const queue: BoxOutput[] = [];
  let queued = 0;
  let open = 2;
  let paused = false;
  let mainEnded = false;
  let wake = () => {};

  for (const stream of ["stdout", "stderr"] as const) {
    const readable = streams[stream];
    readable.on("data", (bytes: Uint8Array) => {
      queue.push({ stream, bytes });
      queued += bytes.length;
      if (queued >= highWater && !paused) hold(true);
      wake();
    });
    // A pipe that fails is a pipe that ends; how the box ended is told elsewhere.
    readable.on("error", () => {});
    readable.on("close", () => {
      open--;
      wake();
    });
  }
  void ended.then(() => {
    mainEnded = true;
    wake();
  });

  function hold(on: boolean): void {
    paused = on;
    for (const readable of [streams.stdout, streams.stderr]) {
      if (on) readable.pause();
      else readable.resume();
    }
  }

  function arrival(): Promise<void> {
    return new Promise<void>(resolve => {
      const disarm = mainEnded ? clock.after(stragglerMs, giveUp) : () => {};
      wake = () => {
        disarm();
        resolve();
      };
    });
  }

  function giveUp(): void {
    for (const readable of [streams.stdout, streams.stderr]) readable.destroy();
  }

  async function* read(): AsyncGenerator<BoxOutput, void> {
    for (;;) {
      const next = queue.shift();
      if (next !== undefined) {
        queued -= next.bytes.length;
        if (paused && queued <= lowWater) hold(false);
        yield next;
      } else if (open === 0) return;
      else await arrival();
    }
  }

  return read();
}
