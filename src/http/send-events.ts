// Writes server-sent events: no faster than the reader takes them, and a comment now and then, so that nothing between the
// two of us thinks that nobody is there.

import type { ServerResponse } from "node:http";
import type { Clock } from "../lib/clock.ts";

/** A reader that hears nothing for longer takes the connection for lost, and so do those between. Milliseconds. */
const commentMs = 15_000;

/**
 * Sends everything, then what `last` says. Ends early, without an error, when the reader hangs up or the signal is aborted:
 * a reader that is still there comes again, with the id of what it has heard last. To `HEAD` it sends nothing.
 */
export async function sendEvents(
  response: ServerResponse,
  events: AsyncIterable<{ text: Buffer | string }>,
  last: string | (() => string),
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  response.writeHead(200, {
    "content-type": "text/event-stream",
    "cache-control": "no-store",
    // Of proxies that would hold it back.
    "x-accel-buffering": "no",
    "x-content-type-options": "nosniff",
  });
  if (response.req.method === "HEAD") {
    response.end();
    return;
  }
  response.flushHeaders();
  let cancel: () => void = () => undefined;
  const comment = () => {
    // A reader that takes nothing is told nothing.
    if (!response.writableNeedDrain) response.write(":\n\n");
    cancel = clock.after(commentMs, comment);
  };
  cancel = clock.after(commentMs, comment);
  try {
    for await (const { text } of events) {
      if (!response.write(text)) await drained(response, signal);
    }
    response.end(typeof last === "string" ? last : last());
  } catch (error) {
    const hungUp = signal.aborted || response.destroyed;
    // The reader comes back to where it was.
    response.destroy();
    if (!hungUp) throw error;
  } finally {
    cancel();
  }
}

function drained(response: ServerResponse, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = () => {
      response.off("drain", done).off("close", done);
      signal.removeEventListener("abort", done);
      if (signal.aborted) reject(signal.reason);
      else if (response.destroyed) reject(new Error("the reader hung up"));
      else resolve();
    };
    response.on("drain", done).on("close", done);
    signal.addEventListener("abort", done);
    if (signal.aborted || response.destroyed) done();
    else if (!response.writableNeedDrain) done();
  });
}
