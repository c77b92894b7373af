// The one stream of changes that all open pages of a browser share: HTTP/1.1 has six connections for all of them. Runs in
// a shared worker, or in the page where there is none. Whoever was away, for whatever reason, is told "all": look again.

import { createClient } from "../../../src/client/client.ts";

export interface Changes {
  all?: boolean;
  queue?: boolean;
  runs: { id: string; organisation: string; project: string }[];
  said: string[];
  logs: string[];
}

export type FromHub = { type: "changes"; changes: Changes } | { type: "state"; connected: boolean };
export type ToHub =
  /** Also says that the page lives. */
  | { type: "watch"; logs: string[] }
  /** Another person has signed in. */
  | { type: "reopen" }
  | { type: "bye" };

export interface Hub {
  join(tell: (message: FromHub) => void): { hear(message: ToHub): void };
  close(): void;
}

interface Page {
  tell: (message: FromHub) => void;
  logs: string[];
  heardAt: number;
  /** It has gone, or was taken to have gone: what it shows may be old. */
  wasAway: boolean;
}

/** A page in the background gets to say that it lives once a minute. Milliseconds. */
const forgetMs = 200_000;
/** So long a gap between ticks was a sleep: what the connection is worth nobody knows. Milliseconds. */
const sleptMs = 20_000;
const settleMs = 60;

export interface HubOptions {
  /** Milliseconds since the epoch. */
  now?: () => number;
  /** Between looks at who is still there. Milliseconds. */
  tickMs?: number;
}

export function createHub(url: string, { now = Date.now, tickMs = 5000 }: HubOptions = {}): Hub {
  const client = createClient({
    url,
    fetch: async (...call) => {
      try {
        const response = await fetch(...call);
        connect(response.ok);
        return response;
      } catch (error) {
        connect(false);
        throw error;
      }
    },
  });
  const pages = new Set<Page>();
  let logs: string[] = [];
  let connected = false;
  let stop: (() => void) | undefined;
  let settle: ReturnType<typeof setTimeout> | undefined;
  let tickedAt = now();

  const tellAll = (message: FromHub) => {
    for (const page of pages) page.tell(message);
  };
  const connect = (isOn: boolean) => {
    if (connected === isOn) return;
    connected = isOn;
    tellAll({ type: "state", connected });
  };
  const open = () => {
    stop?.();
    stop = undefined;
    if (pages.size === 0) return connect(false);
    const abort = new AbortController();
    stop = () => abort.abort(new Error("another stream takes its place"));
    void read(abort.signal);
  };
  const read = async (signal: AbortSignal) => {
    // Breaks are mended by the client itself; what ends it is a plain no.
    for (let failures = 0; !signal.aborted; ) {
      try {
        const query = logs.length === 0 ? {} : { logs: logs.join(",") };
        for await (const { event, data } of client.events("followChanges", { query, signal })) {
          failures = 0;
          if (event === "hello") tellAll({ type: "changes", changes: { ...nothing, all: true } });
          if (event === "changed") tellAll({ type: "changes", changes: JSON.parse(data) as Changes });
        }
      } catch {
        // Taken up again; the pages learn that what they show may be old.
      }
      if (signal.aborted) return;
      connect(false);
      await new Promise(resolve => setTimeout(resolve, Math.min(1000 * 2 ** failures++, 30_000)));
    }
  };
  const changed = () => {
    const wanted = [...new Set([...pages].flatMap(page => page.logs))].sort().slice(0, 100);
    if (stop !== undefined && pages.size > 0 && wanted.join() === logs.join()) return;
    logs = wanted;
    clearTimeout(settle);
    settle = setTimeout(open, settleMs);
  };
  const leave = (page: Page) => {
    if (!pages.delete(page)) return;
    page.wasAway = true;
    changed();
  };
  const ticking = setInterval(() => {
    const at = now();
    const slept = at - tickedAt > sleptMs;
    tickedAt = at;
    for (const page of pages) {
      // While the machine slept nobody could say anything.
      if (slept) page.heardAt = at;
      else if (at - page.heardAt > forgetMs) leave(page);
    }
    if (slept) open();
  }, tickMs);

  return {
    join(tell) {
      const page: Page = { tell, logs: [], heardAt: now(), wasAway: false };
      return {
        hear(message) {
          if (message.type === "bye") return leave(page);
          page.heardAt = now();
          if (!pages.has(page)) {
            pages.add(page);
            page.tell({ type: "state", connected });
            // Others may have kept the stream: then no beginning of one tells it to look again.
            if (page.wasAway) page.tell({ type: "changes", changes: { ...nothing, all: true } });
          }
          if (message.type === "watch") page.logs = message.logs;
          if (message.type === "reopen") open();
          else changed();
        },
      };
    },
    close() {
      clearInterval(ticking);
      clearTimeout(settle);
      pages.clear();
      stop?.();
    },
  };
}

const nothing: Changes = { runs: [], said: [], logs: [] };
