import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { pack } from "tar-stream";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { openFileBlobs } from "../../../blobs/file-blobs.ts";
import { systemClock } from "../../../lib/clock.ts";
import { type FreshQueue, freshQueue } from "../../../queue/postgres/fixtures/fresh-queue.ts";
import { seedRun } from "../../../queue/postgres/fixtures/seed.ts";
import { startTestDatabase, type TestDatabase } from "../../../queue/postgres/fixtures/test-database.ts";
import { exchangeClaim } from "../../../queue/postgres/runner-writes.ts";
import { workerCalled } from "../../../queue/queue.contract.ts";
import type { Database } from "../../../store/database.ts";
import { newId } from "../../../store/new-id.ts";
import { openSecretBox } from "../../../store/secret-box.ts";
import { type ServedRoutes, serveRoutes } from "../fixtures/serve-routes.ts";
import type { RunDependencies } from "./dependencies.ts";
import { runRoutes } from "./run-routes.ts";
import type { JobSummary, RunSummary } from "./run-summary.ts";
import { openRunWatch } from "./run-watch.ts";

let database: TestDatabase;
let db: Database;
let fresh: FreshQueue;
let served: ServedRoutes;
let deps: RunDependencies;
let runs: string;
const signal = new AbortController().signal;
const box = openSecretBox([randomBytes(32)]);
let directory: string;

beforeAll(async () => {
  database = await startTestDatabase();
  db = database.db;
  directory = await mkdtemp(path.join(tmpdir(), "slipway-runs-"));
}, 60_000);
afterAll(async () => {
  await database[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});
beforeEach(async () => {
  fresh = await freshQueue(db);
  const { nudges } = fresh;
  deps = {
    db,
    nudges,
    box,
    clock: systemClock,
    blobs: await openFileBlobs(directory, () => randomBytes(8).toString("hex")),
    watch: openRunWatch({ db, nudges, clock: systemClock }),
    random: () => randomBytes(12).toString("hex"),
  };
  served = await serveRoutes(db, runRoutes(deps));
  runs = `/api/v1/projects/${fresh.project.name}/runs`;
});
afterEach(async () => {
  await served[Symbol.asyncDispose]();
  await deps.watch[Symbol.asyncDispose]();
  await fresh.nudges[Symbol.asyncDispose]();
});

const start = (body: object, as: "maintainer" | "reporter" = "maintainer", name = "somebody") =>
  served.call<RunSummary & { code: string; hint: string }>("POST", runs, { as, name, body });

async function withRepository(): Promise<void> {
  await db.query("update projects set repository = 'https://git.test/app.git'");
}

async function archive(content = "hello"): Promise<Buffer> {
  const tar = pack();
  tar.entry({ name: "file.txt" }, content);
  tar.finalize();
  const parts: Buffer[] = [];
  for await (const part of tar) parts.push(part as Buffer);
  return zstdCompressSync(Buffer.concat(parts));
}

async function send(
  body: Uint8Array,
  name = "somebody",
): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(`${served.url}/api/v1/projects/${fresh.project.name}/sources`, {
    method: "POST",
    headers: { "x-role": "reporter", "x-name": name, "content-type": "application/zstd" },
    body: new Uint8Array(body),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

describe("starting", () => {
  test("a project without a repository needs a source, and the answer says how to send one", async () => {
    const refused = await start({});
    expect(refused).toMatchObject({ status: 422, body: { code: "no-source" } });
    expect(refused.body.hint).toContain("slipway run --remote");
    expect(await db.query("select 1 from runs")).toEqual([]);
  });

  test("a run of nothing in particular is of the default branch, and waits to be planned", async () => {
    await withRepository();
    const { status, body } = await start({ variables: { TARGET: "it's; drop table runs" }, priority: 7 });
    expect(status).toBe(201);
    expect(body).toMatchObject({
      number: 1,
      event: "manual",
      branch: "main",
      person: "somebody",
      trusted: true,
      state: "planning",
      reason: "planning",
      detail: "It is being planned.",
    });
    const [row] = await db.query<{ trigger_variables: Buffer; priority: number }>(
      "select trigger_variables, priority from runs",
    );
    expect(row!.trigger_variables.includes("drop table")).toBe(false);
    expect(JSON.parse(Buffer.from(box.open(row!.trigger_variables)).toString())).toEqual({
      TARGET: "it's; drop table runs",
    });
    expect(row!.priority).toBe(7);
  });

  test("contradictions are refused", async () => {
    await withRepository();
    expect(await start({ workflow: "a", pipeline: "b" })).toMatchObject({ status: 422 });
    expect(await start({ branch: "a", tag: "b" })).toMatchObject({ status: 422 });
    expect(await start({ variables: { "1X": "" } })).toMatchObject({ status: 422 });
  });

  test("whoever is no maintainer starts trusted runs of what stands in the repository, and of nothing else", async () => {
    await withRepository();
    expect(await start({ branch: "fix" }, "reporter")).toMatchObject({ body: { trusted: true } });
    const commit = "0123456789abcdef0123456789abcdef01234567";
    expect(await start({ commit }, "reporter")).toMatchObject({ body: { trusted: false } });
    expect(await start({ commit }, "maintainer")).toMatchObject({ body: { trusted: true } });
    expect(await start({ commit }, "reporter")).toMatchObject({ body: { trusted: true } });
    expect(await start({ commit, branch: "main" }, "reporter")).toMatchObject({ body: { trusted: false } });
    const { body } = await send(await archive());
    expect(await start({ source: body.source }, "reporter")).toMatchObject({ body: { trusted: false } });
    expect(await start({ source: body.source })).toMatchObject({ body: { trusted: true } });
  });

  test("a source is its sender's alone, and of its project", async () => {
    const { status, body } = await send(await archive(), "somebody");
    expect(status).toBe(201);
    expect(body.bytes).toBeGreaterThan(20);
    const source = body.source as string;
    expect(await start({ source }, "maintainer", "another")).toMatchObject({
      body: { code: "unknown-source" },
    });
    expect(await start({ source: "source/nothing" })).toMatchObject({ body: { code: "unknown-source" } });
    expect(await start({ source: "'; drop table blobs; --" })).toMatchObject({ status: 422 });
    const before = await db.query("select unnamed_since is null as named from blobs");
    expect(before).toEqual([{ named: false }]);
    expect(await start({ source })).toMatchObject({ status: 201 });
    const [row] = await db.query<{ source_key: string }>("select source_key from runs");
    expect(row!.source_key).toBe(source);
    expect(await db.query("select unnamed_since is null as named from blobs")).toEqual([{ named: true }]);
    await db.query("update sent_sources set project_id = project_id where blob_key = $1", [source]);
  });

  test("only archives are kept, and nothing of what was broken off", async () => {
    const cases = [
      Buffer.from("plain text"),
      Buffer.alloc(0),
      zstdCompressSync(Buffer.from("no archive".repeat(200))),
      (await archive()).subarray(0, 12),
      zstdCompressSync(randomBytes(300_000)),
    ];
    for (const body of cases) {
      expect(await send(body)).toMatchObject({ status: 422 });
    }
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 2000 }), async bytes => {
        const body = Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), bytes]);
        expect((await send(body)).status).toBe(422);
      }),
      { numRuns: 50 },
    );
    expect(await db.query("select 1 from blobs")).toEqual([]);
    expect(await send(zstdCompressSync(Buffer.alloc(1024)))).toMatchObject({ status: 201 });
    expect(await send(await archive("x".repeat(3_000_000)))).toMatchObject({ status: 201 });
  });

  const upload = "upload-of-a-tree-1";
  const part = async (number: number, body: Uint8Array, name = "somebody") => {
    const where = `${served.url}/api/v1/projects/${fresh.project.name}/uploads/${upload}/${number}`;
    const headers = { "x-role": "reporter", "x-name": name, "content-type": "application/octet-stream" };
    const response = await fetch(where, { method: "PUT", headers, body: new Uint8Array(body) });
    return response.status;
  };
  const finish = (parts: number, name = "somebody") =>
    served.call<{ source: string; bytes: number; code: string }>(
      "POST",
      `/api/v1/projects/${fresh.project.name}/uploads/${upload}`,
      { as: "reporter", name, body: { parts } },
    );

  test("a source in parts is put together, also of parts that came twice and out of order, and the parts go", async () => {
    const body = await archive(randomBytes(3_000_000).toString("hex"));
    const cut = 2 ** 20;
    const pieces = Array.from({ length: Math.ceil(body.length / cut) }, (_, index) =>
      body.subarray(index * cut, (index + 1) * cut),
    );
    expect(pieces.length).toBeGreaterThan(2);
    expect(await part(1, pieces[1]!)).toBe(200);
    expect(await part(0, Buffer.from("something else"))).toBe(200);
    expect(await finish(pieces.length)).toMatchObject({ status: 409, body: { code: "incomplete" } });
    for (const [index, piece] of pieces.entries()) expect(await part(index, piece)).toBe(200);
    const { status, body: answer } = await finish(pieces.length);
    expect([status, answer.bytes]).toEqual([201, body.length]);
    const kept: Buffer[] = [];
    const signal = new AbortController().signal;
    for await (const piece of (await deps.blobs.get(answer.source, { signal }))!)
      kept.push(Buffer.from(piece));
    expect(Buffer.concat(kept).equals(body)).toBe(true);
    const keys = await db.query<{ key: string }>("select key from blobs");
    expect(keys.map(({ key }) => key)).toEqual([answer.source]);
    expect(await start({ source: answer.source })).toMatchObject({ status: 201 });
  });

  test("parts are their sender's alone, bounded, and no archive is no source", async () => {
    expect(await part(0, await archive())).toBe(200);
    expect(await finish(1, "another")).toMatchObject({ status: 409, body: { code: "incomplete" } });
    expect(await part(0, Buffer.alloc(2 ** 20 + 1))).toBe(413);
    expect(await part(2048, Buffer.alloc(1))).toBe(404);
    expect(await part(0, Buffer.from("plain text"))).toBe(200);
    expect(await finish(1)).toMatchObject({ status: 422, body: { code: "not-an-archive" } });
    await db.query("update blobs set bytes = $1", [30 * 2 ** 30]);
    expect(await part(1, Buffer.alloc(1))).toBe(429);
  });

  test("too much that waits is refused", async () => {
    await send(await archive());
    await db.query("update blobs set bytes = $1", [30 * 2 ** 30]);
    expect(await send(await archive())).toMatchObject({ status: 429, body: { code: "sources-waiting" } });
  });

  test("the same again: commit, source, variables and trust stay, the person is the one who asks", async () => {
    const sent = await send(await archive());
    const variables = { A: "1" };
    const first = await start(
      { source: sent.body.source, variables, workflow: "ci", message: "try" },
      "reporter",
    );
    await db.query("update runs set commit_id = 'abc1234', state = 'finished', outcome = 'failed'");
    const again = await served.call<RunSummary>("POST", `/api/v1/runs/${first.body.id}/rerun`, {
      name: "another",
      body: {},
    });
    expect(again).toMatchObject({
      status: 201,
      body: {
        rerunOf: first.body.id,
        number: 2,
        commit: "abc1234",
        person: "another",
        trusted: false,
        workflow: "ci",
      },
    });
    const rows = await db.query<{ source_key: string; trigger_variables: Buffer }>(
      "select source_key, trigger_variables from runs order by id",
    );
    expect(rows[1]).toEqual(rows[0]);
  });
});

describe("seeing", () => {
  test("a list in pages, filtered; a page of another list is refused", async () => {
    await withRepository();
    for (const branch of ["a", "b", "a", "a"]) await start({ branch });
    type Page = { items: RunSummary[]; next?: string; code: string };
    const first = await served.call<Page>("GET", `${runs}?branch=a&limit=2`);
    expect(first.body.items.map(({ number }) => number)).toEqual([4, 3]);
    const second = await served.call<Page>("GET", `${runs}?branch=a&limit=2&after=${first.body.next}`);
    expect(second.body).toEqual({ items: [expect.objectContaining({ number: 1 })] });
    const bad = await served.call<Page>("GET", `${runs}?after=${encodeURIComponent("' or 1=1 --")}`);
    expect(bad).toMatchObject({ status: 422, body: { code: "bad-page" } });
    expect(await served.call("GET", `${runs}?person=${encodeURIComponent("' or 1=1 --")}`)).toMatchObject({
      body: { items: [] },
    });
  });

  test("a run that waits says why; its jobs do; a job has its specification", async () => {
    const { runId, jobIds } = await seedRun(db, fresh.project, [{ name: "build", class: "gpu" }]);
    const { body } = await served.call<RunSummary & { jobs: JobSummary[] }>("GET", `/api/v1/runs/${runId}`);
    expect(body).toMatchObject({
      state: "running",
      reason: "class-without-worker",
      jobs: [{ state: "queued", reason: "class-without-worker", attempts: [] }],
    });
    expect(body.jobs[0]!.detail).toContain("No worker serves the class gpu");
    const list = await served.call<{ items: RunSummary[] }>("GET", runs);
    expect(list.body.items[0]).toMatchObject({ reason: "class-without-worker" });
    const found = await served.call("GET", `${runs}/${body.number}`);
    expect(found.body.id).toBe(runId);
    expect(await served.call("GET", `${runs}/99`)).toMatchObject({ status: 404 });
    const job = await served.call("GET", `/api/v1/jobs/${jobIds[0]}`);
    expect(job.body).toMatchObject({ name: "build", spec: { box: { id: "alpine" } } });
    await fresh.queue.renew(workerCalled("w", { classes: ["gpu"] }), []);
    await fresh.queue.claim("w", 1, 0, signal);
    const claimed = await served.call<RunSummary & { jobs: JobSummary[] }>("GET", `/api/v1/runs/${runId}`);
    expect(claimed.body).toMatchObject({
      reason: "",
      jobs: [{ state: "claimed", attempts: [{ worker: "w" }] }],
    });
  });

  test("what planning found stands line by line, with what to do", async () => {
    const { runId } = await seedRun(db, fresh.project, []);
    await db.query(
      "update runs set state = 'finished', outcome = 'failed', reason = 'bad-file', plan = $1 where id = $2",
      [{ message: "slipway.yml:3: one\nslipway.yml:9: two", hint: "mend it" }, runId],
    );
    const { body } = await served.call("GET", `/api/v1/runs/${runId}`);
    expect(body).toMatchObject({
      outcome: "failed",
      reason: "bad-file",
      problems: [{ message: "slipway.yml:3: one" }, { message: "slipway.yml:9: two", hint: "mend it" }],
    });
    await db.query("update runs set plan = $1 where id = $2", [
      { workflow: {}, warnings: ["slipway.yml:1: old"], message: "build: exit code 1" },
      runId,
    ]);
    const planned = await served.call("GET", `/api/v1/runs/${runId}`);
    expect(planned.body).toMatchObject({
      detail: "build: exit code 1",
      problems: [{ message: "slipway.yml:1: old" }],
    });
  });

  test("events of the newest attempt, or of one that is named, in pages", async () => {
    const { jobIds } = await seedRun(db, fresh.project, [{}]);
    const events = `/api/v1/jobs/${jobIds[0]}/events`;
    expect(await served.call("GET", events)).toMatchObject({ body: { items: [] } });
    const attempts = [1, 2].map(() => newId(Date.now()));
    for (const [at, id] of attempts.entries()) {
      await db.query(
        `insert into attempts (id, job_id, run_id, number, state, claim_hash, events_stored)
         select $1, id, run_id, $3, 'finished', '', 3 from jobs where id = $2`,
        [id, jobIds[0], at + 1],
      );
      await db.query(
        "insert into events (attempt_id, seq, run_id, body) select id, n, run_id, $2 from attempts, generate_series(1, 3) n where id = $1",
        [id, { type: "notice", of: at }],
      );
    }
    type Page = { items: { seq: number; attemptId: string }[]; next: string };
    const first = await served.call<Page>("GET", `${events}?limit=2`);
    expect(first.body.items.map(({ seq, attemptId }) => [seq, attemptId])).toEqual([
      [1, attempts[1]],
      [2, attempts[1]],
    ]);
    const rest = await served.call<Page>("GET", `${events}?limit=2&after=${first.body.next}`);
    expect(rest.body.items.map(({ seq }) => seq)).toEqual([3]);
    const older = await served.call<Page>("GET", `${events}?attempt=${attempts[0]}`);
    expect(older.body.items).toHaveLength(3);
    expect(await served.call("GET", `${events}?attempt=${"0".repeat(24)}`)).toMatchObject({ status: 404 });
    expect(await served.call("GET", `${events}?after=x`)).toMatchObject({ status: 422 });
  });
});

describe("finding by text", () => {
  test("looks at messages and names, whatever the case, and goes on where it stopped", async () => {
    await withRepository();
    for (let count = 1; count <= 5; count++) {
      await start({ message: count % 2 === 0 ? `Mend the Door ${count}` : "100% of _nothing_" });
    }
    const ask = async (query: string) => {
      const { body } = await served.call<{ items: RunSummary[]; next?: string }>("GET", `${runs}?${query}`);
      return { numbers: body.items.map(({ number }) => number), next: body.next };
    };
    expect(await ask("text=mend+the")).toEqual({ numbers: [4, 2], next: undefined });
    const one = await ask("text=DOOR&limit=1");
    expect(one.numbers).toEqual([4]);
    expect((await ask(`text=door&limit=1&after=${one.next}`)).numbers).toEqual([2]);
    // Signs that mean something in patterns mean themselves.
    expect((await ask("text=100%25+of+_n")).numbers).toEqual([5, 3, 1]);
    expect((await ask("text=%25")).numbers).toEqual([5, 3, 1]);
    expect((await ask("text=%235")).numbers).toEqual([5]);
    expect((await ask("text=nowhere")).numbers).toEqual([]);
  });
});

describe("stopping", () => {
  test("a run is canceled with who and why; once more changes nothing", async () => {
    const { runId, jobIds } = await seedRun(db, fresh.project, [{}, {}]);
    const [claim] = await fresh.queue.claim("w", 1, 0, signal);
    await exchangeClaim(db, claim!.claimToken, "n");
    const told: string[] = [];
    fresh.nudges.on("attempts", id => told.push(id));
    const answer = await served.call("POST", `/api/v1/runs/${runId}/cancel`, {
      name: "somebody",
      body: { reason: "wrong branch" },
    });
    expect(answer.status).toBe(202);
    expect(told).toEqual([claim!.attemptId]);
    const run = await served.call<{ jobs: JobSummary[] }>("GET", `/api/v1/runs/${runId}`);
    const ended = run.body.jobs.find(job => job.id !== claim!.jobId);
    expect(ended).toMatchObject({ outcome: "canceled", detail: "canceled by somebody: wrong branch" });
    expect(run.body.jobs.find(job => job.id === claim!.jobId)).toMatchObject({
      state: "running",
      cancelRequested: true,
    });
    expect(await served.call("POST", `/api/v1/runs/${runId}/cancel`, { body: {} })).toMatchObject({
      status: 202,
    });
    const job = await served.call("POST", `/api/v1/jobs/${jobIds[1]}/cancel`, { body: {} });
    expect(job).toMatchObject({ status: 202 });
  });

  test("a run that is being planned is canceled at once", async () => {
    await withRepository();
    const { body } = await start({});
    const answer = await served.call("POST", `/api/v1/runs/${body.id}/cancel`, { body: {} });
    expect(answer.body).toMatchObject({
      state: "finished",
      outcome: "canceled",
      detail: "canceled by somebody",
    });
  });

  test("an approval that nobody asks for is refused; one that is asked for counts", async () => {
    const { jobIds } = await seedRun(db, fresh.project, [{ state: "waiting", name: "ship" }]);
    const approval = `/api/v1/jobs/${jobIds[0]}/approval`;
    expect(await served.call("POST", approval, { body: { decision: "approve" } })).toMatchObject({
      status: 409,
      body: { code: "not-asked" },
    });
    await db.query("update jobs set approval = 'wanted', reason = 'approval'");
    const list = await served.call<{ items: RunSummary[] }>("GET", runs);
    expect(list.body.items[0]).toMatchObject({ reason: "approval" });
    const given = await served.call("POST", approval, { body: { decision: "approve" } });
    expect(given).toMatchObject({ status: 200, body: { approval: "given" } });
    await db.query("update jobs set approval = 'wanted'");
    const refused = await served.call("POST", approval, { body: { decision: "refuse" } });
    expect(refused.body).toMatchObject({ outcome: "canceled", detail: "somebody did not approve it" });
  });
});
