// One try at a job, followed: its events and its log come by two ways, and are handed on in the order in which the runner
// made them. An event waits for the chunks before it, a chunk for the start of its step.

import { ApiProblem, type Client } from "../../client/client.ts";
import type { EventSink, LogChunk, RunEvent } from "../../core/events.ts";
import { setupStep } from "../../core/events.ts";
import { plainTexts } from "../../lib/plain-text.ts";

/** An event of a runner. `afterChunk`: the last chunk of the log that was made before it. */
export type AttemptEvent = RunEvent & { afterChunk?: number };

export interface AttemptInput {
  client: Client;
  jobId: string;
  attemptId: string;
  sink: EventSink;
  /** Told where the log cannot be had; its events go on. */
  noLog(why: string): void | Promise<void>;
  signal: AbortSignal;
}

export interface FollowedAttempt {
  push(event: AttemptEvent): void;
  /** No more events come. */
  close(): void;
  /** Resolves when all was handed on. */
  done: Promise<void>;
}

interface Chunk {
  seq: number;
  step: string;
  stream: string;
  time: string;
  text?: string;
  bytes?: string;
}

/** Begins at once. `done` rejects with what the client throws, and with the signal's reason. */
export function followAttempt(input: AttemptInput): FollowedAttempt {
  const events: AttemptEvent[] = [];
  const started = new Set<string>([setupStep]);
  const offsets = new Map<string, number>();
  let stored = 0;
  let logOver = false;
  let closed = false;
  let seq = 0;
  let wake: () => void = () => undefined;
  let changed = new Promise<void>(resolve => (wake = resolve));
  const change = () => {
    wake();
    changed = new Promise<void>(resolve => (wake = resolve));
  };
  // One after the other: a printer sees one event at a time.
  let turn: Promise<void> = Promise.resolve();
  const emit = (event: RunEvent) => {
    turn = turn.then(() => input.sink({ ...event, seq: ++seq }));
    return turn;
  };

  const pumpEvents = async () => {
    for (;;) {
      const event = events[0];
      if (event === undefined) {
        if (closed) return;
        await changed;
        continue;
      }
      const { afterChunk = 0, ...rest } = event;
      while (stored < afterChunk && !logOver) await changed;
      events.shift();
      // Its texts come from whoever wrote the file; only a log may steer the terminal.
      await emit(plainTexts(rest) as RunEvent);
      if (event.type === "step-started") started.add(event.step);
      change();
    }
  };

  // A chunk may come before the start of its step does, but never holds up the event that waits for it.
  const mayBeTold = ({ step, seq: chunk }: Chunk) =>
    started.has(step) || (events[0] === undefined ? closed : (events[0].afterChunk ?? 0) >= chunk);

  const pumpLog = async () => {
    const { client, jobId: job, attemptId: attempt, signal } = input;
    try {
      for await (const message of client.events("followLog", { params: { job, attempt }, signal })) {
        if (message.event !== "chunk") continue;
        const chunk = JSON.parse(message.data) as Chunk;
        while (!mayBeTold(chunk)) await changed;
        await emit(logEvent(chunk, input.attemptId, offsets));
        stored = chunk.seq;
        change();
      }
    } catch (error) {
      if (!(error instanceof ApiProblem)) throw error;
      await input.noLog(error.message);
    } finally {
      logOver = true;
      change();
    }
  };

  const done = Promise.all([pumpEvents(), pumpLog()]).then(() => turn);
  // Whoever waits for it hears of its failure.
  done.catch(() => undefined);
  return {
    push(event) {
      events.push(event);
      change();
    },
    close() {
      closed = true;
      change();
    },
    done,
  };
}

function logEvent(chunk: Chunk, runId: string, offsets: Map<string, number>): RunEvent {
  const { step, stream, time, text, bytes } = chunk;
  const key = `${step}\0${stream}`;
  const offset = offsets.get(key) ?? 0;
  offsets.set(
    key,
    offset + (text === undefined ? Buffer.from(bytes ?? "", "base64").length : Buffer.byteLength(text)),
  );
  const log: LogChunk = {
    type: "log",
    step,
    stream,
    offset,
    ...(text === undefined ? { bytes: bytes ?? "" } : { text }),
  };
  return { ...log, runId, seq: 0, time };
}
