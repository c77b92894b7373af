// Exchanges a claim token for the runner's key, and hands out the job with all it needs. The same nonce may ask again.

import type { IncomingMessage, ServerResponse } from "node:http";
import { messageOf, SlipwayError } from "../../../core/failure.ts";
import { claimBody } from "../../../endpoints/runner.ts";
import { conflict } from "../../../http/problem.ts";
import { endAttempt } from "../../../queue/postgres/end-attempt.ts";
import { exchangeClaim, noteRunBegun } from "../../../queue/postgres/runner-writes.ts";
import { assembleJob } from "./assemble-job.ts";
import { stale, unauthorized } from "./call.ts";
import type { RunnerDependencies } from "./dependencies.ts";
import { answerJson, readJson } from "./wire.ts";

const maxBytes = 16 * 1024;

/** What an earlier try has said of its tests, which this one says anew. */
const forgetStatement = `
  delete from test_results where run_id = $1 and job_id = $2
    and exists (select 1 from attempts where id = $3 and number > 1)`;

/** `POST claim`: the only call without a key. Whatever is wrong before the token is proven is answered alike. */
export async function claimCall(
  deps: RunnerDependencies,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = await readJson(request, claimBody, maxBytes, deps.clock).catch((error: unknown) => {
    if (error instanceof Error && error.name === "Problem") throw unauthorized();
    throw error;
  });
  const exchange = await exchangeClaim(deps.db, body.claimToken, body.nonce);
  if (exchange.kind === "unknown") throw unauthorized();
  if (exchange.kind === "stale") throw stale();
  if (exchange.kind === "claimed") {
    throw conflict(
      "claimed",
      "another runner has exchanged this token",
      "a runner that restarts touches nothing",
    );
  }
  const { attemptId, jobId, runId, epoch, key, first, waited } = exchange;
  deps.keys.remember(key, { kind: "ok", attemptId, jobId, runId, epoch });
  try {
    const [assembled] = await Promise.all([
      assembleJob(deps, { attemptId, jobId }),
      deps.db.query(forgetStatement, [runId, jobId, attemptId]),
      first ? noteRunBegun(deps.db, runId) : undefined,
    ]);
    answerJson(response, 200, {
      ...{ key, runId, jobId, attemptId, epoch },
      ...(waited.length > 0 ? { waited } : {}),
      ...assembled,
    });
    deps.log.info(
      { run: runId, job: jobId, attempt: attemptId, runner: body.runner },
      "a runner has its job",
    );
  } catch (error) {
    if (!(error instanceof SlipwayError)) throw error;
    await giveUp(deps, exchange, error);
    throw stale();
  }
}

/** A job that cannot be handed out would be asked for until somebody loses patience: it ends with what is wrong. */
async function giveUp(
  { db, nudges, log }: RunnerDependencies,
  { attemptId, runId, jobId, epoch }: { attemptId: string; runId: string; jobId: string; epoch: number },
  error: SlipwayError,
): Promise<void> {
  const message = `the job could not be handed to its runner: ${messageOf(error)}`;
  const hint = error.hint === undefined ? "" : `\n${error.hint}`;
  log.error({ run: runId, job: jobId, attempt: attemptId, code: error.code }, message);
  await db.transact(tx =>
    endAttempt(tx, attemptId, epoch, { outcome: "broken", reason: error.code, message: message + hint }),
  );
  nudges.nudge("runs", runId);
  nudges.nudge("attempts", attemptId);
}
