import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Blobs } from "../../../blobs/blobs.ts";
import { openFileBlobs } from "../../../blobs/file-blobs.ts";
import {
  emptyTables,
  type SeedProject,
  seedProject,
  seedRun,
} from "../../../queue/postgres/fixtures/seed.ts";
import { startTestDatabase, type TestDatabase } from "../../../queue/postgres/fixtures/test-database.ts";
import type { Database } from "../../../store/database.ts";
import { newId } from "../../../store/new-id.ts";
import { openSecretBox } from "../../../store/secret-box.ts";
import { type ServedRoutes, serveRoutes } from "../fixtures/serve-routes.ts";
import { plainName, rangeOf } from "./answer-blob.ts";
import { artifactsStatement } from "./artifacts.ts";
import { withoutCredential } from "./replay.ts";
import { resultRoutes } from "./result-routes.ts";
import { historyStatement, testsOfOutcomeStatement, testsStatement } from "./tests.ts";

let database: TestDatabase;
let db: Database;
let blobs: Blobs;
let project: SeedProject;
let served: ServedRoutes;
let directory: string;
const box = openSecretBox([randomBytes(32)]);
const signal = new AbortController().signal;
const secret = "the-secret-value";

beforeAll(async () => {
  database = await startTestDatabase();
  db = database.db;
  directory = await mkdtemp(path.join(tmpdir(), "slipway-results-"));
  blobs = await openFileBlobs(directory, () => randomBytes(8).toString("hex"));
}, 60_000);
afterAll(async () => {
  await database[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});
beforeEach(async () => {
  await emptyTables(db);
  project = await seedProject(db);
  const variablesFor = async () => ({
    plain: [
      { name: "PLAIN", value: "1" },
      { name: "BOTH", value: "project" },
    ],
    protected: [{ name: "TOKEN", value: secret }],
  });
  served = await serveRoutes(db, resultRoutes({ db, blobs, box, values: { variablesFor }, runDays: 90 }));
});
afterEach(() => served[Symbol.asyncDispose]());

async function keep(jobId: string, name: string, content: Uint8Array): Promise<number> {
  const attemptId = newId(Date.now());
  const key = `artifact/${attemptId}/x`;
  await blobs.put(key, [content] as never, { maxBytes: 1e9, signal });
  await db.query(
    `insert into attempts (id, job_id, run_id, number, state, outcome, claim_hash)
     select $1, id, run_id, 1 + (select count(*) from attempts where job_id = $2), 'finished', 'passed', '' from jobs where id = $2`,
    [attemptId, jobId],
  );
  const [row] = await db.query<{ id: number }>(
    `insert into artifacts (run_id, job_id, attempt_id, name, blob_key, files, bytes)
     select run_id, id, $2, $3, $4, 1, $5 from jobs where id = $1 returning id`,
    [jobId, attemptId, name, key, content.length],
  );
  return row!.id;
}

describe("artifacts", () => {
  test("are listed in pages, and only those of the run", async () => {
    const { runId, jobIds } = await seedRun(db, project, [{ name: "build" }]);
    const other = await seedRun(db, project, [{ name: "build" }]);
    await keep(other.jobIds[0]!, "foreign", Buffer.from("x"));
    const ids = [];
    for (const name of ["a", "b", "c"]) ids.push(await keep(jobIds[0]!, name, Buffer.from(name)));
    type Page = { items: { id: number; name: string; job: string }[]; next?: string };
    const list = `/api/v1/runs/${runId}/artifacts`;
    const first = await served.call<Page>("GET", `${list}?limit=2`);
    expect(first.body.items.map(({ name, job }) => [name, job])).toEqual([
      ["a", "build"],
      ["b", "build"],
    ]);
    const second = await served.call<Page>("GET", `${list}?limit=2&after=${first.body.next}`);
    expect(second.body).toEqual({ items: [expect.objectContaining({ id: ids[2], name: "c" })] });
    expect(await served.call("GET", `${list}?after=-1`)).toMatchObject({ status: 422 });
  });

  test("are got whole, in ranges and not again; another job's is not there", async () => {
    const { jobIds } = await seedRun(db, project, [{ name: "build" }, { name: "other" }]);
    const content = randomBytes(5000);
    const id = await keep(jobIds[0]!, '../../e"vil\r\n; name', content);
    const url = `${served.url}/api/v1/jobs/${jobIds[0]}/artifacts/${id}`;
    const whole = await fetch(url);
    expect(Buffer.from(await whole.arrayBuffer()).equals(content)).toBe(true);
    expect(whole.headers.get("content-disposition")).toBe(
      'attachment; filename="build-..-..-e-vil-name.tar.zst"',
    );
    expect(whole.headers.get("content-type")).toBe("application/zstd");
    const head = await fetch(url, { method: "HEAD" });
    expect([head.status, head.headers.get("content-length")]).toEqual([200, "5000"]);
    const etag = whole.headers.get("etag")!;
    expect((await fetch(url, { headers: { "if-none-match": etag } })).status).toBe(304);
    const ranges: [string, number, number][] = [
      ["bytes=0-9", 0, 10],
      ["bytes=4990-", 4990, 5000],
      ["bytes=-10", 4990, 5000],
      ["bytes=10-999999", 10, 5000],
    ];
    for (const [range, start, end] of ranges) {
      const part = await fetch(url, { headers: { range, "if-range": etag } });
      expect(part.status).toBe(206);
      expect(part.headers.get("content-range")).toBe(`bytes ${start}-${end - 1}/5000`);
      expect(Buffer.from(await part.arrayBuffer()).equals(content.subarray(start, end))).toBe(true);
    }
    const beyond = await fetch(url, { headers: { range: "bytes=5000-" } });
    expect(beyond.status).toBe(416);
    expect(beyond.headers.get("content-range")).toBe("bytes */5000");
    const changed = await fetch(url, { headers: { range: "bytes=0-9", "if-range": '"other"' } });
    expect(changed.status).toBe(200);
    const foreign = await fetch(`${served.url}/api/v1/jobs/${jobIds[1]}/artifacts/${id}`);
    expect(foreign.status).toBe(404);
    await blobs.remove([`artifact/${(await db.query<{ id: string }>("select id from attempts"))[0]!.id}/x`]);
    expect((await fetch(url)).status).toBe(404);
  });

  test("no range asks for what is not there, and no name leaves its quotes", () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.stringMatching(/^bytes=\d{0,9}-\d{0,9}$/)),
        fc.nat(1000),
        (range, bytes) => {
          const found = rangeOf({ headers: { range } }, bytes, "");
          if (found === undefined || found === "beyond") return;
          expect(found.start).toBeGreaterThanOrEqual(0);
          expect(found.start).toBeLessThan(found.end);
          expect(found.end).toBeLessThanOrEqual(bytes);
        },
      ),
    );
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), name => {
        expect(plainName(name)).toMatch(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,149}$/);
      }),
    );
  });
});

describe("test results", () => {
  const insert = (runId: string, jobId: string, rows: [string, string, string][]) =>
    db.query(
      `insert into test_results (project_id, run_id, job_id, suite, name, outcome, duration_ms)
       select $1, $2, $3, suite, name, outcome, 5 from unnest($4::text[], $5::text[], $6::text[]) r(suite, name, outcome)`,
      [project.projectId, runId, jobId, rows.map(r => r[0]), rows.map(r => r[1]), rows.map(r => r[2])],
    );

  test("failing ones come first, in pages without gaps or doubles", async () => {
    const { runId, jobIds } = await seedRun(db, project, [{}, {}]);
    const outcomes = ["passed", "failed", "skipped"];
    for (const job of jobIds) {
      await insert(
        runId,
        job,
        Array.from({ length: 25 }, (_, at) => [`suite "${at % 3}'`, `näme ${at}`, outcomes[at % 3]!]),
      );
    }
    type Item = { jobId: string; suite: string; name: string; outcome: string };
    const collect = async (query: string): Promise<Item[]> => {
      const found: Item[] = [];
      let after: string | undefined = "";
      while (after !== undefined) {
        const { body }: { body: { items: Item[]; next?: string } } = await served.call(
          "GET",
          `/api/v1/runs/${runId}/tests?limit=7${query}${after === "" ? "" : `&after=${after}`}`,
        );
        found.push(...body.items);
        after = body.next;
      }
      return found;
    };
    const all = await collect("");
    expect(all).toHaveLength(50);
    expect(new Set(all.map(item => `${item.jobId} ${item.name}`)).size).toBe(50);
    expect(all.map(({ outcome }) => outcome)).toEqual([
      ...Array(16).fill("failed"),
      ...Array(18).fill("passed"),
      ...Array(16).fill("skipped"),
    ]);
    expect(await collect("&outcome=skipped")).toHaveLength(16);
    const forged = Buffer.from(JSON.stringify(["' or 1=1 --", "", "", ""])).toString("base64url");
    const answer = await served.call("GET", `/api/v1/runs/${runId}/tests?after=${forged}`);
    expect(answer.status).toBe(200);
    for (const after of ["x", "bnVsbA", Buffer.from('["\\u0000","","",""]').toString("base64url")]) {
      expect(await served.call("GET", `/api/v1/runs/${runId}/tests?after=${after}`)).toMatchObject({
        status: 422,
      });
    }
  });

  test("one test over the runs, newest first", async () => {
    const runs = [];
    for (let at = 0; at < 5; at++) runs.push(await seedRun(db, project, [{}, {}]));
    for (const { runId, jobIds } of runs)
      for (const job of jobIds) await insert(runId, job, [["s", "n", "passed"]]);
    type Page = { items: { runId: string; runNumber: number }[]; next?: string };
    const history = `/api/v1/projects/${project.name}/tests/history?suite=s&name=n&limit=3`;
    const pages: Page[] = [];
    let after = "";
    do {
      const { body } = await served.call<Page>("GET", `${history}${after}`);
      pages.push(body);
      after = `&after=${body.next}`;
    } while (pages.at(-1)!.next !== undefined);
    const numbers = pages.flatMap(({ items }) => items.map(({ runNumber }) => runNumber));
    expect(numbers).toEqual([5, 5, 4, 4, 3, 3, 2, 2, 1, 1]);
    const none = await served.call<Page>("GET", `${history.replace("name=n", "name=%25")}`);
    expect(none.body).toEqual({ items: [] });
  });
});

describe("a replay", () => {
  test("has plain values, and of protected ones the names alone", async () => {
    const { runId, jobIds } = await seedRun(db, project, [{ name: "build" }]);
    await db.query("update projects set repository = 'https://somebody:word@git.test/app.git'");
    await db.query("update runs set commit_id = 'abc1234', trigger_variables = $1", [
      Buffer.from(box.seal(Buffer.from('{"BOTH":"trigger"}'))),
    ]);
    await db.query("update jobs set spec = spec || $1", [
      { secrets: [{ name: "SLIPWAY_CREDENTIAL_1", exported: false }] },
    ]);
    const answer = await served.call("GET", `/api/v1/jobs/${jobIds[0]}/replay`);
    expect(answer).toMatchObject({
      status: 200,
      body: {
        variables: { PLAIN: "1", BOTH: "trigger" },
        protectedNames: ["SLIPWAY_CREDENTIAL_1", "TOKEN"],
        source: { kind: "git", repository: "https://git.test/app.git", commit: "abc1234" },
        inputs: [],
        hasCache: false,
      },
    });
    expect(JSON.stringify(answer.body)).not.toContain(secret);
    expect(JSON.stringify(answer.body)).not.toContain("word@");
    await db.query("update runs set trusted = false where id = $1", [runId]);
    const untrusted = await served.call("GET", `/api/v1/jobs/${jobIds[0]}/replay`);
    expect(untrusted.body).toMatchObject({
      variables: { BOTH: "trigger" },
      protectedNames: ["SLIPWAY_CREDENTIAL_1"],
    });
  });

  test("names inputs as artifacts, and hands out the sent source and the cache", async () => {
    const { runId, jobIds } = await seedRun(db, project, [{ name: "build" }, { name: "ship" }]);
    const [build, ship] = jobIds as [string, string];
    await db.query("update jobs set spec = spec || '{\"secrets\": []}'");
    await db.query("update runs set source_key = 'source/x', plan = $1 where id = $2", [
      { sources: { ship: { kind: "output", of: { entry: "build" } }, build: { kind: "project" } } },
      runId,
    ]);
    await blobs.put("source/x", [Buffer.from("source")] as never, { maxBytes: 100, signal });
    const artifact = await keep(build, "output", Buffer.from("output"));
    const replay = await served.call("GET", `/api/v1/jobs/${ship}/replay`);
    expect(replay.body).toMatchObject({
      source: { kind: "inputs" },
      inputs: [{ directory: "", jobId: build, artifact }],
    });
    expect(await served.call("GET", `/api/v1/jobs/${ship}/replay/source`)).toMatchObject({ status: 404 });
    const source = await fetch(`${served.url}/api/v1/jobs/${build}/replay/source`);
    expect(await source.text()).toBe("source");
    expect(await served.call("GET", `/api/v1/jobs/${build}/replay/cache`)).toMatchObject({ status: 404 });
    await blobs.put("cache/a", [Buffer.from("cache")] as never, { maxBytes: 100, signal });
    for (const key of ["", "k"]) {
      await db.query(
        "insert into caches (project_id, scope, key, blob_key, bytes, files) values ($1, 'default', $2, 'cache/a', 5, 1)",
        [project.projectId, key],
      );
    }
    const cache = await fetch(`${served.url}/api/v1/jobs/${build}/replay/cache`);
    expect(await cache.text()).toBe("cache");
    expect((await fetch(`${served.url}/api/v1/jobs/${build}/replay/cache?key=k`)).status).toBe(200);
    expect((await fetch(`${served.url}/api/v1/jobs/${build}/replay/cache?key=l`)).status).toBe(404);
    await db.query("delete from artifacts");
    await db.query(
      "insert into events (attempt_id, seq, run_id, body) select id, 1, run_id, $1 from attempts",
      [{ type: "artifact-stored", name: "output" }],
    );
    expect(await served.call("GET", `/api/v1/jobs/${ship}/replay`)).toMatchObject({
      status: 410,
      body: { code: "input-gone" },
    });
  });

  test("addresses lose passwords and keep all else", () => {
    expect(withoutCredential("https://a:b@git.test/x@y:z.git")).toBe("https://git.test/x@y:z.git");
    expect(withoutCredential("ssh://git@git.test/x.git")).toBe("ssh://git@git.test/x.git");
    expect(withoutCredential("git@git.test:x.git")).toBe("git@git.test:x.git");
    expect(withoutCredential("https://token@git.test/x.git")).toBe("https://git.test/x.git");
  });
});

test("no statement reads through the history", async () => {
  const { runId, jobIds } = await seedRun(db, project, [{}]);
  await db.query(
    `insert into test_results (project_id, run_id, job_id, suite, name, outcome)
     select $1, $2, $3, 's' || n % 100, 'n' || n, 'passed' from generate_series(1, 20000) n`,
    [project.projectId, runId, jobIds[0]],
  );
  await db.query(
    `insert into artifacts (run_id, job_id, attempt_id, name, blob_key, files, bytes)
     select $1, $2, n::text, 'a', 'b', 1, 1 from generate_series(1, 20000) n`,
    [runId, jobIds[0]],
  );
  await db.query("analyze");
  const asked: [string, unknown[]][] = [
    [testsStatement, [runId, "failed", "", "", "", 51]],
    [testsOfOutcomeStatement, [runId, "failed", "", "", "", 51]],
    [historyStatement, [project.projectId, "s1", "n1", "g", "g", 51]],
    [artifactsStatement, [runId, 5, 51, 90]],
  ];
  for (const [statement, values] of asked) {
    const plan = (await db.query(`explain ${statement}`, values))
      .map(row => String(row["QUERY PLAN"]))
      .join("\n");
    expect(plan).toContain("Index");
    expect(plan).not.toMatch(/Seq Scan on (test_results|artifacts)/);
  }
});
