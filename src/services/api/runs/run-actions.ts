// What people do to runs and jobs that are under way: cancel, approve, refuse.

import type { CancelRequest } from "../../../core/job-state.ts";
import { conflict } from "../../../http/problem.ts";
import type { Principal } from "../../../http/route.ts";
import { type Canceled, cancelJobs, cancelRun } from "../../../queue/postgres/cancel-jobs.ts";
import { decideApproval } from "../../../queue/postgres/decide-approval.ts";
import { personOf } from "./caller.ts";
import type { RunDependencies } from "./dependencies.ts";

type ActionDependencies = Pick<RunDependencies, "db" | "nudges">;

/** May be repeated; of what has ended already nothing changes. */
export async function cancelRunOf(
  { db, nudges }: ActionDependencies,
  runId: string,
  principal: Principal,
  reason: string,
): Promise<void> {
  tell(nudges, await db.transact(tx => cancelRun(tx, runId, requestOf(principal, reason))), runId);
}

/** May be repeated. */
export async function cancelJobOf(
  { db, nudges }: ActionDependencies,
  jobId: string,
  principal: Principal,
  reason: string,
): Promise<void> {
  tell(nudges, await db.transact(tx => cancelJobs(tx, [jobId], requestOf(principal, reason))));
}

function requestOf(principal: Principal, reason: string): CancelRequest {
  const why = reason === "" ? "" : `: ${reason}`;
  return { kind: "canceled", reason: "canceled", message: `canceled by ${personOf(principal)}${why}` };
}

function tell(nudges: RunDependencies["nudges"], { ended, told }: Canceled, runId?: string): void {
  for (const attemptId of told) nudges.nudge("attempts", attemptId);
  nudges.nudge("runs", runId);
  // Whoever stood behind one of them in a concurrency group may be next.
  if (ended.length > 0) nudges.nudge("jobs");
}

/** Throws 409 where nobody asks for an approval (any more). */
export async function decideOn(
  { db, nudges }: ActionDependencies,
  jobId: string,
  principal: Principal,
  decision: "approve" | "refuse",
): Promise<void> {
  const given = decision === "approve" ? "given" : "refused";
  const decided = await db.transact(tx => decideApproval(tx, jobId, given, personOf(principal)));
  if (!decided) {
    throw conflict(
      "not-asked",
      `job ${jobId} does not wait for an approval`,
      "look at the job: it was decided already, has not come to it, or needs none",
    );
  }
  nudges.nudge("runs");
  nudges.nudge("jobs");
}
