// Nudges between processes: "look now instead of at the next poll". They carry no truth and may be lost or come twice.
// They are sent after a commit and outside of it: a notice inside a transaction would make commits stand in line.

import type { Clock } from "../../lib/clock.ts";
import type { Database } from "../../store/database.ts";

/**
 * `jobs`: one can be claimed. `runs`: one has changed, the one named if one is. `attempts`: something is wanted of the one named. `events`: a runner
 * of the run named has said something.
 */
export type NudgeChannel = "jobs" | "runs" | "attempts" | "events";

export interface Nudges extends AsyncDisposable {
  /** Tells everyone, here at once, elsewhere within milliseconds. Never fails. */
  nudge(channel: NudgeChannel, payload?: string): void;
  /** Calls `heard` at each nudge until the function it returns is called. */
  on(channel: NudgeChannel, heard: (payload: string) => void): () => void;
  /** Resolves at the next nudge, after `ms`, or when the signal is aborted. */
  wait(channel: NudgeChannel, ms: number, signal: AbortSignal): Promise<void>;
}

const channels: NudgeChannel[] = ["jobs", "runs", "attempts", "events"];
/** So many nudges in a moment become one statement. */
const gatherMs = 2;

/** Begins to listen. */
export async function openNudges(db: Database, clock: Clock): Promise<Nudges> {
  const listeners = new Map(channels.map(channel => [channel, new Set<(payload: string) => void>()]));
  const tell = (channel: NudgeChannel, payload: string) => {
    for (const heard of [...listeners.get(channel)!]) heard(payload);
  };
  const subscriptions: Awaited<ReturnType<Database["listen"]>>[] = [];
  for (const channel of channels) {
    subscriptions.push(await db.listen(nameOf(channel), payload => tell(channel, payload)));
  }
  let gathered = new Set<string>();
  let sending: Promise<void> = Promise.resolve();
  let cancelTimer: (() => void) | undefined;
  const send = () => {
    cancelTimer = undefined;
    const messages = [...gathered].map(message => JSON.parse(message) as [NudgeChannel, string]);
    gathered = new Set();
    const names = messages.map(([channel]) => nameOf(channel));
    const payloads = messages.map(([, payload]) => payload);
    const text = "select pg_notify(name, payload) from unnest($1::text[], $2::text[]) as n(name, payload)";
    // Whoever did not hear it looks for himself soon.
    sending = db.query(text, [names, payloads]).then(
      () => undefined,
      () => undefined,
    );
  };
  const on: Nudges["on"] = (channel, heard) => {
    listeners.get(channel)!.add(heard);
    return () => listeners.get(channel)!.delete(heard);
  };
  return {
    nudge(channel, payload = "") {
      tell(channel, payload);
      gathered.add(JSON.stringify([channel, payload]));
      cancelTimer ??= clock.after(gatherMs, send);
    },
    on,
    wait: (channel, ms, signal) =>
      new Promise(resolve => {
        const done = () => {
          off();
          cancel();
          signal.removeEventListener("abort", done);
          resolve();
        };
        const off = on(channel, done);
        const cancel = clock.after(ms, done);
        signal.addEventListener("abort", done);
        if (signal.aborted) done();
      }),
    async [Symbol.asyncDispose]() {
      cancelTimer?.();
      await sending;
      for (const subscription of subscriptions) await subscription[Symbol.asyncDispose]();
    },
  };
}

function nameOf(channel: NudgeChannel): string {
  return `slipway_${channel}`;
}
