// Whether a condition of the file holds for what triggered the run. Pure; it is a convenience, never a guard of secrets.

import type { Job, When } from "../core/job.ts";
import { type Outcome, werckerResult } from "../core/outcome.ts";
import { matchesPatterns } from "./name-patterns.ts";

/** What conditions are asked about. */
export interface WhenFacts {
  branch?: string;
  tag?: string;
  /** `push`, `pull-request`, `schedule`, `manual`. */
  event: string;
  /** Of the steps so far. */
  result: "passed" | "failed";
}

/** The facts of a job, with the outcome of its steps so far. */
export function whenFacts(job: Pick<Job, "trigger">, outcome: Outcome = "passed"): WhenFacts {
  return { event: "manual", ...job.trigger, result: werckerResult(outcome) };
}

/** Why a condition does not hold, for people; undefined where it does. All that are given must hold. */
export function unmetCondition(when: When | undefined, facts: WhenFacts): string | undefined {
  if (when === undefined) return undefined;
  for (const what of ["branch", "tag"] as const) {
    const patterns = when[what];
    if (patterns === undefined || matchesPatterns(patterns, facts[what])) continue;
    const is = facts[what] ? `the ${what} is ${facts[what]}` : `there is no ${what}`;
    return `${is}, not ${patterns.join(", ")}`;
  }
  if (when.event !== undefined && !matchesEvent(when.event, facts.event)) {
    return `the event is ${facts.event}, not ${when.event.join(", ")}`;
  }
  const { result } = when;
  if (result !== undefined && !result.includes("always") && !result.includes(facts.result)) {
    return `the pipeline has ${facts.result}`;
  }
  return undefined;
}

/** Whether a step with this condition wants to run although an earlier one has not passed. */
export function runsAfterFailure(when: When | undefined): boolean {
  return when?.result?.some(result => result !== "passed") ?? false;
}

/** Events are compared without case and dashes; a `!` in front excludes, as in patterns. */
function matchesEvent(patterns: readonly string[], event: string): boolean {
  return matchesPatterns(patterns.map(plain), plain(event));
}

function plain(event: string): string {
  return event.toLowerCase().replace(/[-_]/g, "");
}
