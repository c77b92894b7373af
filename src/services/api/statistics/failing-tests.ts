// Tests that have failed within a project's newest runs, and which of them are flaky. Failing ones are found run by run along
// the index of failures, and only of those is the history looked up.

import type { AnswerOf, QueryOf } from "../../../endpoints/endpoint.ts";
import type { listFailingTests } from "../../../endpoints/statistics.ts";
import type { Queryable } from "../../../store/database.ts";
import { type RecentRun, recentRuns } from "./recent-runs.ts";

type Answer = AnswerOf<typeof listFailingTests>;
type TestOutcome = Answer["tests"][number]["outcome"];

const mostTests = 200;
/** Of one run: a run in which everything fails says nothing of a single test. */
const mostFailures = 300;
const messageLength = 2000;
/** So many changes between passing and failing are no progress any more. */
const flakyChanges = 3;

/** Of runs: which tests have failed, those that failed in the newest run first. One more than is shown. */
export const failedTestsStatement = `
  select f.suite, f.name, max(f.run_id) as run_id, (array_agg(left(f.message, ${messageLength}) order by f.run_id desc))[1] as message
  from unnest($1::text[]) as wanted(id) cross join lateral (
    select suite, name, run_id, message from test_results where run_id = wanted.id and outcome = 'failed'
    order by job_id, suite, name limit ${mostFailures}
  ) f group by f.suite, f.name order by max(f.run_id) desc, f.suite, f.name limit ${mostTests + 1}`;
/** Of a project, suites and names, and runs, the first and the last of which bound it. */
export const historiesStatement = `
  select t.suite, t.name, t.run_id, t.outcome, t.duration_ms
  from unnest($2::text[], $3::text[]) as wanted(suite, name) cross join lateral (
    select suite, name, run_id, outcome, duration_ms from test_results
    where project_id = $1 and suite = wanted.suite and name = wanted.name and run_id >= $5 and run_id <= $6
    order by run_id desc limit 1000
  ) t where t.run_id = any($4)`;

interface FailedRow {
  suite: string;
  name: string;
  run_id: string;
  message: string;
}
interface HistoryRow {
  suite: string;
  name: string;
  run_id: string;
  outcome: TestOutcome;
  duration_ms: number | null;
}

export async function failingTests(
  db: Queryable,
  projectId: number,
  query: QueryOf<typeof listFailingTests>,
): Promise<Answer> {
  const runs = await recentRuns(db, projectId, query);
  const ids = runs.map(({ id }) => id);
  const failed = await db.query<FailedRow>(failedTestsStatement, [ids]);
  const shown = failed.slice(0, mostTests);
  const rows =
    shown.length === 0
      ? []
      : await db.query<HistoryRow>(historiesStatement, [
          projectId,
          shown.map(({ suite }) => suite),
          shown.map(({ name }) => name),
          ids,
          ids[0],
          ids.at(-1),
        ]);
  const histories = Map.groupBy(rows, keyOf);
  const numbers = new Map(runs.map(({ id, number }) => [id, number]));
  const tests = shown.map(({ suite, name, run_id, message }) => {
    const own = histories.get(keyOf({ suite, name })) ?? [];
    return { suite, name, message, failedIn: numbers.get(run_id)!, ...storyOf(own, runs) };
  });
  return {
    runs: runs.map(({ id, number, branch, created_at }) => ({
      ...{ id, number, branch },
      createdAt: created_at.toISOString(),
    })),
    cut: failed.length > mostTests,
    // What fails now comes first; the order within stays.
    tests: tests.sort((a, b) => Number(b.outcome === "failed") - Number(a.outcome === "failed")),
  };
}

function keyOf({ suite, name }: { suite: string; name: string }): string {
  return JSON.stringify([suite, name]);
}

/** What the results of one test in some runs, in any order, come to. Pure. */
export function storyOf(
  rows: readonly Pick<HistoryRow, "run_id" | "outcome" | "duration_ms">[],
  runs: readonly RecentRun[],
) {
  const byRun = Map.groupBy(rows, ({ run_id }) => run_id);
  const history: { run: number; outcome: TestOutcome; commit: string | null }[] = [];
  for (const { id, number, commit_id } of runs) {
    const own = byRun.get(id);
    if (own !== undefined) history.push({ run: number, outcome: together(own), commit: commit_id });
  }
  const decided = history.filter(({ outcome }) => outcome !== "skipped");
  const changes = decided.filter(({ outcome }, at) => at > 0 && outcome !== decided[at - 1]!.outcome).length;
  const times = rows
    .flatMap(({ duration_ms }) => (duration_ms === null ? [] : [duration_ms]))
    .sort((a, b) => a - b);
  return {
    outcome: history.at(-1)?.outcome ?? ("failed" as const),
    failed: decided.filter(({ outcome }) => outcome === "failed").length,
    passed: decided.filter(({ outcome }) => outcome === "passed").length,
    flaky: changes >= flakyChanges || hasBothOnOneCommit(decided),
    medianMs: times[Math.floor(times.length / 2)] ?? null,
    history: history.map(({ run, outcome }) => ({ run, outcome })),
  };
}

/** Of the jobs of a run that have the same test, one that fails decides. */
function together(rows: readonly { outcome: TestOutcome }[]): TestOutcome {
  if (rows.some(({ outcome }) => outcome === "failed")) return "failed";
  return rows.some(({ outcome }) => outcome === "passed") ? "passed" : "skipped";
}

function hasBothOnOneCommit(history: readonly { outcome: TestOutcome; commit: string | null }[]): boolean {
  const known = new Map<string, TestOutcome>();
  for (const { outcome, commit } of history) {
    if (commit === null) continue;
    if (known.has(commit) && known.get(commit) !== outcome) return true;
    known.set(commit, outcome);
  }
  return false;
}
