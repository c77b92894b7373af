// Test results of a run, failing first, and of one test over the runs of a project.

import type { QueryOf } from "../../../endpoints/endpoint.ts";
import type { listTests, testHistory } from "../../../endpoints/results.ts";
import type { Queryable } from "../../../store/database.ts";
import { afterParts, packedKey, pageFrom } from "../page.ts";

type TestOutcome = "passed" | "failed" | "skipped";

interface TestRow {
  job_id: string;
  suite: string;
  name: string;
  outcome: TestOutcome;
  duration_ms: number | null;
  message: string;
}

const columns = "job_id, suite, name, outcome, duration_ms, message";
/** `failed` comes first in the alphabet, so the index gives the order. */
export const testsStatement = `
  select ${columns} from test_results
  where run_id = $1 and (outcome, job_id, suite, name) > ($2, $3, $4, $5)
  order by outcome, job_id, suite, name limit $6`;
export const testsOfOutcomeStatement = `
  select ${columns} from test_results
  where run_id = $1 and outcome = $2 and (job_id, suite, name) > ($3, $4, $5)
  order by job_id, suite, name limit $6`;

export async function testPage(
  db: Queryable,
  runId: string,
  { after, limit, outcome }: QueryOf<typeof listTests>,
) {
  const [from = "", jobId = "", suite = "", name = ""] = afterParts(after, 4) ?? [];
  const values = [runId, outcome ?? from, jobId, suite, name, limit + 1];
  const statement = outcome === undefined ? testsStatement : testsOfOutcomeStatement;
  const rows = await db.query<TestRow>(statement, values);
  return pageFrom(
    rows,
    limit,
    row => ({
      jobId: row.job_id,
      suite: row.suite,
      name: row.name,
      outcome: row.outcome,
      durationMs: row.duration_ms,
      message: row.message,
    }),
    row => packedKey([row.outcome, row.job_id, row.suite, row.name]),
  );
}

interface HistoryRow {
  run_id: string;
  job_id: string;
  number: number;
  branch: string | null;
  outcome: TestOutcome;
  duration_ms: number | null;
}

/** A matrix may have the test several times in one run. */
export const historyStatement = `
  select t.run_id, t.job_id, r.number, r.branch, t.outcome, t.duration_ms
  from (
    select run_id, job_id, outcome, duration_ms from test_results
    where project_id = $1 and suite = $2 and name = $3 and run_id <= $4 and (run_id, job_id) < ($4, $5)
    order by run_id desc, job_id desc limit $6
  ) t join runs r on r.id = t.run_id order by t.run_id desc, t.job_id desc`;

/** Greater than every id. */
const last = "g";

export async function historyPage(
  db: Queryable,
  projectId: number,
  { after, limit, suite, name }: QueryOf<typeof testHistory>,
) {
  const [runId = last, jobId = last] = afterParts(after, 2) ?? [];
  const rows = await db.query<HistoryRow>(historyStatement, [
    projectId,
    suite,
    name,
    runId,
    jobId,
    limit + 1,
  ]);
  return pageFrom(
    rows,
    limit,
    row => ({
      runId: row.run_id,
      runNumber: row.number,
      branch: row.branch,
      outcome: row.outcome,
      durationMs: row.duration_ms,
    }),
    row => packedKey([row.run_id, row.job_id]),
  );
}
