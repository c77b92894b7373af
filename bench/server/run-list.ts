// How long a page of a project's runs takes behind a long history: every filter, the first page, a page deep in the past,
// and the page after one. Measured is the handler of the endpoint as a function: finding the ids, reading the rows, and looking
// up why what has not ended waits; not the HTTP around it.

import { type SeedProject, seedProject } from "../../src/queue/postgres/fixtures/seed.ts";
import { startTestDatabase } from "../../src/queue/postgres/fixtures/test-database.ts";
import { runPage } from "../../src/services/api/runs/list-runs.ts";
import type { Database } from "../../src/store/database.ts";
import { seedHistory } from "../../src/store/fixtures/run-history.ts";
import type { RunFilters } from "../../src/store/run-list.ts";
import type { Figure } from "../local/figure.ts";

const runs = 1_000_000;
const jobsPerRun = 5;
const projects = 40;
const pageSize = 50;
const rounds = 6;

/** Figures of the list of runs. Takes some minutes, nearly all of them to fill the tables. */
export async function runList(): Promise<Figure[]> {
  await using database = await startTestDatabase({
    settings: { fsync: "on", wal_level: "minimal", max_wal_senders: "0", max_wal_size: "8GB" },
  });
  const { db } = database;
  const began = performance.now();
  const projectIds = await fill(db);
  const seconds = (performance.now() - began) / 1000;
  const times = new Map<string, number[]>();
  const asked = [
    ...combinations(projectIds[0]!),
    ...manyWorkflows.map((filters): Asked => [`${textOf(filters)}, 300 workflows`, projectIds[1]!, filters]),
  ];
  for (let round = 0; round < rounds; round++) {
    for (const [name, projectId, filters] of asked) {
      for (const [page, after] of pages) {
        const next = await timed(db, projectId, filters, after, times, `${name}, ${page}`);
        if (next !== undefined) await timed(db, projectId, filters, next, times, `${name}, page after`);
      }
    }
  }
  // What is not in any memory yet is part of a first visit, not of every one.
  const all = [...times.values()].flatMap(each => each.slice(1));
  const worst = [...times].map(([name, each]) => ({ name, p99: quantile(each.slice(1), 0.99) }));
  const slowest = worst.reduce((a, b) => (b.p99 > a.p99 ? b : a));
  const behind = `of ${runs / 1e6} million runs`;
  return [
    figure(`page ${behind}, ${all.length} lists, p50`, quantile(all, 0.5), "ms", ""),
    figure(`page ${behind}, ${all.length} lists, p99`, quantile(all, 0.99), "ms", "<= 60"),
    figure(`slowest list (${slowest.name}), p99`, slowest.p99, "ms", "<= 60"),
    figure("slowest first visit", Math.max(...[...times.values()].map(each => each[0]!)), "ms", ""),
    figure(`filling in ${runs * jobsPerRun} jobs`, seconds, "s", ""),
  ];
}

/** Pages that begin now, and where nearly all of history is newer. Ids begin with the time. */
const pages: [string, string | undefined][] = [
  ["first page", undefined],
  ["deep page", idAt(50_000)],
];

function idAt(n: number): string {
  return (1_700_000_000_000 + n * 1000).toString(16).padStart(12, "0").padEnd(24, "0");
}

type Filters = Omit<RunFilters, "projectId" | "outcome" | "event"> & {
  outcome?: "passed" | "broken";
  event?: "push" | "schedule";
};
type Asked = [name: string, projectId: number, filters: Filters];

/** Of a project with hundreds of workflows: what takes many values is put together from many places. */
const manyWorkflows: Filters[] = [
  { outcome: "passed" },
  { outcome: "broken" },
  { event: "push" },
  { branch: "main", state: "finished" },
  { person: "person-0" },
];

/** Every set of filters, with values that are common, rare, or never there together. */
function combinations(projectId: number): Asked[] {
  const choices: Filters[][] = [
    [{}, { branch: "main" }, { branch: "rare" }, { branch: "never" }],
    [{}, { workflow: "ci" }, { workflow: "" }],
    [{}, { outcome: "passed" }, { outcome: "broken" }, { state: "finished" }, { state: "running" }],
    [{}, { person: "person-0" }, { person: "visitor" }, { person: "never" }],
    [{}, { event: "push" }, { event: "schedule" }],
    [{}, { commit: "c4ca423" }],
  ];
  const sets = choices.reduce<Filters[]>(
    (before, next) => before.flatMap(each => next.map(more => ({ ...each, ...more }))),
    [{}],
  );
  return sets.map(filters => [textOf(filters), projectId, filters]);
}

function textOf(filters: Filters): string {
  const text = Object.entries(filters).map(([key, value]) => `${key}=${value}`);
  return text.join(" ") || "all";
}

/** Answers where the next page begins. */
async function timed(
  db: Database,
  projectId: number,
  filters: Filters,
  after: string | undefined,
  times: Map<string, number[]>,
  name: string,
): Promise<string | undefined> {
  const began = performance.now();
  const query = { ...filters, limit: pageSize, ...(after === undefined ? {} : { after }) };
  const { next } = await runPage(db, projectId, query);
  const took = performance.now() - began;
  times.set(name, [...(times.get(name) ?? []), took]);
  return next;
}

/** The newest runs of the first project have not ended: their jobs stand in the queue. */
const unfinished = `
  with newest as (
    update runs set state = 'running', outcome = null, started_at = null, finished_at = null
    where id in (select id from runs where project_id = $1 order by id desc limit 400) returning id
  )
  update jobs set state = 'queued', outcome = null, finished_at = null from newest where run_id = newest.id`;

async function fill(db: Database): Promise<number[]> {
  const seeded: SeedProject[] = [];
  for (let at = 0; at < projects; at++) seeded.push(await seedProject(db));
  const indexes = await db.query<{ name: string; definition: string }>(
    `select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as definition from pg_index
     where indrelid in ('runs'::regclass, 'jobs'::regclass)
       and not exists (select 1 from pg_constraint where conindid = indexrelid)`,
  );
  for (const { name } of indexes) await db.query(`drop index ${name}`);
  // Without checks of foreign keys and triggers: all rows are made of each other.
  await db.transact(async tx => {
    await tx.query("set local session_replication_role = replica");
    await seedHistory(tx, { projects: seeded, runs, jobsPerRun });
  });
  await db.transact(async tx => {
    await tx.query("set local maintenance_work_mem = '512MB'");
    for (const { definition } of indexes) await tx.query(definition);
  });
  await db.query(unfinished, [seeded[0]!.projectId]);
  await db.query("vacuum analyze runs");
  await db.query("analyze jobs");
  await db.query("checkpoint");
  return seeded.map(({ projectId }) => projectId);
}

function quantile(values: number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN;
}

function figure(metric: string, value: number, unit: string, goal: string): Figure {
  return { bench: "run-list", metric, value, unit, goal };
}
