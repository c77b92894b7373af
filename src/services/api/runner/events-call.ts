// Takes what a runner tells, but for its log.

import type { RunEvent } from "../../../core/events.ts";
import { eventsBody, type StoredAnswer } from "../../../endpoints/runner.ts";
import { storeEvents } from "../../../queue/postgres/runner-writes.ts";
import { type RunnerCall, stale } from "./call.ts";
import { answerJson, readJson } from "./wire.ts";

/** Of a batch. */
export const maxBatchBytes = 2 ** 20;

/** `POST events`: answers the number up to which all is stored. */
export async function eventsCall(call: RunnerCall): Promise<void> {
  const { db, clock, nudges } = call.deps;
  const { epoch, events } = await readJson(call.request, eventsBody, maxBatchBytes, clock);
  const { attemptId, runId } = call.attempt;
  // Where it stands in the tables says whose run it is, not the runner.
  const stored = await storeEvents(db, { attemptId, epoch }, events as RunEvent[]);
  if (stored === "stale") throw stale();
  if (events.length > 0) nudges.nudge("events", runId);
  answerJson(call.response, 200, stored satisfies StoredAnswer);
}
