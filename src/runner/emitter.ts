// Numbers what a run says and masks it. Nothing leaves the runner but through here: texts of events are masked
// whole, output is masked as a stream. Events leave one after the other, in the order of their numbers.

import type { EventSink, LogChunk, NewEvent } from "../core/events.ts";
import type { Clock } from "../lib/clock.ts";
import { createMasker, type Masker } from "../lib/mask/create-masker.ts";
import { maskPatterns } from "../lib/mask/mask-patterns.ts";
import { type Chunker, createChunker } from "../lib/text-chunks.ts";
import { createOutputTail, type OutputTail } from "./output-tail.ts";

export interface Emitter {
  /** Resolves when the sink has taken the event. */
  emit(event: NewEvent): Promise<void>;
  /** Output of a step. Resolves when the sink has taken it. */
  output(step: string, stream: string, bytes: Uint8Array): Promise<void>;
  /** What was held back of a step's output; called when the step has ended. */
  flush(step: string): Promise<void>;
  /** Hides these values from now on. */
  hide(values: string[]): void;
  mask(text: string): string;
  /** The last lines of a step's own output since it was last started, as they left the runner. */
  lastLines(step: string): string[];
}

interface Pipe {
  step: string;
  stream: string;
  masker: Masker;
  chunker: Chunker;
  offset: number;
}

export function createEmitter(runId: string, sink: EventSink, clock: Clock): Emitter {
  const pipes = new Map<string, Pipe>();
  const secrets = new Set<string>();
  let patterns: Uint8Array[] = [];
  let textMasker = createMasker(patterns);
  const tails = new Map<string, OutputTail>();
  let seq = 0;
  let last: Promise<void> = Promise.resolve();

  function send(event: NewEvent): Promise<void> {
    const next = last.then(async () => {
      seq += 1;
      await sink({ ...event, runId, seq, time: new Date(clock.now()).toISOString() });
    });
    last = next.catch(() => undefined);
    return next;
  }

  function mask(text: string): string {
    if (patterns.length === 0 || text === "") return text;
    return Buffer.concat([...textMasker.push(Buffer.from(text)), ...textMasker.flush()]).toString("utf8");
  }

  function keepTail({ step, stream, text }: LogChunk): void {
    if (text === undefined || (stream !== "stdout" && stream !== "stderr")) return;
    const tail = tails.get(step) ?? createOutputTail();
    tails.set(step, tail);
    tail.push(text);
  }

  function pipeOf(step: string, stream: string): Pipe {
    const key = `${step}\0${stream}`;
    let pipe = pipes.get(key);
    if (pipe === undefined) {
      pipe = { step, stream, masker: createMasker(patterns), chunker: createChunker(), offset: 0 };
      pipes.set(key, pipe);
    }
    return pipe;
  }

  /** Numbers and offsets are given before anything is awaited, so that calls that overlap keep their order. */
  async function sendChunks(pipe: Pipe, pieces: Uint8Array[], end: boolean): Promise<void> {
    const chunks = pieces.length === 0 ? [] : pipe.chunker.push(joined(pieces));
    if (end) chunks.push(...pipe.chunker.flush());
    const sent = chunks.map(chunk => {
      const event: LogChunk = { type: "log", step: pipe.step, stream: pipe.stream, offset: pipe.offset };
      if ("text" in chunk) event.text = chunk.text;
      else event.bytes = chunk.bytes;
      pipe.offset += chunk.length;
      keepTail(event);
      return send(event);
    });
    await Promise.all(sent);
  }

  return {
    mask,
    lastLines: step => tails.get(step)?.lines() ?? [],
    emit(event) {
      if (event.type === "step-started") tails.delete(event.step);
      return send(maskEvent(event, mask));
    },
    output: (step, stream, bytes) => {
      const pipe = pipeOf(step, stream);
      return sendChunks(pipe, pipe.masker.push(bytes), false);
    },
    async flush(step) {
      for (const pipe of pipes.values()) {
        if (pipe.step === step) await sendChunks(pipe, pipe.masker.flush(), true);
      }
    },
    hide(values) {
      const fresh = values.filter(value => !secrets.has(value));
      if (fresh.length === 0) return;
      for (const value of fresh) secrets.add(value);
      patterns = maskPatterns([...secrets]);
      textMasker = createMasker(patterns);
      for (const pipe of pipes.values()) pipe.masker.use(patterns);
    },
  };
}

function joined(pieces: Uint8Array[]): Uint8Array {
  return pieces.length === 1 ? (pieces[0] as Uint8Array) : Buffer.concat(pieces);
}

/** Masks every text of an event that can hold what a user or a step wrote. */
function maskEvent<E extends NewEvent>(event: E, mask: (text: string) => string): E {
  const masked: Record<string, unknown> = { ...event };
  for (const key of ["message", "name", "location", "failedStep", "pipeline", "project"]) {
    if (typeof masked[key] === "string") masked[key] = mask(masked[key]);
  }
  if (event.type === "tests-reported") masked.failing = event.failing.map(mask);
  if (event.type === "run-started") {
    masked.steps = event.steps.map(step => ({ ...step, name: mask(step.name) }));
  }
  return masked as E;
}
