// The last word of a runner: the terminal record, until the platform has accepted it.

import type { RunFinished } from "../core/events.ts";
import { SlipwayError } from "../core/failure.ts";
import { exitCodeOf, isGood, type Outcome } from "../core/outcome.ts";
import type { FinishAnswer, FinishBody } from "../endpoints/runner.ts";
import type { Clock } from "../lib/clock.ts";
import { pauseOrThrow } from "../lib/pause.ts";
import { createBackOff } from "./back-off.ts";
import { codeOf, detailOf, type RunnerLink } from "./runner-link.ts";

export interface FinishOptions {
  link: RunnerLink;
  record: Omit<FinishBody, "epoch">;
  /** Sends what is missing. */
  flush(): Promise<void>;
  clock: Clock;
  random(): string;
}

/** Characters; what JSON makes of them stays below what the platform takes. */
const longestMessage = 32_768;
/** What was acknowledged shows up within so long, or never. Milliseconds. */
const missingMs = 120_000;

/** The outcome as the platform has decided it. Throws why it could not be told. */
export async function finish({ link, record, flush, clock, random }: FinishOptions): Promise<Outcome> {
  const backOff = createBackOff(random);
  const began = clock.monotonic();
  for (;;) {
    const answer = await link.send({
      method: "POST",
      path: "finish",
      headers: { "content-type": "application/json" },
      body: [Buffer.from(JSON.stringify({ epoch: link.epoch, ...record } satisfies FinishBody))],
    });
    if (answer.status === 200) {
      const { outcome } = (answer.json ?? {}) as Partial<FinishAnswer>;
      return (outcome as Outcome | undefined) ?? record.outcome;
    }
    const incomplete = answer.status === 409 && codeOf(answer.json) === "incomplete";
    if (!incomplete || clock.monotonic() - began >= missingMs) {
      throw new SlipwayError("finish-refused", `the end of the job was not accepted: ${detailOf(answer)}`);
    }
    await flush();
    await pauseOrThrow(clock, backOff(), link.fenced);
  }
}

/**
 * The record of a job that has told its end. `undelivered`: why not all of it could be told; then only what is stored
 * counts, and nothing of it is good.
 */
export function recordOf(
  finished: RunFinished,
  numbers: { events: number; chunks: number },
  undelivered?: string,
): FinishOptions["record"] {
  const lost = undelivered !== undefined && isGood(finished.outcome);
  const outcome = lost ? "broken" : finished.outcome;
  const { failedStep } = finished;
  return {
    outcome,
    exitCode: exitCodeOf(outcome),
    message: (lost ? undelivered : finished.message).slice(0, longestMessage),
    ...(failedStep === undefined || lost ? {} : { failedStep: failedStep.slice(0, 1024) }),
    ...numbers,
  };
}
