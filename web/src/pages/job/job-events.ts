// What the runner of an attempt has said, made into what the page shows: steps, remarks, what was kept, and how the time went. Pure.

import { type RunEvent, type StepSummary, storeStep } from "../../../../src/core/events.ts";
import type { Attempt, Job } from "../../api/client.ts";
import type { State } from "../../ui/state.tsx";

export interface Step {
  id: string;
  name: string;
  phase: StepSummary["phase"];
  state: State;
  startedAt: string | undefined;
  durationMs: number | undefined;
  exitCode: number | null;
  message: string;
  allowedToFail: boolean;
}

export interface JobStory {
  steps: Step[];
  notices: { level: string; message: string; step: string | undefined; time: string }[];
  caches: { key: string; files: number; sizeBytes: number }[];
  tests: { tests: number; failed: number; skipped: number; failing: string[] } | undefined;
  engine: string | undefined;
}

/** Events as the api has them: what is not an event of ours is left out. */
export function storyOf(
  events: readonly { event: Record<string, unknown> }[],
  attempt: Attempt | undefined,
): JobStory {
  const story: JobStory = { steps: [], notices: [], caches: [], tests: undefined, engine: undefined };
  const steps = new Map<string, Step>();
  const stepOf = (id: string, name: string, phase: Step["phase"]): Step => {
    const known = steps.get(id);
    if (known !== undefined) return known;
    const made: Step = {
      ...{ id, name, phase, state: "waiting", startedAt: undefined, durationMs: undefined },
      ...{ exitCode: null, message: "", allowedToFail: false },
    };
    steps.set(id, made);
    return made;
  };
  for (const { event } of events) {
    const said = event as unknown as RunEvent;
    if (said.type === "run-started") {
      story.engine = said.engine;
      for (const { id, name, phase } of said.steps ?? []) stepOf(id, name, phase);
    } else if (said.type === "step-started") {
      Object.assign(stepOf(said.step, said.name, said.phase), { state: "running", startedAt: said.time });
    } else if (said.type === "step-finished") {
      const { outcome, durationMs, exitCode, message, allowedToFail = false } = said;
      Object.assign(stepOf(said.step, said.name, said.phase), {
        ...{ state: outcome, durationMs, exitCode, message, allowedToFail },
      });
    } else if (said.type === "notice") {
      const { level, message, step, time } = said;
      if (level !== "debug") story.notices.push({ level, message, step, time });
    } else if (said.type === "cache-stored") {
      story.caches.push({ key: said.key, files: said.files, sizeBytes: said.sizeBytes });
    } else if (said.type === "tests-reported") {
      const { tests, failed, skipped, failing } = said;
      story.tests = { tests, failed, skipped, failing };
    }
  }
  story.steps = [...steps.values()].sort((one, other) => rankOf(one) - rankOf(other));
  // What the end of the attempt has left without one did not run to its end.
  if (attempt?.state === "finished") {
    for (const step of story.steps) {
      if (step.state === "running") step.state = attempt.outcome ?? "broken";
      if (step.state === "waiting") step.state = "skipped";
    }
  }
  return story;
}

/** As they run: what comes before the first step and after the last is told of late or never. */
function rankOf({ id, phase }: Step): number {
  if (id === storeStep) return 2;
  return { setup: 0, main: 1, after: 3 }[phase] ?? 1;
}

export interface Span {
  name: string;
  from: number;
  to: number;
  state: State;
  /** Shown as part of the one before. */
  inner: boolean;
}

/** From the queue to the end, in the order of time. */
export function timelineOf(job: Job, attempt: Attempt | undefined, story: JobStory, now: number): Span[] {
  const spans: Span[] = [];
  const add = (
    name: string,
    from: string | null | undefined,
    to: string | null | undefined,
    state: State,
    inner = false,
  ) => {
    if (from == null) return;
    const [start, end] = [Date.parse(from), to == null ? now : Date.parse(to)];
    if (end >= start) spans.push({ name, from: start, to: end, state, inner });
  };
  const isFirst = attempt === undefined || attempt.number === 1;
  if (isFirst) {
    const waits = job.requires.length > 0 || job.approval !== null;
    if (waits) add("waiting for others", job.createdAt, job.queuedAt ?? job.finishedAt, "waiting");
    add("in the queue", job.queuedAt, attempt?.claimedAt ?? job.finishedAt, "queued");
  }
  if (attempt === undefined) return spans;
  add("starting the runner", attempt.claimedAt, attempt.startedAt ?? attempt.finishedAt, "claimed");
  const state: State = attempt.outcome ?? "running";
  add("running", attempt.startedAt, attempt.finishedAt, state);
  for (const step of story.steps) {
    if (step.startedAt === undefined) continue;
    const end =
      step.durationMs === undefined
        ? attempt.finishedAt
        : new Date(Date.parse(step.startedAt) + step.durationMs).toISOString();
    add(step.name, step.startedAt, end, step.state, true);
  }
  return spans;
}
