// Writes the news of a run as server-sent events.

import { once } from "node:events";
import type { ServerResponse } from "node:http";
import type { Clock } from "../../../lib/clock.ts";
import { cursorOf, cursorText } from "./event-cursor.ts";
import type { RunNews, RunWatch } from "./run-watch.ts";

/** A connection that says nothing for longer is cut by those between. Milliseconds. */
const commentMs = 15_000;

/** Resolves when the run is over and all is told, or when the reader is gone. */
export async function followRunOf(
  { watch, clock }: { watch: RunWatch; clock: Clock },
  { runId, lastEventId, headOnly }: { runId: string; lastEventId: string | undefined; headOnly?: boolean },
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  const cursor = cursorOf(lastEventId);
  response.writeHead(200, {
    "content-type": "text/event-stream",
    "cache-control": "no-store",
    "x-accel-buffering": "no",
  });
  response.flushHeaders();
  if (headOnly === true) {
    response.end();
    return;
  }
  const stopComments = comments(response, clock);
  try {
    for await (const news of watch.follow(runId, cursor, signal)) {
      const { name, data } = textOf(news);
      const whole = `id: ${cursorText(cursor)}\nevent: ${name}\ndata: ${data}\n\n`;
      if (!response.write(whole)) await once(response, "drain", { signal });
    }
    response.end(`id: ${cursorText(cursor)}\nevent: end\ndata: {}\n\n`);
  } catch (error) {
    if (!signal.aborted && !response.destroyed) throw error;
    // Whoever is still there comes again, with the id of what it has heard last.
    response.end();
  } finally {
    stopComments();
  }
}

function textOf(news: RunNews): { name: string; data: string } {
  if (news.kind !== "event") return { name: news.kind, data: news.text };
  const { jobId, attemptId, body: event } = news;
  return { name: "event", data: JSON.stringify({ jobId, attemptId, event }) };
}

function comments(response: ServerResponse, clock: Clock): () => void {
  let stop: () => void;
  const next = () => {
    stop = clock.after(commentMs, () => {
      response.write(":\n\n");
      next();
    });
  };
  next();
  return () => stop();
}
