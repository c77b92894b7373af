import { afterAll, beforeAll, expect, test } from "vitest";
import { systemClock } from "../../../lib/clock.ts";
import { serveWorkers, workerToken } from "../../../queue/http/fixtures/serve-workers.ts";
import { createHttpQueue } from "../../../queue/http/http-queue.ts";
import { freshQueue } from "../../../queue/postgres/fixtures/fresh-queue.ts";
import { seedRun, viewJob } from "../../../queue/postgres/fixtures/seed.ts";
import { startTestDatabase, type TestDatabase } from "../../../queue/postgres/fixtures/test-database.ts";
import { createPostgresQueue } from "../../../queue/postgres/postgres-queue.ts";
import { workerCalled } from "../../../queue/queue.contract.ts";
import type { Queue } from "../../../queue/queue.ts";
import type { Database } from "../../../store/database.ts";
import { openSecretBox } from "../../../store/secret-box.ts";
import { materialsStatement } from "./resolve-containers.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
}, 60_000);
afterAll(() => database[Symbol.asyncDispose]());

const never = new AbortController().signal;
const box = openSecretBox([Buffer.alloc(32, 7)]);
const seal = (value: unknown) =>
  Buffer.from(box.seal(Buffer.from(typeof value === "string" ? value : JSON.stringify(value))));
const inCluster = workerCalled("pods", { labels: { launcher: "kubernetes", place: "c" } });

const spec = {
  pipeline: "build",
  box: {
    id: "alpine",
    tag: "$TAG",
    env: [{ name: "X", value: "$PASSWORD-$WHO" }],
    ports: [],
    auth: { username: "u", password: "$SLIPWAY_CREDENTIAL_1" },
  },
  services: [],
  environment: [],
  secrets: [{ name: "SLIPWAY_CREDENTIAL_1", exported: false }],
  sourceDir: "",
};

interface World {
  db: Database;
  queue: Queue;
  /** Texts of statements that the api has sent since it was asked last. */
  asked(): string[];
  put(job?: { trusted?: boolean; spec?: object }): Promise<string>;
}

async function between(work: (world: World) => Promise<void>): Promise<void> {
  const { db } = database;
  await db.query("delete from tokens");
  await db.query("delete from variables");
  const { nudges, project } = await freshQueue(db);
  await using _nudges = nudges;
  let texts: string[] = [];
  const counted: Database = Object.create(db, {
    query: {
      value: (text: string, values?: unknown[]) => {
        texts.push(text);
        return db.query(text, values as never);
      },
    },
  });
  const queue = createPostgresQueue({ db, nudges, clock: systemClock });
  await using server = await serveWorkers(db, queue, { containers: { db: counted, box } });
  const token = await workerToken(db, "default");
  const { organisationId, projectId } = project;
  for (const [of, name, isProtected, value, branches] of [
    [null, "TAG", false, "3.20", null],
    [projectId, "TAG", false, "of another branch", ["release"]],
    [projectId, "PASSWORD", true, "hunter22", null],
  ] as const) {
    await db.query(
      `insert into variables (organisation_id, project_id, name, protected, value, key_id, branches)
       values ($1, $2, $3, $4, $5, $6, $7)`,
      [organisationId, of, name, isProtected, seal(value), box.keyId, branches],
    );
  }
  await work({
    db,
    queue: createHttpQueue({ url: server.url, token, clock: systemClock }),
    asked: () => {
      const last = texts;
      texts = [];
      return last;
    },
    async put(job = {}) {
      const { runId, jobIds } = await seedRun(db, project, [{ trusted: job.trusted ?? true }]);
      await db.query("update jobs set spec = $2, literal_secrets = $3 where id = $1", [
        jobIds[0],
        { ...spec, ...job.spec },
        seal({ SLIPWAY_CREDENTIAL_1: "of-the-file" }),
      ]);
      await db.query("update runs set trigger_variables = $2 where id = $1", [
        runId,
        seal({ WHO: "trigger" }),
      ]);
      return jobIds[0]!;
    },
  });
  expect(server.errors).toEqual([]);
}

test("a worker in a cluster is told what stands in each Pod, with one look for all of its claims", () =>
  between(async ({ queue, put, asked }) => {
    for (let at = 0; at < 3; at++) await put();
    await queue.renew(inCluster, []);
    asked();
    const claims = await queue.claim("pods", 3, 0, never);
    expect(asked()).toEqual([materialsStatement]);
    expect(claims).toHaveLength(3);
    for (const { launch } of claims) {
      expect(launch.containers).toEqual({
        box: {
          image: "docker.io/library/alpine:3.20",
          shownImage: "alpine:3.20",
          alias: "",
          env: [{ name: "X", value: "hunter22-trigger", secret: true }],
          ports: [],
          credentials: { username: "u", password: "of-the-file", server: "https://index.docker.io/v1/" },
        },
        services: [],
      });
    }
  }));

test("no other worker is, and none costs a look", () =>
  between(async ({ queue, put, asked }) => {
    await put();
    await queue.renew(workerCalled("pods", { labels: { place: "c" } }), []);
    asked();
    const [claim] = await queue.claim("pods", 1, 0, never);
    expect(claim?.launch.containers).toBeUndefined();
    expect(JSON.stringify(claim)).not.toContain("of-the-file");
    expect(asked()).toEqual([]);
  }));

test("a job that is not trusted gets nothing of organisation and project", () =>
  between(async ({ queue, put }) => {
    await put({ trusted: false });
    await queue.renew(inCluster, []);
    const [claim] = await queue.claim("pods", 1, 0, never);
    expect(claim?.launch.containers).toMatchObject({
      box: {
        image: "docker.io/library/alpine:latest",
        env: [{ name: "X", value: "-trigger", secret: false }],
      },
    });
  }));

test("what cannot stand in a Pod is a refusal, and the claim goes out with it", () =>
  between(async ({ queue, put }) => {
    await put({ spec: { docker: true } });
    await queue.renew(inCluster, []);
    const [claim] = await queue.claim("pods", 1, 0, never);
    expect(claim?.launch.containers).toMatchObject({ refusal: { code: "not-in-a-pod" } });
  }));

test("a job whose values cannot be opened ends broken, and keeps no other from its worker", () =>
  between(async ({ db, queue, put }) => {
    const lost = await put();
    await put();
    await db.query("update jobs set literal_secrets = $2 where id = $1", [
      lost,
      Buffer.from(openSecretBox([Buffer.alloc(32, 8)]).seal(Buffer.from("{}"))),
    ]);
    await db.query("update jobs set max_attempts = 1");
    await queue.renew(inCluster, []);
    expect(await queue.claim("pods", 2, 0, never)).toHaveLength(1);
    expect(await viewJob(db, lost)).toMatchObject({ state: "finished", outcome: "broken" });
  }));

test("one that was claimed but never launched is adopted with its containers, a launched one without", () =>
  between(async ({ db, queue, put }) => {
    await put();
    await put();
    await queue.renew(inCluster, []);
    const claims = await queue.claim("pods", 2, 0, never);
    await queue.launched(claims[0]!.attemptId, claims[0]!.epoch, "pod/x");
    await db.query("update workers set lease_until = now() - interval '1 s' where id = 'pods'");
    await queue.renew({ ...inCluster, id: "v" }, []);
    const adopted = await queue.adopt("v", 2);
    const has = adopted.map(claim => [claim.launcherRef, "containers" in claim.launch]);
    expect(new Map(has as [string | null, boolean][])).toEqual(
      new Map([
        ["pod/x", false],
        [null, true],
      ]),
    );
  }));
