// Reads server-sent events, and takes them up again where a connection was lost.
// https://html.spec.whatwg.org/multipage/server-sent-events.html

import { SlipwayError } from "../core/failure.ts";
import type { Clock } from "../lib/clock.ts";
import { pauseOrThrow } from "../lib/pause.ts";
import { ApiProblem } from "./api-problem.ts";

export interface EventMessage {
  event: string;
  /** Of this event alone. */
  id: string | undefined;
  data: string;
}

const waits = [250, 500, 1000, 2000, 5000];
/** The server sends a comment every 15 s: a silence three times as long is a lost connection. Milliseconds. */
const silenceMs = 45_000;
const mostLetters = 64 * 2 ** 20;

/**
 * Every event until the server says `end`. `open` is handed the id to go on from. Throws what `open` throws when the
 * server says no; a server that is away is asked again, for as long as the signal lets it.
 */
export async function* readEvents(
  open: (lastId: string | undefined) => Promise<Response>,
  signal: AbortSignal | undefined,
  clock: Clock,
): AsyncGenerator<EventMessage> {
  let lastId: string | undefined;
  let failures = 0;
  for (;;) {
    const messages = open(lastId).then(response => messagesOf(response, clock));
    let reading: AsyncGenerator<EventMessage> | undefined;
    try {
      reading = await messages;
      for (;;) {
        const { done, value } = await reading.next();
        if (done) break;
        failures = 0;
        lastId = value.id ?? lastId;
        yield value;
        if (value.event === "end") return;
      }
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      if (!isLost(error)) throw error;
    } finally {
      await reading?.return(undefined);
    }
    await pauseOrThrow(clock, waits[Math.min(failures++, waits.length - 1)]!, signal);
  }
}

/** The connection, or the server for a while; not what the caller throws into the loop, and not a plain no. */
function isLost(error: unknown): boolean {
  if (error instanceof ApiProblem) return error.status >= 500 || error.status === 429;
  if (error instanceof SlipwayError) return error.code === "server-unreachable";
  return error instanceof LostConnection;
}

class LostConnection extends Error {
  override readonly name = "LostConnection";
}

async function* messagesOf(response: Response, clock: Clock): AsyncGenerator<EventMessage> {
  if (!(response.headers.get("content-type") ?? "").startsWith("text/event-stream")) {
    await response.body?.cancel();
    throw new SlipwayError("no-slipway", "what answers are no events", {
      hint: "check the server's address",
    });
  }
  const reader = response.body!.getReader();
  const decoder = new TextDecoder();
  let held = "";
  try {
    for (;;) {
      const { done, value } = await inTime(reader.read(), clock);
      if (done) return;
      // A line may end with CR LF, which may come in two parts: the CR waits for what follows.
      const text = (held + decoder.decode(value, { stream: true })).replaceAll("\r\n", "\n");
      const isCut = text.endsWith("\r");
      const whole = (isCut ? text.slice(0, -1) : text).replaceAll("\r", "\n");
      const blocks = whole.split("\n\n");
      held = blocks.pop()! + (isCut ? "\r" : "");
      if (held.length > mostLetters) throw new Error(`an event has more than ${mostLetters} letters`);
      for (const block of blocks) {
        const message = messageOf(block);
        if (message !== undefined) yield message;
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

async function inTime<T>(work: Promise<T>, clock: Clock): Promise<T> {
  let stop: () => void = () => undefined;
  const late = new Promise<never>((_, reject) => {
    stop = clock.after(silenceMs, () => reject(new LostConnection("the server has fallen silent")));
  });
  try {
    return await Promise.race([work, late]);
  } catch (cause) {
    throw cause instanceof LostConnection ? cause : new LostConnection("the connection broke", { cause });
  } finally {
    stop();
  }
}

function messageOf(block: string): EventMessage | undefined {
  let event = "message";
  let id: string | undefined;
  const data: string[] = [];
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    if (colon === 0) continue;
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") event = value;
    if (field === "id" && !value.includes("\0")) id = value;
    if (field === "data") data.push(value);
  }
  return data.length === 0 && event === "message" ? undefined : { event, id, data: data.join("\n") };
}
