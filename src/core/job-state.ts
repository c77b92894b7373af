// How a job of the platform moves from waiting to its end, and what becomes of it when a try at it is over. Pure: the
// queue writes down what is decided here. A try is known by its epoch; word of another one changes nothing.

import type { CancelKind } from "./cancel.ts";
import { isGood, type Outcome } from "./outcome.ts";

/** `waiting` for what it requires; `queued` for a worker; `claimed` by one; `running` since its runner spoke. */
export type JobPhase = "waiting" | "queued" | "claimed" | "running" | "finished";

/** Why a job is to end early. The first request counts. */
export interface CancelRequest {
  kind: CancelKind;
  /** Stable, for programs: `canceled`, `superseded`, `time-limit`, ... */
  reason: string;
  message: string;
}

export interface JobRecord {
  state: JobPhase;
  /** Number of the latest try; 0 before the first. */
  attempt: number;
  maxAttempts: number;
  /** The job says that it may be run again after a step has begun. */
  repeatable: boolean;
  cancel?: CancelRequest;
  /** The try that is under way. */
  live?: { epoch: number; stepBegan: boolean };
  outcome?: Outcome;
  reason?: string;
  message?: string;
}

/** How a try ended: by its terminal record, or as others saw it. */
export interface AttemptEnd {
  outcome: Outcome;
  reason: string;
  message: string;
}

export type JobNews =
  | { type: "admitted" }
  | { type: "claimed"; epoch: number }
  | { type: "started"; epoch: number }
  | { type: "step-began"; epoch: number }
  /** Terminal record, loss or giving up. */
  | { type: "ended"; epoch: number; end: AttemptEnd }
  | { type: "cancel"; request: CancelRequest }
  | { type: "skipped"; message: string };

/** What follows from the end of a try. */
export type AfterAttempt =
  | { kind: "again"; delayMs: number }
  | { kind: "finished"; outcome: Outcome; reason: string; message: string };

const longestDelayMs = 60_000;

/**
 * Whether a job is over with this try. Only what broke is done again, and only while tries are left and either no step
 * had begun or the job may be repeated. What breaks after a cancel was asked for ends as the cancel says.
 */
export function afterAttempt(
  job: Pick<JobRecord, "attempt" | "maxAttempts" | "repeatable" | "cancel">,
  stepBegan: boolean,
  end: AttemptEnd,
): AfterAttempt {
  if (end.outcome !== "broken") return { kind: "finished", ...end };
  if (job.cancel !== undefined) {
    const { kind, reason, message } = job.cancel;
    return { kind: "finished", outcome: kind, reason, message };
  }
  const safe = job.repeatable || !stepBegan;
  if (!safe || job.attempt >= job.maxAttempts) return { kind: "finished", ...end };
  return { kind: "again", delayMs: delayBefore(job.attempt) };
}

/** Short at first, for the next machine may be well; milliseconds. */
function delayBefore(triesSoFar: number): number {
  return Math.min(longestDelayMs, 1000 * 5 ** triesSoFar);
}

/**
 * The job after one more piece of news. News that comes too late, twice, or of another try gives the very same record
 * back: a finished job never changes.
 */
export function applyNews(job: JobRecord, news: JobNews): JobRecord {
  if (job.state === "finished") return job;
  switch (news.type) {
    case "admitted":
      return job.state === "waiting" ? { ...job, state: "queued" } : job;
    case "claimed":
      if (job.state !== "queued") return job;
      return {
        ...job,
        state: "claimed",
        attempt: job.attempt + 1,
        live: { epoch: news.epoch, stepBegan: false },
      };
    case "started":
      return isLive(job, news.epoch) && job.state === "claimed" ? { ...job, state: "running" } : job;
    case "step-began":
      if (!isLive(job, news.epoch) || job.live!.stepBegan) return job;
      return { ...job, live: { ...job.live!, stepBegan: true } };
    case "ended":
      return isLive(job, news.epoch) ? afterEnd(job, news.end) : job;
    case "cancel":
      return afterCancel(job, news.request);
    case "skipped":
      if (job.state !== "waiting") return job;
      return { ...job, state: "finished", outcome: "skipped", reason: "skipped", message: news.message };
  }
}

function isLive(job: JobRecord, epoch: number): boolean {
  return job.live?.epoch === epoch;
}

function afterEnd(job: JobRecord, end: AttemptEnd): JobRecord {
  const { live, ...rest } = job;
  const next = afterAttempt(job, live!.stepBegan, end);
  if (next.kind === "again") return { ...rest, state: "waiting" };
  const { outcome, reason, message } = next;
  return { ...rest, state: "finished", outcome, reason, message };
}

/**
 * Nobody has to be asked about a job that no runner has, also when one is being launched for it; a runner is told, and
 * has the last word.
 */
function afterCancel(job: JobRecord, request: CancelRequest): JobRecord {
  if (job.cancel !== undefined) return job;
  const { live, ...rest } = job;
  if (live !== undefined && job.state !== "claimed") return { ...job, cancel: request };
  const { kind, reason, message } = request;
  return { ...rest, cancel: request, state: "finished", outcome: kind, reason, message };
}

/** From what says least to what decides: a real no beats a fault of the machine, a cancel beats all. */
const weight: Outcome[] = ["skipped", "passed", "broken", "timed-out", "failed", "canceled"];

/** The outcome of several jobs together. Of none it is `failed`: nothing that ran is nothing that passed. */
export function outcomeOfJobs(outcomes: readonly Outcome[]): Outcome {
  const [first, ...others] = outcomes;
  if (first === undefined) return "failed";
  return others.reduce((worst, each) => (weight.indexOf(each) > weight.indexOf(worst) ? each : worst), first);
}

export interface EndedJob {
  name: string;
  outcome: Outcome;
  message: string;
}

/** How a run has ended, in one word and one sentence. `jobs` in the order of their making. */
export function verdictOfRun(jobs: readonly EndedJob[]): { outcome: Outcome; message: string } {
  const outcome = outcomeOfJobs(jobs.map(job => job.outcome));
  if (isGood(outcome)) return { outcome, message: "" };
  const decisive = jobs.find(job => job.outcome === outcome);
  if (decisive === undefined) return { outcome, message: "the run has no jobs" };
  const why = decisive.message.split("\n", 1)[0] ?? "";
  return { outcome, message: why === "" ? `${decisive.name}: ${outcome}` : `${decisive.name}: ${why}` };
}
