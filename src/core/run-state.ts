// What is known of one run from its events: the only way in which a run's result comes about. Pure. An event may come
// twice, late or not at all; what was never told is never taken for good.

import type {
  ArtifactStored,
  CacheStored,
  Phase,
  RunEvent,
  RunFinished,
  StepSummary,
  TestsReported,
} from "./events.ts";
import { isGood, type Outcome } from "./outcome.ts";

export interface RunState {
  /** The run's id; undefined before the first event. */
  runId: string | undefined;
  pipeline: string;
  project: string;
  engine: string;
  /** Time of the event that began the run. */
  startedAt: string | undefined;
  /** In the order in which they were told of. */
  steps: StepState[];
  artifacts: ArtifactStored[];
  caches: CacheStored[];
  tests: TestsReported[];
  /** The terminal record, once it has come. Ask `outcomeOf`, not this. */
  finished: (RunFinished & { time: string }) | undefined;
  /** Terminal records said different things. */
  contradicted: boolean;
  /** Numbers that have come, as ranges in order, neither touching nor overlapping. */
  received: Range[];
}

export interface StepState extends StepSummary {
  status: "waiting" | "running" | "finished";
  order?: number;
  attempt?: number;
  startedAt?: string;
  outcome?: Outcome;
  exitCode?: number | null;
  durationMs?: number;
  message?: string;
  allowedToFail?: boolean;
  /** Number of the event that the status is from. */
  seq: number;
}

/** Both ends included. */
export type Range = [from: number, to: number];

/** More holes than this are no loss but nonsense; what would make more is not taken. */
const maxRanges = 1000;

/** A run of which nothing has been heard. */
export function newRunState(): RunState {
  return {
    runId: undefined,
    pipeline: "",
    project: "",
    engine: "",
    startedAt: undefined,
    steps: [],
    artifacts: [],
    caches: [],
    tests: [],
    finished: undefined,
    contradicted: false,
    received: [],
  };
}

/**
 * The state after one more event. May be repeated: a number that has come already changes nothing and gives the very
 * same state back, and so does an event of another run. Events may come in any order; the one with the higher
 * number decides what a step is doing.
 */
export function applyEvent(state: RunState, event: RunEvent): RunState {
  if (state.runId !== undefined && event.runId !== state.runId) return state;
  const received = withNumber(state.received, event.seq);
  if (received === undefined) return state;
  return { ...state, ...changeOf(state, event), runId: event.runId, received };
}

function changeOf(state: RunState, event: RunEvent): Partial<RunState> {
  switch (event.type) {
    case "run-started": {
      const { pipeline, project, engine, time } = event;
      return { pipeline, project, engine, startedAt: time, steps: withListed(state.steps, event.steps) };
    }
    case "step-started": {
      const { step, name, phase, order, attempt, time, seq } = event;
      const started = {
        id: step,
        name,
        phase,
        order,
        attempt,
        startedAt: time,
        status: "running" as const,
        seq,
      };
      return { steps: withStep(state.steps, started) };
    }
    case "step-finished":
      return { steps: withStep(state.steps, finishedStep(event)) };
    case "artifact-stored":
      return { artifacts: [...state.artifacts, event] };
    case "cache-stored":
      return { caches: [...state.caches, event] };
    case "tests-reported":
      return { tests: [...state.tests, event] };
    case "run-finished": {
      const before = state.finished;
      if (before === undefined) return { finished: event };
      return { contradicted: state.contradicted || before.outcome !== event.outcome };
    }
    default:
      return {};
  }
}

function finishedStep(event: Extract<RunEvent, { type: "step-finished" }>): StepState {
  const { step, name, phase, outcome, exitCode, durationMs, message, allowedToFail, seq } = event;
  const finished: StepState = {
    id: step,
    name,
    phase,
    outcome,
    exitCode,
    durationMs,
    message,
    seq,
    status: "finished",
  };
  if (allowedToFail !== undefined) finished.allowedToFail = allowedToFail;
  return finished;
}

/** Steps that were announced come first, in the order announced. */
function withListed(steps: StepState[], listed: StepSummary[]): StepState[] {
  const known = new Map(steps.map(step => [step.id, step]));
  const first = listed.map(step => known.get(step.id) ?? { ...step, status: "waiting" as const, seq: 0 });
  const ids = new Set(listed.map(step => step.id));
  return [...first, ...steps.filter(step => !ids.has(step.id))];
}

/** What the event with the higher number says counts; the other one only fills in when the step began. */
function withStep(steps: StepState[], news: StepState): StepState[] {
  const at = steps.findIndex(step => step.id === news.id);
  const before = steps[at];
  if (before === undefined) return [...steps, news];
  const [older, newer] = news.seq < before.seq ? [news, before] : [before, news];
  const step: StepState = { ...newer };
  const startedAt = [older.startedAt, newer.startedAt].filter(time => time !== undefined).sort()[0];
  if (startedAt !== undefined) step.startedAt = startedAt;
  const attempt = Math.max(older.attempt ?? 0, newer.attempt ?? 0);
  if (attempt > 0) step.attempt = attempt;
  const order = newer.order ?? older.order;
  if (order !== undefined) step.order = order;
  return steps.with(at, step);
}

/** The ranges with one more number; undefined where it was there, is no number, or would make too many holes. */
function withNumber(ranges: readonly Range[], seq: number): Range[] | undefined {
  if (!Number.isSafeInteger(seq) || seq < 1) return undefined;
  const last = ranges.at(-1);
  if (last !== undefined && last[1] === seq - 1) return ranges.with(-1, [last[0], seq]);
  if (ranges.some(([from, to]) => from <= seq && seq <= to)) return undefined;
  const below = ranges.filter(([, to]) => to < seq);
  const above = ranges.slice(below.length);
  const range: Range = [seq, seq];
  const left = below.at(-1);
  if (left !== undefined && left[1] === seq - 1) range[0] = below.pop()![0];
  const right = above[0];
  if (right !== undefined && right[0] === seq + 1) range[1] = above.shift()![1];
  const result = [...below, range, ...above];
  return result.length > maxRanges ? undefined : result;
}

/** The first numbers that are missing although later ones have come. */
export function firstGap(state: RunState): Range | undefined {
  const [first, second] = state.received;
  if (first === undefined) return undefined;
  if (first[0] > 1) return [1, first[0] - 1];
  return second === undefined ? undefined : [first[1] + 1, second[0] - 1];
}

export interface RunVerdict {
  outcome: Outcome;
  message: string;
}

/**
 * How the run has ended, as far as the events prove it; to be asked when no more will come. `passed` needs the terminal
 * record, every number before it, and no step that says otherwise; without that the run is `broken`. An outcome
 * that is not good is believed as it is.
 */
export function outcomeOf(state: RunState): RunVerdict {
  const { finished } = state;
  if (finished === undefined) return broken("the run's last word never came");
  if (!isGood(finished.outcome)) return { outcome: finished.outcome, message: finished.message };
  if (state.contradicted) return broken("the run's last words contradict each other");
  const gap = firstGap(state);
  if (gap !== undefined) {
    const which = gap[0] === gap[1] ? `event ${gap[0]} is` : `events ${gap[0]} to ${gap[1]} are`;
    return broken(`the run says that it has ${finished.outcome}, but ${which} missing`);
  }
  const against = state.steps.find(contradicts);
  if (against !== undefined) {
    const how = against.status === "running" ? "never ended" : `has ${against.outcome}`;
    return broken(`the run says that it has ${finished.outcome}, but step ${against.name} ${how}`);
  }
  return { outcome: finished.outcome, message: finished.message };
}

/** After-steps have no say in a run's result. */
function contradicts(step: StepState): boolean {
  const counted: Phase[] = ["setup", "main"];
  if (!counted.includes(step.phase)) return false;
  if (step.status === "running") return true;
  return step.outcome !== undefined && !isGood(step.outcome) && step.allowedToFail !== true;
}

function broken(message: string): RunVerdict {
  return { outcome: "broken", message };
}
