// Reads server-sent events, and takes them up again where a connection was lost.
// https://html.spec.whatwg.org/multipage/server-sent-events.html

import { SlipwayError } from "../core/failure.ts";

export interface EventMessage {
  event: string;
  id: string | undefined;
  data: string;
}

const waits = [250, 500, 1000, 2000, 5000];
/** The server sends a comment every 15 s: a silence three times as long is a lost connection. Milliseconds. */
const silenceMs = 45_000;
const mostBytes = 64 * 2 ** 20;

/**
 * Every event until the server says `end`. `open` is handed the id to go on from. Throws what `open` throws when the
 * server says no; a server that is away is asked again, for as long as the signal lets it.
 */
export async function* readEvents(
  open: (lastId: string | undefined) => Promise<Response>,
  signal: AbortSignal | undefined,
): AsyncGenerator<EventMessage> {
  let lastId: string | undefined;
  let failures = 0;
  for (;;) {
    try {
      const response = await open(lastId);
      for await (const message of messagesOf(response)) {
        failures = 0;
        lastId = message.id ?? lastId;
        yield message;
        if (message.event === "end") return;
      }
    } catch (error) {
      if (signal?.aborted) throw error;
      const status = (error as { status?: number }).status;
      const passing =
        error instanceof SlipwayError ||
        error instanceof TypeError ||
        (status !== undefined && (status >= 500 || status === 429)) ||
        isCut(error);
      if (!passing) throw error;
    }
    if (signal?.aborted) throw signal.reason;
    const wait = waits[Math.min(failures++, waits.length - 1)]!;
    await new Promise(resolve => setTimeout(resolve, wait));
  }
}

function isCut(error: unknown): boolean {
  const name = (error as Error).name;
  return name === "EventsSilent" || name === "AbortError" || name === "NetworkError";
}

class EventsSilent extends Error {
  override readonly name = "EventsSilent";
}

async function* messagesOf(response: Response): AsyncGenerator<EventMessage> {
  if (response.body === null) return;
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let held = "";
  try {
    for (;;) {
      const { done, value } = await inTime(reader.read());
      if (done) return;
      held += decoder.decode(value, { stream: true });
      if (held.length > mostBytes) throw new Error(`an event has more than ${mostBytes} bytes`);
      const blocks = held.split("\n\n");
      held = blocks.pop()!;
      for (const block of blocks) {
        const message = messageOf(block);
        if (message !== undefined) yield message;
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

async function inTime<T>(work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new EventsSilent("the server has fallen silent")), silenceMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
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
    if (field === "id") id = value;
    if (field === "data") data.push(value);
  }
  return data.length === 0 && event === "message" ? undefined : { event, id, data: data.join("\n") };
}
