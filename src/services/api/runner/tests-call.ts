// Takes test cases out of a job's reports: rows with a history per test.

import { type StoredAnswer, testsBody } from "../../../endpoints/runner.ts";
import { type RunnerCall, stale } from "./call.ts";
import { maxBatchBytes } from "./events-call.ts";
import { answerJson, readJson } from "./wire.ts";

/** Of a whole job. */
export const maxCases = 50_000;
/** Bytes: both are part of an index, whose entries are bounded. */
const suiteBytes = 500;
const nameBytes = 1500;

interface Case {
  suite: string;
  name: string;
  outcome: "passed" | "failed" | "skipped";
  durationMs: number | null;
  message: string;
}

const insertStatement = `
  with live as (
    select attempts.run_id, attempts.job_id, jobs.project_id from attempts join jobs on jobs.id = job_id
    where attempts.id = $1 and epoch = $2 and attempts.state <> 'finished'
  ), room as (
    select ${maxCases} - count(*) as cases from live
    join test_results on test_results.run_id = live.run_id and test_results.job_id = live.job_id
  ), kept as (
    insert into test_results (project_id, run_id, job_id, suite, name, outcome, duration_ms, message)
    select project_id, run_id, job_id, test.suite, test.name, test.outcome, test.ms, test.message
    from live cross join room, unnest($3::text[], $4::text[], $5::text[], $6::int[], $7::text[])
      with ordinality as test(suite, name, outcome, ms, message, place)
    where place <= room.cases or exists (
      select 1 from test_results known where known.run_id = live.run_id and known.job_id = live.job_id
        and known.suite = test.suite and known.name = test.name)
    on conflict (run_id, job_id, suite, name) do update set outcome = excluded.outcome,
      duration_ms = excluded.duration_ms, message = excluded.message
    returning 1
  )
  select (select count(*) from kept) as stored from live`;

/** `POST tests`: answers how many of these were kept. The same case again replaces what was known of it. */
export async function testsCall(call: RunnerCall): Promise<void> {
  const { db, clock } = call.deps;
  const { epoch, cases } = await readJson(call.request, testsBody, maxBatchBytes, clock);
  const kept = withoutDoubles(cases);
  const [row] = await db.query<{ stored: number }>(insertStatement, [
    call.attempt.attemptId,
    epoch,
    kept.map(test => test.suite),
    kept.map(test => test.name),
    kept.map(test => test.outcome),
    kept.map(test => (test.durationMs === null ? null : Math.round(test.durationMs))),
    kept.map(test => test.message),
  ]);
  if (row === undefined) throw stale();
  answerJson(call.response, 200, row satisfies StoredAnswer);
}

/** Frameworks name several cases alike. One that fails counts, then the last. */
function withoutDoubles(cases: readonly Case[]): Case[] {
  const byName = new Map<string, Case>();
  for (const each of cases) {
    const test = { ...each, suite: cutBytes(each.suite, suiteBytes), name: cutBytes(each.name, nameBytes) };
    const id = JSON.stringify([test.suite, test.name]);
    if (byName.get(id)?.outcome !== "failed" || test.outcome === "failed") byName.set(id, test);
  }
  return [...byName.values()];
}

/** At most so many bytes of UTF-8, no character halved. */
function cutBytes(text: string, maxBytes: number): string {
  if (text.length * 3 <= maxBytes) return text;
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(maxBytes));
  return text.slice(0, read);
}
