// What a job tells, on its way to the platform: its log as frames, all else as events, each with numbers of their own. The
// first step of the user begins only when the platform has stored that it does.

import { cancelOf } from "../core/cancel.ts";
import type { EventSink, LogChunk, RunEvent, RunFinished } from "../core/events.ts";
import { SlipwayError } from "../core/failure.ts";
import type { RunnerLimits, SentEvent } from "../endpoints/runner.ts";
import type { Clock } from "../lib/clock.ts";
import { createLogParcels } from "./log-parcels.ts";
import { type Outbox, openOutbox, type Parcel } from "./outbox.ts";
import { codeOf, detailOf, type LinkAnswer, type RunnerLink } from "./runner-link.ts";
import { openSpool } from "./spool.ts";

export interface JobNews extends AsyncDisposable {
  readonly sink: EventSink;
  /** The job's last word as it was told: masked. */
  readonly finished: RunFinished | undefined;
  /** Numbers of the last event and the last log chunk. */
  readonly told: { events: number; chunks: number };
  /** What of them is stored. */
  readonly stored: { events: number; chunks: number };
  /** Resolves when all that was told is stored. Throws why it cannot be. */
  flushed(): Promise<void>;
}

export interface JobNewsOptions {
  link: RunnerLink;
  limits: RunnerLimits;
  /** Private to the runner. */
  directory: string;
  spoolBytes: number;
  clock: Clock;
  /** Aborted when the job is to end, for whatever reason: then nothing is waited for before a step. */
  signal: AbortSignal;
  /** The platform does not take what is told: the job cannot become anything but broken. */
  failed(error: unknown): void;
}

const mebibyte = 2 ** 20;
/** What one request holds of the log; more than that makes it no faster. */
const logBatch = { parcels: 2000, bytes: mebibyte };
/** Events of a batch must stay below the limit with all that stands around them. */
const envelopeBytes = 256;

export function openJobNews(options: JobNewsOptions): JobNews {
  const { link, limits, directory, clock, signal } = options;
  const logSpool = openSpool(directory, "log", options.spoolBytes);
  const eventSpool = openSpool(directory, "events", options.spoolBytes);
  const shared = { isAway: () => link.awaySince() !== undefined, clock };
  const logs = openOutbox({
    ...shared,
    post: batch => postLogs(link, batch),
    most: { ...logBatch, bytes: Math.min(logBatch.bytes, limits.framesBytes) },
    memoryBytes: 4 * mebibyte,
    spool: logSpool,
    paceMs: 20,
    lingerMs: 0,
  });
  const events = openOutbox({
    ...shared,
    post: batch => postEvents(link, batch),
    most: { parcels: limits.eventsPerBatch, bytes: limits.batchBytes - envelopeBytes },
    memoryBytes: mebibyte,
    spool: eventSpool,
    paceMs: 20,
    lingerMs: 20,
  });
  for (const outbox of [logs, events]) void outbox.ended.then(options.failed);
  const chunks = createLogParcels(logs, limits.frameBytes);
  let finished: RunFinished | undefined;
  let begun = false;

  async function sink(event: RunEvent): Promise<void> {
    // Nothing is written any more for an attempt that is another's.
    if (link.fenced.aborted) return;
    if (event.type === "log") return addChunk(event, event.time);
    if (event.type === "run-finished") finished = event;
    const seq = events.last + 1;
    events.put(eventParcel({ ...event, seq, afterChunk: chunks.close() }, limits.batchBytes));
    if (event.type === "step-started" && event.phase !== "setup" && !begun) {
      begun = true;
      await untilAborted(events.stored(seq), AbortSignal.any([signal, link.fenced]));
      return;
    }
    await quietly(events);
  }

  async function addChunk(event: LogChunk, time: string): Promise<void> {
    chunks.add(event, time);
    await quietly(logs);
  }

  return {
    sink,
    get finished() {
      return finished;
    },
    get told() {
      return { events: events.last, chunks: logs.last };
    },
    get stored() {
      return { events: events.storedUpTo, chunks: logs.storedUpTo };
    },
    async flushed() {
      await Promise.all([logs.stored(logs.last), events.stored(events.last)]);
    },
    async [Symbol.asyncDispose]() {
      const over = new SlipwayError("runner-ended", "the runner has ended");
      logs.end(over);
      events.end(over);
      await Promise.all([logSpool[Symbol.asyncDispose](), eventSpool[Symbol.asyncDispose]()]);
    },
  };
}

/** Whoever tells something goes on when it can no longer arrive: the job is being ended for that. */
async function quietly(outbox: Outbox): Promise<void> {
  try {
    await outbox.ready();
  } catch {
    // `failed` was told.
  }
}

async function untilAborted(waiting: Promise<void>, signal: AbortSignal): Promise<void> {
  const aborted = Promise.withResolvers<never>();
  const onAbort = () => aborted.reject(cancelOf(signal));
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    await Promise.race([waiting, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
    aborted.promise.catch(() => undefined);
    waiting.catch(() => undefined);
  }
}

async function postLogs(link: RunnerLink, batch: readonly Parcel[]): Promise<number> {
  const answer = await link.send({
    method: "POST",
    path: "logs",
    headers: {
      "content-type": "application/vnd.slipway.log-frames",
      "x-slipway-epoch": String(link.epoch),
    },
    body: batch.flatMap(parcel => parcel.encode()),
  });
  // What was sent does not follow on what is stored: it goes on behind that.
  if (answer.status === 409 && codeOf(answer.json) === "gap") return storedIn(answer);
  return acknowledged(answer, "log");
}

async function postEvents(link: RunnerLink, batch: readonly Parcel[]): Promise<number> {
  const parts = batch.flatMap((parcel, index) => [comma(index), ...parcel.encode()]);
  const answer = await link.send({
    method: "POST",
    path: "events",
    headers: { "content-type": "application/json" },
    body: [Buffer.from(`{"epoch":${link.epoch},"events":[`), ...parts, Buffer.from("]}")],
  });
  return acknowledged(answer, "events");
}

function comma(index: number): Uint8Array {
  return Buffer.from(index === 0 ? "" : ",");
}

function acknowledged(answer: LinkAnswer, what: string): number {
  if (answer.status === 200) return storedIn(answer);
  throw new SlipwayError("platform-refuses", `the ${what} of the job were not taken: ${detailOf(answer)}`);
}

function storedIn({ json }: LinkAnswer): number {
  return Number((json as { stored?: unknown } | undefined)?.stored ?? Number.NaN);
}

function eventParcel(event: SentEvent, mostBytes: number): Parcel {
  let bytes = Buffer.from(JSON.stringify(event));
  if (bytes.length > mostBytes / 2) bytes = Buffer.from(JSON.stringify(shortened(event)));
  return { seq: event.seq, size: bytes.length + 1, encode: () => [bytes] };
}

const longText = 16_384;
const shortText = 100;

/** An event that no request could hold: long texts are cut, of very many steps only the first are listed. */
function shortened(event: SentEvent): SentEvent {
  const cut = (value: unknown) => (typeof value === "string" ? value.slice(0, longText) : value);
  const short = Object.fromEntries(Object.entries(event).map(([key, value]) => [key, cut(value)]));
  if (event.type === "run-started") {
    short.steps = event.steps
      .filter(({ id }) => id.length <= 2 * shortText)
      .slice(0, 1000)
      .map(step => ({ ...step, name: step.name.slice(0, shortText) }));
  }
  if (event.type === "tests-reported") short.failing = event.failing.map(name => name.slice(0, 1024));
  return short as unknown as SentEvent;
}
