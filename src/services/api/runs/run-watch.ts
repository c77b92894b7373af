// The news of runs for all who follow them in this process. Nudges say when to look, a slow poll is the net below them,
// and one look at the tables serves every follower of every run. What a follower has been told is a matter of its cursor
// alone, so that it can go on after any break, at any server.

import type { Clock } from "../../../lib/clock.ts";
import type { Nudges } from "../../../queue/postgres/nudges.ts";
import { waitReasons } from "../../../queue/postgres/wait-reason.ts";
import type { Database } from "../../../store/database.ts";
import { type EventCursor, shortName } from "./event-cursor.ts";
import { type AttemptRow, readAttempts, readJobs } from "./job-rows.ts";
import { waitingOf } from "./run-detail.ts";
import { jobSummaryOf, summariesOf } from "./run-summary.ts";

export type RunNews =
  /** The run or a job as it is now, as JSON. */
  { kind: "run" | "job"; text: string } | { kind: "event"; jobId: string; attemptId: string; body: unknown };

export interface RunWatch extends AsyncDisposable {
  /**
   * What there is and what comes, until the run is over and everything was told; moves the cursor on with each event. Throws
   * the signal's reason when aborted.
   */
  follow(runId: string, cursor: EventCursor, signal: AbortSignal): AsyncGenerator<RunNews>;
}

export interface RunWatchOptions {
  db: Database;
  nudges: Nudges;
  clock: Clock;
  /** Between looks when nobody told us anything. Milliseconds. */
  pollMs?: number;
}

interface EventRow {
  seq: number;
  body: unknown;
}

interface RunState {
  run: string;
  jobs: { id: string; text: string }[];
  attempts: AttemptRow[];
  over: boolean;
}

interface Watched {
  followers: number;
  /** Undefined before the first look, null where there is no such run (any more). */
  state: RunState | null | undefined;
  /** Grows with each look. */
  version: number;
  wake: Set<() => void>;
  /** Pieces of events that several followers ask for at the same time. */
  reads: Map<string, Promise<EventRow[]>>;
  /** To be looked at. */
  due: boolean;
}

/** A run that changes all the time is looked at so often. Milliseconds. */
const gatherMs = 50;
/** Nudges that do not say which run has changed: on a busy platform they never end. Milliseconds. */
const gatherAllMs = 250;
const portion = 500;
export const newsStatement =
  "select seq, body from events where attempt_id = $1 and seq > $2 order by seq limit $3";

export function openRunWatch({ db, nudges, clock, pollMs = 1000 }: RunWatchOptions): RunWatch {
  const watched = new Map<string, Watched>();
  const closing = new AbortController();
  let timer: { at: number; stop: () => void } | undefined;
  let looking: Promise<void> | undefined;

  const lookIn = (ms: number): void => {
    if (closing.signal.aborted || watched.size === 0 || looking !== undefined) return;
    const at = clock.monotonic() + ms;
    if (timer !== undefined && timer.at <= at) return;
    timer?.stop();
    timer = { at, stop: clock.after(ms, lookNow) };
  };
  const lookNow = (): void => {
    timer = undefined;
    const due = [...watched].filter(([, run]) => run.due);
    const which = due.length > 0 ? due : [...watched];
    for (const [, run] of which) run.due = false;
    // The database may be away: whoever follows waits until it is back.
    looking = look(db, which)
      .catch(() => undefined)
      .finally(() => {
        looking = undefined;
        lookIn([...watched.values()].some(run => run.due) ? gatherMs : pollMs);
      });
  };
  const note = (run: Watched | undefined): void => {
    if (run === undefined) return;
    run.due = true;
    lookIn(gatherMs);
  };
  const offs = [
    nudges.on("events", runId => note(watched.get(runId))),
    nudges.on("attempts", attemptId =>
      note(watched.values().find(({ state }) => state?.attempts.some(({ id }) => id === attemptId))),
    ),
    nudges.on("runs", () => {
      for (const run of watched.values()) run.due = true;
      lookIn(gatherAllMs);
    }),
  ];

  async function* follow(runId: string, cursor: EventCursor, signal: AbortSignal): AsyncGenerator<RunNews> {
    const run = watched.get(runId) ?? newWatched();
    watched.set(runId, run);
    run.followers++;
    run.due = true;
    lookIn(0);
    try {
      yield* newsOf(db, run, cursor, AbortSignal.any([signal, closing.signal]));
    } finally {
      run.followers--;
      if (run.followers === 0) watched.delete(runId);
    }
  }

  return {
    follow,
    async [Symbol.asyncDispose]() {
      closing.abort(new Error("the server stops"));
      for (const off of offs) off();
      timer?.stop();
      await looking;
    },
  };
}

function newWatched(): Watched {
  return { followers: 0, state: undefined, version: 0, wake: new Set(), reads: new Map(), due: true };
}

/** The run is read before its attempts: when it is over, they have said their last word. */
async function look(db: Database, which: [string, Watched][]): Promise<void> {
  const ids = which.map(([id]) => id);
  const summaries = await summariesOf(db, ids);
  const jobs = await readJobs(db, ids);
  const reasons = await waitReasons(db, waitingOf(jobs));
  const attempts = await readAttempts(db, ids);
  const byJob = Map.groupBy(attempts, attempt => attempt.job_id);
  for (const [id, run] of which) {
    const summary = summaries.find(each => each.id === id);
    run.state =
      summary === undefined
        ? null
        : {
            run: JSON.stringify(summary),
            jobs: jobs
              .filter(job => job.run_id === id)
              .map(job => ({
                id: job.id,
                text: JSON.stringify(
                  jobSummaryOf(job, (byJob.get(job.id) ?? []).slice(-1), reasons.get(job.id)),
                ),
              })),
            attempts: attempts.filter(attempt => attempt.run_id === id),
            over: summary.state === "finished",
          };
    run.version++;
    run.reads.clear();
    for (const wake of [...run.wake]) wake();
  }
}

/** Events come before the state that they led to. */
async function* newsOf(
  db: Database,
  watched: Watched,
  cursor: EventCursor,
  signal: AbortSignal,
): AsyncGenerator<RunNews> {
  let version = 0;
  let toldRun = "";
  const toldJobs = new Map<string, string>();
  for (;;) {
    await changed(watched, version, signal);
    version = watched.version;
    const { state } = watched;
    if (state === null || state === undefined) return;
    for (const attempt of state.attempts) yield* eventsOf(db, watched, attempt, cursor, signal);
    if (state.run !== toldRun) yield { kind: "run", text: state.run };
    toldRun = state.run;
    for (const { id, text } of state.jobs) {
      if (toldJobs.get(id) === text) continue;
      toldJobs.set(id, text);
      yield { kind: "job", text };
    }
    if (state.over) return;
  }
}

async function* eventsOf(
  db: Database,
  watched: Watched,
  attempt: AttemptRow,
  cursor: EventCursor,
  signal: AbortSignal,
): AsyncGenerator<RunNews> {
  const name = shortName(attempt.id);
  for (let at = cursor.get(name) ?? 0; at < attempt.events_stored; at = cursor.get(name) ?? at) {
    signal.throwIfAborted();
    const rows = await readShared(db, watched, attempt.id, at);
    if (rows.length === 0) return;
    for (const { seq, body } of rows) {
      cursor.set(name, seq);
      yield { kind: "event", jobId: attempt.job_id, attemptId: attempt.id, body };
    }
  }
}

/** Those who are told the same at the same time read it once. */
function readShared(db: Database, { reads }: Watched, attemptId: string, at: number): Promise<EventRow[]> {
  const key = `${attemptId}:${at}`;
  let read = reads.get(key);
  if (read === undefined) {
    read = db.query<EventRow>(newsStatement, [attemptId, at, portion]);
    reads.set(key, read);
    const forget = () => {
      if (reads.get(key) === read) reads.delete(key);
    };
    // What failed is tried again; what was read is kept for those who are just behind, until the next look.
    read.catch(forget);
  }
  return read;
}

function changed(watched: Watched, version: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = () => {
      watched.wake.delete(done);
      signal.removeEventListener("abort", done);
      if (signal.aborted) reject(signal.reason);
      else resolve();
    };
    watched.wake.add(done);
    signal.addEventListener("abort", done, { once: true });
    if (signal.aborted || watched.version > version) done();
  });
}
