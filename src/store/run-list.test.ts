import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { emptyTables, type SeedProject, seedProject } from "../queue/postgres/fixtures/seed.ts";
import { startTestDatabase, type TestDatabase } from "../queue/postgres/fixtures/test-database.ts";
import type { Database } from "./database.ts";
import { seedHistory } from "./fixtures/run-history.ts";
import {
  allStatement,
  branchStatement,
  commitPageStatement,
  commitsStatement,
  listRunIds,
  type RunFilters,
  sliceStatements,
} from "./run-list.ts";
import { runsStatement } from "./run-rows.ts";

let database: TestDatabase;
let db: Database;
let projects: SeedProject[];
let rows: Row[];

interface Row {
  id: string;
  project_id: number;
  branch: string | null;
  workflow: string | null;
  outcome: string | null;
  state: string;
  person: string | null;
  event: string;
  commit_id: string;
}

beforeAll(async () => {
  database = await startTestDatabase();
  db = database.db;
  await emptyTables(db);
  projects = [await seedProject(db), await seedProject(db), await seedProject(db)];
  await seedHistory(db, { projects, runs: 60_000, jobsPerRun: 1 });
  // The newest ones are still under way.
  await db.query(
    `update runs set outcome = null, state = case when number % 3 = 0 then 'planning' else 'running' end
     where id in (select id from runs order by id desc limit 30)`,
  );
  await db.query("vacuum analyze runs");
  await db.query("analyze jobs");
  rows = await db.query<Row>(
    "select id, project_id, branch, workflow, outcome, state, person, event, commit_id from runs order by id desc",
  );
}, 120_000);
afterAll(() => database[Symbol.asyncDispose]());

/** What the list is to answer, said in the plainest way. */
function expected(filters: RunFilters, after?: string): string[] {
  const { projectId, branch, workflow, outcome, state, person, event, commit } = filters;
  return rows
    .filter(
      row =>
        row.project_id === projectId &&
        (after === undefined || row.id < after) &&
        (branch === undefined || row.branch === branch) &&
        (workflow === undefined || (row.workflow ?? "") === workflow) &&
        (outcome === undefined || row.outcome === outcome) &&
        (state === undefined || row.state === state) &&
        (person === undefined || row.person === person) &&
        (event === undefined || row.event === event) &&
        (commit === undefined || row.commit_id.startsWith(commit)),
    )
    .map(({ id }) => id);
}

const perhaps = <Value>(...values: Value[]) =>
  fc.option(fc.constantFrom(...values), { nil: undefined, freq: 2 });

test("any filters together answer what they say, on any page", async () => {
  const filters = fc.record({
    place: fc.nat(2),
    branch: perhaps("main", "rare", "fix-20", "never", "'; drop table runs; --"),
    workflow: perhaps("ci", "deploy", "", "never"),
    outcome: perhaps("passed", "failed", "broken"),
    state: perhaps("planning" as const, "running" as const, "finished" as const),
    person: perhaps("person-0", "person-6", "visitor", "never", "%"),
    event: perhaps("push", "schedule", "manual"),
    commit: fc.option(
      fc.nat(rows.length - 1).map(at => rows[at]!.commit_id.slice(0, 7)),
      { nil: undefined, freq: 4 },
    ),
    at: fc.option(fc.nat(rows.length - 1), { nil: undefined }),
  });
  await fc.assert(
    fc.asyncProperty(filters, async ({ place, at, ...asked }) => {
      const given = Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined));
      const wanted = { projectId: projects[place]!.projectId, ...given };
      const after = at === undefined ? undefined : rows[at]!.id;
      const page = { limit: 20, ...(after === undefined ? {} : { after }) };
      expect(await listRunIds(db, wanted, page)).toEqual(expected(wanted, after).slice(0, 21));
    }),
    { numRuns: 300 },
  );
}, 60_000);

test("a commit that many runs have, and a prefix that many commits have", async () => {
  const [{ projectId }] = projects as [SeedProject];
  await db.query("update runs set commit_id = 'abcdef0' || left(commit_id, 30) where id = any($1)", [
    rows
      .filter(row => row.project_id === projectId)
      .slice(0, 80)
      .map(({ id }) => id),
  ]);
  rows = await db.query<Row>(
    "select id, project_id, branch, workflow, outcome, state, person, event, commit_id from runs order by id desc",
  );
  for (const more of [{}, { outcome: "passed" }, { branch: "main" }, { person: "person-0", event: "push" }]) {
    const wanted = { projectId, commit: "abcdef0", ...more };
    const ids = await listRunIds(db, wanted, { limit: 10 });
    expect(ids).toEqual(expected(wanted).slice(0, 11));
    expect(ids.length).toBeGreaterThan(0);
  }
});

const statements = (
  [
    ["project", "runs_by_facets", []],
    ["branch", "runs_by_branch_facets", ["main"]],
    ["person", "runs_by_person_facets", ["visitor"]],
    ["both", "runs_by_branch_person_facets", ["main", "visitor"]],
    ["commit", "runs_by_commit_facets", ["abcdef0"]],
  ] as const
).flatMap(([slice, index, values]) => {
  const { facets, page } = sliceStatements[slice];
  return [
    { name: `facets of ${slice}`, index, text: facets, values: [1, ...values, "", "~"] as unknown[] },
    { name: `page of ${slice}`, index, text: page, values: [1, ...values, ["passed push ci"], "g", 51] },
  ];
});
const others = [
  { name: "all", index: "runs_by_project", text: allStatement, values: [1, "g", 51] },
  { name: "a branch", index: "runs_by_branch", text: branchStatement, values: [1, "never", "g", 51] },
  {
    name: "commits",
    index: "runs_by_commit_facets",
    text: commitsStatement,
    values: [1, "abcdef0", "abcdef0g"],
  },
  {
    name: "page of a commit",
    index: "runs_by_commit_facets",
    text: commitPageStatement,
    values: [1, "abcdef0", ["passed push ci"], "g", 51, "main", null],
  },
  { name: "rows", index: "runs_pkey", text: runsStatement, values: [["0".repeat(24)]] },
];

test.each([...statements, ...others])(
  "$name: the plan walks along $index, for these values and for any",
  async ({ text, values, index }) => {
    const modes = ["force_custom_plan", "force_generic_plan"];
    // As a server has it whose disks turn, and as one has it whose do not.
    const costs = [4, 1.1];
    for (const [mode, cost] of modes.flatMap(each => costs.map(cost => [each, cost] as const))) {
      const plan = await db.transact(async tx => {
        await tx.query(`set local plan_cache_mode = ${mode}`);
        await tx.query(`set local random_page_cost = ${cost}`);
        await tx.query(`prepare asked as ${text}`);
        const explained = await tx.query(`explain execute asked(${values.map(literal).join(", ")})`);
        await tx.query("deallocate asked");
        return explained.map(row => String(row["QUERY PLAN"])).join("\n");
      });
      expect(plan).not.toMatch(/Seq Scan on (runs|jobs|events|log_index)/);
      const used = [...plan.matchAll(/(?:using|Index Scan on) (runs_\w+)/g)].map(([, name]) => name);
      expect(new Set(used)).toEqual(new Set([index]));
      // Sorting the page is fine, sorting what a filter leaves is not: but for a commit, which leaves little.
      if (text !== commitPageStatement)
        expect(plan).not.toMatch(/Bitmap|Incremental Sort|Sort Key: runs\.[^i]/);
    }
  },
);

function literal(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return `'{${value.map(each => `"${each}"`).join(",")}}'`;
  return typeof value === "number" ? String(value) : `'${String(value)}'`;
}
