// The order in which a workflow's pipelines run. Pure: whoever runs them keeps the state and asks again after every
// change.

import type { Workflow, WorkflowEntry } from "../config/pipeline-file.ts";
import { isGood, type Outcome } from "../core/outcome.ts";
import { matchesPatterns } from "./name-patterns.ts";

/** Where an entry stands; one that is not in the state waits. All jobs of a matrix count as one. */
export type EntryStatus = "waiting" | "running" | Outcome;

export type WorkflowState = ReadonlyMap<string, EntryStatus>;

export interface OrderOptions {
  /** Of the run; absent for a tag. */
  branch?: string;
  /** Entries with `approval` that a person let go on. */
  approved?: ReadonlySet<string>;
  /** One after the other, and the first that does not pass ends it all, as `wercker workflow` does it. */
  sequential?: boolean;
}

export interface NextPipelines {
  /** To be started now, in the file's order. */
  start: WorkflowEntry[];
  /** To be recorded as `skipped`, with the reason. */
  skip: { entry: WorkflowEntry; reason: string }[];
  /** Would start if somebody approved. */
  awaitingApproval: WorkflowEntry[];
  /** Nothing runs and nothing will start any more, once `skip` is recorded. */
  finished: boolean;
}

/**
 * What to do next. May be repeated: it depends on nothing but what it is given. An entry runs when all that it
 * requires have passed. One whose requirement did not pass, or was itself skipped, is skipped: what it builds upon
 * is not there. Entries that require nothing of it go on.
 */
export function nextPipelines(
  workflow: Workflow,
  state: WorkflowState,
  options: OrderOptions = {},
): NextPipelines {
  const known = new Map(state);
  const next: NextPipelines = { start: [], skip: [], awaitingApproval: [], finished: false };
  const skip = (entry: WorkflowEntry, reason: string) => {
    known.set(entry.name, "skipped");
    next.skip.push({ entry, reason });
  };
  const waiting = () =>
    workflow.pipelines.filter(entry => (known.get(entry.name) ?? "waiting") === "waiting");
  for (let before = -1; before !== next.skip.length; ) {
    before = next.skip.length;
    for (const entry of waiting()) {
      const reason = reasonToSkip(workflow, entry, known, options);
      if (reason !== undefined) skip(entry, reason);
    }
  }
  const running = workflow.pipelines.some(entry => known.get(entry.name) === "running");
  const ready = waiting().filter(entry => entry.requires.every(name => known.get(name) === "passed"));
  const allowed = ready.filter(entry => !entry.approval || options.approved?.has(entry.name));
  next.awaitingApproval = ready.filter(entry => !allowed.includes(entry));
  next.start = options.sequential ? allowed.slice(0, running ? 0 : 1) : allowed;
  if (running || ready.length > 0) return next;
  for (const entry of waiting()) skip(entry, "what it requires can never be met");
  next.finished = true;
  return next;
}

function reasonToSkip(
  workflow: Workflow,
  entry: WorkflowEntry,
  known: WorkflowState,
  options: OrderOptions,
): string | undefined {
  if (options.sequential) {
    const stopped = workflow.pipelines.find(({ name }) => hasNotPassed(known.get(name)));
    if (stopped !== undefined) return endOf(stopped.name, known);
  }
  if (entry.branches !== undefined && !matchesPatterns(entry.branches, options.branch)) {
    const is = options.branch ? `the branch is ${options.branch}` : "there is no branch";
    return `${is}, not ${entry.branches.join(", ")}`;
  }
  const lost = entry.requires.find(name => known.get(name) === "skipped" || hasNotPassed(known.get(name)));
  return lost === undefined ? undefined : endOf(lost, known);
}

function endOf(name: string, known: WorkflowState): string {
  switch (known.get(name)) {
    case "skipped":
      return `${name} was skipped`;
    case "timed-out":
      return `${name} took too long`;
    case "canceled":
      return `${name} was canceled`;
    case "broken":
      return `${name} broke`;
    default:
      return `${name} has failed`;
  }
}

function hasNotPassed(status: EntryStatus | undefined): boolean {
  return status !== undefined && status !== "waiting" && status !== "running" && !isGood(status);
}
