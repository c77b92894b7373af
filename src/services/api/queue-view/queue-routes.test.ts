import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { Principal } from "../../../http/route.ts";
import { type FreshQueue, freshQueue } from "../../../queue/postgres/fixtures/fresh-queue.ts";
import { seedProject, seedRun } from "../../../queue/postgres/fixtures/seed.ts";
import { startTestDatabase, type TestDatabase } from "../../../queue/postgres/fixtures/test-database.ts";
import { workerCalled } from "../../../queue/queue.contract.ts";
import type { Database } from "../../../store/database.ts";
import { queueOfClassStatement, queuePage, queueStatement } from "./queue-list.ts";
import { workerPage, workersStatement } from "./worker-list.ts";

let database: TestDatabase;
let db: Database;
let fresh: FreshQueue;
const admin: Principal = { kind: "user", userId: 0, name: "admin", admin: true };

beforeAll(async () => {
  database = await startTestDatabase();
  db = database.db;
}, 60_000);
afterAll(() => database[Symbol.asyncDispose]());
beforeEach(async () => {
  fresh = await freshQueue(db);
});
afterEach(() => fresh.nudges[Symbol.asyncDispose]());

type Query = Omit<Parameters<typeof queuePage>[2], "limit"> & { limit?: number };

async function all(principal: Principal, query: Query = {}) {
  const items = [];
  let after: string | undefined;
  do {
    const page = await queuePage(db, principal, {
      limit: 3,
      ...query,
      ...(after === undefined ? {} : { after }),
    });
    items.push(...page.items);
    after = page.next;
  } while (after !== undefined);
  return items;
}

test("what runs comes first; pages have no gaps; every job that waits says why", async () => {
  const { project, queue } = fresh;
  const second = await seedProject(db);
  await seedRun(db, project, [{ name: "a" }, { name: "b", state: "waiting" }, { name: "c", class: "gpu" }]);
  await seedRun(
    db,
    second,
    Array.from({ length: 5 }, (_, at) => ({ name: `d${at}` })),
  );
  await queue.claim("w", 1, 0, new AbortController().signal);
  const items = await all(admin);
  expect(items.map(({ state }) => state)).toEqual(["claimed", ...Array(6).fill("queued"), "waiting"]);
  expect(new Set(items.map(({ jobId }) => jobId)).size).toBe(8);
  expect(items.find(({ name }) => name === "c")).toMatchObject({ reason: "class-without-worker" });
  for (const item of items.slice(1)) expect(item.detail).not.toBe("");
  expect(await all(admin, { class: "gpu" })).toHaveLength(1);
  expect(await all(admin, { state: "waiting" })).toHaveLength(1);
  expect(await all(admin, { organisation: second.name.split("/")[0]! })).toHaveLength(5);
  expect(await all(admin, { class: "' or 1=1 --" })).toEqual([]);
});

test("nobody sees the queue of an organisation that is not his", async () => {
  const other = await seedProject(db);
  await seedRun(db, fresh.project, [{ name: "mine" }]);
  await seedRun(db, other, [{ name: "theirs" }]);
  const [user] = await db.query<{ id: number }>(
    "insert into users (name) values ('somebody') on conflict (name) do update set admin = false returning id",
  );
  await db.query(
    `with another as (
       insert into users (name) values ('another') on conflict (name) do update set admin = false returning id
     ) insert into memberships select $1, id, 'owner' from another`,
    [other.organisationId],
  );
  const somebody: Principal = { kind: "user", userId: user!.id, name: "somebody", admin: false };
  expect(await all(somebody)).toEqual([]);
  await db.query("insert into memberships values ($1, $2, 'reader')", [
    fresh.project.organisationId,
    user!.id,
  ]);
  expect((await all(somebody)).map(({ name }) => name)).toEqual(["mine"]);
  await expect(all(somebody, { organisation: other.name.split("/")[0]! })).rejects.toThrow("no organisation");
  const token: Principal = {
    kind: "project",
    tokenId: 1,
    projectId: other.projectId,
    name: "t",
    role: "reader",
  };
  expect((await all(token)).map(({ name }) => name)).toEqual(["theirs"]);
  expect(await all({ kind: "anonymous" })).toEqual([]);
  await expect(all(somebody, { after: "x" })).rejects.toMatchObject({ details: { status: 422 } });
});

test("workers, what they serve, and whether they are alive", async () => {
  await seedRun(db, fresh.project, [{}, {}]);
  await fresh.queue.claim("w", 2, 0, new AbortController().signal);
  await fresh.queue.renew(workerCalled("x", { labels: { zone: "a" } }), []);
  await db.query("update workers set lease_until = now() - interval '1 minute' where id = 'x'");
  const first = await workerPage(db, { limit: 1 });
  expect(first.items).toMatchObject([{ id: "w", running: 2, alive: true }]);
  const second = await workerPage(db, { limit: 1, after: first.next });
  expect(second).toMatchObject({ items: [{ id: "x", running: 0, alive: false, labels: { zone: "a" } }] });
  expect(second.next).toBeUndefined();
});

test("a long queue and a long history are not read for a page", async () => {
  const { project } = fresh;
  const { runId } = await seedRun(db, project, []);
  await db.query(
    `insert into jobs (id, run_id, project_id, organisation_id, name, pipeline, class, state, spec, trusted)
     select lpad(to_hex(n), 24, '0'), $1, $2, $3, 'job-' || n, 'build', 'default',
       case when n % 4 = 0 then 'queued' else 'finished' end, '{}', true from generate_series(1, 40000) n`,
    [runId, project.projectId, project.organisationId],
  );
  await db.query(
    `insert into attempts (id, job_id, run_id, number, state, worker_id, claim_hash, finished_at)
     select id, id, run_id, 1, 'finished', 'w', '', now() from jobs where state = 'finished'`,
  );
  await db.query("vacuum analyze jobs");
  await db.query("analyze attempts");
  const plans: [string, string][] = [
    [queueStatement, "'queued', '{1,2}', 'default', '01', null, 51"],
    [queueOfClassStatement, "'queued', '{1,2}', 'default', '01', null, 51"],
    [workersStatement, "'', 51"],
  ];
  for (const [statement, values] of plans) {
    for (const mode of ["force_custom_plan", "force_generic_plan"]) {
      const plan = await db.transact(async tx => {
        await tx.query(`set local plan_cache_mode = ${mode}`);
        await tx.query(`prepare asked as ${statement}`);
        const rows = await tx.query(`explain execute asked(${values})`);
        await tx.query("deallocate asked");
        return rows.map(row => String(row["QUERY PLAN"])).join("\n");
      });
      expect(plan).not.toMatch(/Seq Scan on (jobs|attempts|runs)/);
      expect(plan).toMatch(/jobs_open|attempts_live/);
    }
  }
});
