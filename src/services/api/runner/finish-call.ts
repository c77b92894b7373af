// Takes a job's terminal record. What waits for a pass, its caches, becomes real in the same transaction.

import { type FinishAnswer, finishBody } from "../../../endpoints/runner.ts";
import { conflict } from "../../../http/problem.ts";
import { finishAttempt, type TerminalRecord } from "../../../queue/postgres/finish-attempt.ts";
import { publishCaches } from "../../../store/caches.ts";
import { type RunnerCall, stale } from "./call.ts";
import { answerJson, answerProblem, readJson } from "./wire.ts";

const maxBytes = 256 * 1024;

/** `POST finish`: may be repeated; the same record is accepted again. */
export async function finishCall(call: RunnerCall): Promise<void> {
  const { db, clock, nudges, limits, keys } = call.deps;
  const { epoch, failedStep, ...record } = await readJson(call.request, finishBody, maxBytes, clock);
  const { attemptId, runId } = call.attempt;
  const terminal: TerminalRecord = { ...record, ...(failedStep === undefined ? {} : { failedStep }) };
  const finish = await finishAttempt(db, { attemptId, epoch }, terminal, {
    caches: async (tx, ended) => {
      if (ended.outcome === "passed") await publishCaches(tx, ended, limits.cacheBytesPerProject);
      else await tx.query("delete from pending_caches where attempt_id = $1", [attemptId]);
    },
  });
  if (finish.kind === "stale") throw stale();
  if (finish.kind === "incomplete") {
    const { events, chunks } = finish;
    const detail = `stored are ${events} of ${record.events} events and ${chunks} of ${record.chunks} log chunks`;
    const { details } = conflict("incomplete", detail, "send what is missing, then finish again");
    return answerProblem(call.request, call.response, { ...details, events, chunks }, clock);
  }
  keys.forget(attemptId);
  nudges.nudge("runs", runId);
  nudges.nudge("attempts", attemptId);
  if (finish.freesOthers) nudges.nudge("jobs");
  answerJson(call.response, 200, { accepted: true, outcome: finish.outcome } satisfies FinishAnswer);
}
