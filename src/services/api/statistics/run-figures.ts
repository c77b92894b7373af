// Durations, waiting times, slowest steps and cache hits of a project's newest runs. Everything is found by the ids of these
// runs, so that it takes the same whatever the history.

import { cacheRestored, noCacheYet } from "../../../core/cache-notice.ts";
import type { AnswerOf, QueryOf } from "../../../endpoints/endpoint.ts";
import type { getStatistics } from "../../../endpoints/statistics.ts";
import type { Queryable } from "../../../store/database.ts";
import { recentRuns } from "./recent-runs.ts";

type Statistics = AnswerOf<typeof getStatistics>;

/** Of one run: a matrix of thousands of jobs does not weigh on all others. */
const mostJobs = 500;
const mostEvents = 5000;
const mostSteps = 30;

const waited = "greatest(0, extract(epoch from j.started_at - j.queued_at) * 1000)";
const jobsOfRuns = `unnest($1::text[]) as wanted(id) cross join lateral (
    select run_id, class, queued_at, started_at from jobs where run_id = wanted.id limit ${mostJobs}
  ) j where j.started_at is not null and j.queued_at is not null`;
const spreadOf = (value: string) => `
  round(percentile_cont(0.5) within group (order by ${value}))::float8 as median,
  round(percentile_cont(0.9) within group (order by ${value}))::float8 as p90,
  round(max(${value}))::float8 as longest`;

/** Of runs, by class. */
export const waitsStatement = `
  select j.class, count(*)::int as count, ${spreadOf(waited)} from ${jobsOfRuns} group by j.class order by j.class`;
export const waitsOfRunsStatement = `
  select j.run_id, j.class, round(max(${waited}))::float8 as wait from ${jobsOfRuns} group by j.run_id, j.class order by j.class`;

const eventsOfRuns = (what: string) => `unnest($1::text[]) as wanted(id) cross join lateral (
    select attempt_id, run_id, body from events where run_id = wanted.id order by id limit ${mostEvents}
  ) e join attempts a on a.id = e.attempt_id join jobs j on j.id = a.job_id where ${what}`;
const took = "(e.body ->> 'durationMs')::float8";

/** Of runs: steps that have run. */
export const stepsStatement = `
  select j.pipeline, e.body ->> 'name' as step, count(*)::int as times,
    (count(*) filter (where e.body ->> 'outcome' in ('failed', 'timed-out', 'broken')))::int as failed,
    round(sum(${took}))::float8 as total, ${spreadOf(took)}
  from ${eventsOfRuns("e.body ->> 'type' = 'step-finished' and e.body ->> 'outcome' <> 'skipped'")}
  group by j.pipeline, e.body ->> 'name' order by total desc, 1, 2 limit ${mostSteps}`;
/** Of runs, with how a notice begins where there was a cache and where there was none. */
export const cachesStatement = `
  select e.run_id, j.pipeline, (count(*) filter (where starts_with(e.body ->> 'message', $2)))::int as hits,
    (count(*) filter (where starts_with(e.body ->> 'message', $3)))::int as misses
  from ${eventsOfRuns("e.body ->> 'type' = 'notice' and (starts_with(e.body ->> 'message', $2) or starts_with(e.body ->> 'message', $3))")}
  group by e.run_id, j.pipeline order by j.pipeline`;

interface Spread {
  median: number;
  p90: number;
  longest: number;
}

const spread = ({ median, p90, longest }: Spread) => ({
  medianMs: median,
  p90Ms: p90,
  longestMs: longest,
});

export async function runFigures(
  db: Queryable,
  projectId: number,
  query: QueryOf<typeof getStatistics>,
): Promise<Statistics> {
  const runs = await recentRuns(db, projectId, query);
  const ids = runs.map(({ id }) => id);
  const waits = await db.query<{ class: string; count: number } & Spread>(waitsStatement, [ids]);
  const runWaits = await db.query<{ run_id: string; class: string; wait: number }>(waitsOfRunsStatement, [
    ids,
  ]);
  const steps = await db.query<
    { pipeline: string; step: string; times: number; failed: number; total: number } & Spread
  >(stepsStatement, [ids]);
  const caches = await db.query<{ run_id: string; pipeline: string; hits: number; misses: number }>(
    cachesStatement,
    [ids, cacheRestored, noCacheYet],
  );
  const waitsOf = Map.groupBy(runWaits, ({ run_id }) => run_id);
  const cachesOf = Map.groupBy(caches, ({ run_id }) => run_id);
  return {
    runs: runs.map(run => ({
      id: run.id,
      number: run.number,
      branch: run.branch,
      workflow: run.workflow,
      outcome: run.outcome,
      createdAt: run.created_at.toISOString(),
      durationMs: durationOf(run),
      waits: (waitsOf.get(run.id) ?? []).map(each => ({ class: each.class, waitMs: each.wait })),
      cacheHits: sum(cachesOf.get(run.id), "hits"),
      cacheMisses: sum(cachesOf.get(run.id), "misses"),
    })),
    waits: waits.map(({ class: name, count: jobs, ...row }) => ({ class: name, jobs, ...spread(row) })),
    steps: steps.map(({ pipeline, step, times, failed, total, ...row }) => ({
      ...{ pipeline, step, times, failed },
      totalMs: total,
      ...spread(row),
    })),
    caches: [...Map.groupBy(caches, ({ pipeline }) => pipeline)].map(([pipeline, rows]) => ({
      pipeline,
      hits: sum(rows, "hits"),
      misses: sum(rows, "misses"),
    })),
  };
}

function durationOf({
  started_at: from,
  finished_at: to,
}: {
  started_at: Date | null;
  finished_at: Date | null;
}) {
  return from === null || to === null ? null : Math.max(0, to.getTime() - from.getTime());
}

function sum(rows: { hits: number; misses: number }[] | undefined, field: "hits" | "misses"): number {
  return (rows ?? []).reduce((total, row) => total + row[field], 0);
}
