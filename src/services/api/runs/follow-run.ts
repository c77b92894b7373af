// Writes the news of a run as server-sent events.

import type { ServerResponse } from "node:http";
import { sendEvents } from "../../../http/send-events.ts";
import type { Clock } from "../../../lib/clock.ts";
import { cursorOf, cursorText } from "./event-cursor.ts";
import type { RunNews, RunWatch } from "./run-watch.ts";

/** Resolves when the run is over and all is told, or when the reader is gone. */
export function followRunOf(
  { watch, clock }: { watch: RunWatch; clock: Clock },
  { runId, lastEventId }: { runId: string; lastEventId: string | undefined },
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  const cursor = cursorOf(lastEventId);
  async function* texts() {
    for await (const news of watch.follow(runId, cursor, signal)) {
      const { name, data } = textOf(news);
      yield { text: `id: ${cursorText(cursor)}\nevent: ${name}\ndata: ${data}\n\n` };
    }
  }
  const last = () => `id: ${cursorText(cursor)}\nevent: end\ndata: {}\n\n`;
  return sendEvents(response, texts(), last, clock, signal);
}

function textOf(news: RunNews): { name: string; data: string } {
  if (news.kind !== "event") return { name: news.kind, data: news.text };
  const { jobId, attemptId, body: event } = news;
  return { name: "event", data: JSON.stringify({ jobId, attemptId, event }) };
}
