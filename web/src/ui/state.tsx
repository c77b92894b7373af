// How the states of runs and jobs look: a shape, a colour and a word, so that none of them is needed to know it.

import type { ReactNode } from "react";
import type { Job, RunSummary } from "../api/client.ts";

export type Outcome = NonNullable<RunSummary["outcome"]>;
export type State = Outcome | RunSummary["state"] | Job["state"] | "approval" | "none";

type Shape = "check" | "cross" | "clock" | "stop" | "skip" | "warn" | "turn" | "wait" | "hand" | "none";
const looks: Record<State, { word: string; shape: Shape }> = {
  passed: { word: "passed", shape: "check" },
  failed: { word: "failed", shape: "cross" },
  "timed-out": { word: "timed out", shape: "clock" },
  canceled: { word: "canceled", shape: "stop" },
  skipped: { word: "skipped", shape: "skip" },
  broken: { word: "broken", shape: "warn" },
  planning: { word: "planning", shape: "turn" },
  running: { word: "running", shape: "turn" },
  claimed: { word: "starting", shape: "turn" },
  queued: { word: "queued", shape: "wait" },
  waiting: { word: "waiting", shape: "wait" },
  approval: { word: "needs approval", shape: "hand" },
  finished: { word: "finished", shape: "none" },
  none: { word: "no run yet", shape: "none" },
};

const lines: Record<Shape, ReactNode> = {
  check: <path d="m4.5 8.3 2.4 2.4 4.6-5" />,
  cross: <path d="m5.3 5.3 5.4 5.4m0-5.4-5.4 5.4" />,
  clock: <path d="M8 4.6V8l2.3 1.6" />,
  stop: <path d="M5 8h6" />,
  skip: <path d="m5.5 5.3 2.7 2.7-2.7 2.7M10.3 5.3v5.4" />,
  warn: <path d="M8 4.3v4.4M8 11v.2" />,
  turn: <path d="M8 1.5A6.5 6.5 0 0 1 14.5 8" />,
  wait: <path d="M5 8h.1M8 8h.1m2.9 0h.1" />,
  hand: <path d="M6.4 5.2v5.6m3.2-5.6v5.6" />,
  none: null,
};

export function StateIcon({ state, size = 16 }: { state: State; size?: number }) {
  const { shape } = looks[state];
  return (
    <svg
      className={shape === "turn" ? "turning" : undefined}
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.7"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      <circle
        cx="8"
        cy="8"
        r="6.5"
        opacity={shape === "turn" ? 0.3 : 1}
        strokeDasharray={shape === "wait" ? "2.2 2" : undefined}
      />
      {lines[shape]}
    </svg>
  );
}

export function StateBadge({ state, pill = false, text }: { state: State; pill?: boolean; text?: string }) {
  return (
    <span className={`state of-${state} ${pill ? "pill" : ""}`} data-state={state}>
      <StateIcon state={state} />
      {text ?? looks[state].word}
    </span>
  );
}

export function wordOf(state: State): string {
  return looks[state].word;
}

interface StandingRun {
  state: string;
  outcome: Outcome | null;
  waitsFor: RunSummary["waitsFor"];
}

/** Of a run, or of a project's last one. A run of which nothing runs is not called running. */
export function stateOfRun(run: StandingRun | null | undefined): State {
  if (run == null) return "none";
  if (run.outcome !== null) return run.outcome;
  if (run.waitsFor === "approval") return "approval";
  if (run.waitsFor !== null) return run.waitsFor === "worker" ? "queued" : "waiting";
  return run.state as RunSummary["state"];
}

export function stateOfJob(job: Pick<Job, "state" | "outcome" | "approval">): State {
  if (job.outcome !== null) return job.outcome;
  return job.approval === "wanted" && job.state === "waiting" ? "approval" : job.state;
}
