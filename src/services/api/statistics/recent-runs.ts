// The newest runs of a project that have ended, which all figures are made of: a walk back along one index.

import type { Queryable } from "../../../store/database.ts";

export interface RecentRun {
  id: string;
  number: number;
  branch: string | null;
  workflow: string | null;
  commit_id: string | null;
  outcome: "passed" | "failed" | "timed-out" | "canceled" | "skipped" | "broken";
  created_at: Date;
  started_at: Date | null;
  finished_at: Date | null;
}

/** So many runs are looked at for those of one workflow. */
const furthest = 2000;
const columns = "id, number, branch, workflow, commit_id, outcome, created_at, started_at, finished_at";
/** A range and not an equality: only one index has its order. What follows filters a bounded number of rows. */
function statementOf(where: string): string {
  return `
  select * from (
    select ${columns}, state from runs where ${where} and id < 'g' order by id desc limit ${furthest}
  ) newest where state = 'finished' and ($2::text is null or workflow = $2) order by id desc limit $3`;
}

/** Of a project, a workflow or null, at most so many. */
export const recentRunsStatement = statementOf("project_id = $1");
/** The same of a branch, which is the fourth value. */
export const recentRunsOfBranchStatement = statementOf("project_id = $1 and branch = $4");

/** The oldest first. */
export async function recentRuns(
  db: Queryable,
  projectId: number,
  { branch, workflow, runs }: { branch?: string | undefined; workflow?: string | undefined; runs: number },
): Promise<RecentRun[]> {
  const values = [projectId, workflow ?? null, runs];
  const rows = await (branch === undefined
    ? db.query<RecentRun>(recentRunsStatement, values)
    : db.query<RecentRun>(recentRunsOfBranchStatement, [...values, branch]));
  return rows.reverse();
}
