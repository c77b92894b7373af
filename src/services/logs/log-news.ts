// "There is more of this log": from whoever stored it to whoever follows it, here at once, in other processes within
// milliseconds. It carries no truth and may be lost or come twice; followers look now and then in any case.

import type { Clock } from "../../lib/clock.ts";
import type { Database } from "../../store/database.ts";

export interface LogNews extends AsyncDisposable {
  /** Never fails. */
  tell(attemptId: string): void;
  /** Calls `heard` at news of one log until the function it returns is called. */
  on(attemptId: string, heard: () => void): () => void;
}

const channel = "slipway_logs";
/** News of this long become one notice: a line is still seen within the blink of an eye. */
const gatherMs = 20;
/** A notice holds 8,000 bytes. */
const mostIds = 300;

/** Begins to listen. */
export async function openLogNews(db: Database, clock: Clock): Promise<LogNews> {
  const listeners = new Map<string, Set<() => void>>();
  const hear = (attemptId: string) => {
    for (const heard of [...(listeners.get(attemptId) ?? [])]) heard();
  };
  const subscription = await db.listen(channel, payload => {
    for (const id of payload.split(" ")) hear(id);
  });
  let gathered = new Set<string>();
  let sending: Promise<unknown> = Promise.resolve();
  let cancelTimer: (() => void) | undefined;

  const send = () => {
    cancelTimer = undefined;
    const ids = [...gathered];
    gathered = new Set();
    const payloads: string[] = [];
    for (let at = 0; at < ids.length; at += mostIds) payloads.push(ids.slice(at, at + mostIds).join(" "));
    const text = "select pg_notify($1, payload) from unnest($2::text[]) as n(payload)";
    sending = db.query(text, [channel, payloads]).catch(() => undefined);
  };

  return {
    tell(attemptId) {
      hear(attemptId);
      gathered.add(attemptId);
      cancelTimer ??= clock.after(gatherMs, send);
    },
    on(attemptId, heard) {
      const set = listeners.get(attemptId) ?? new Set();
      listeners.set(attemptId, set.add(heard));
      return () => {
        set.delete(heard);
        if (set.size === 0 && listeners.get(attemptId) === set) listeners.delete(attemptId);
      };
    },
    async [Symbol.asyncDispose]() {
      cancelTimer?.();
      await sending;
      await subscription[Symbol.asyncDispose]();
    },
  };
}
