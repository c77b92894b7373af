import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "../../lib/clock.ts";
import { freshQueue } from "../postgres/fixtures/fresh-queue.ts";
import { queueWorld } from "../postgres/fixtures/queue-world.ts";
import { seedRun } from "../postgres/fixtures/seed.ts";
import { startTestDatabase, type TestDatabase } from "../postgres/fixtures/test-database.ts";
import { createPostgresQueue } from "../postgres/postgres-queue.ts";
import { queueContract, workerCalled } from "../queue.contract.ts";
import type { Queue } from "../queue.ts";
import { serveWorkers, workerToken } from "./fixtures/serve-workers.ts";
import { createHttpQueue } from "./http-queue.ts";

let database: TestDatabase;
const clock = systemClock;
const never = new AbortController().signal;
const broke = { outcome: "broken" as const, reason: "gone", message: "the runner is gone" };
beforeAll(async () => {
  database = await startTestDatabase();
}, 60_000);
afterAll(() => database[Symbol.asyncDispose]());

queueContract("http", () =>
  queueWorld(database.db, async queue => {
    const { db } = database;
    const server = await serveWorkers(db, queue);
    const token = await workerToken(db, "default", "large");
    return {
      queue: createHttpQueue({ url: server.url, token, clock }),
      async [Symbol.asyncDispose]() {
        await server[Symbol.asyncDispose]();
        expect(server.errors).toEqual([]);
      },
    };
  }),
);

describe("a worker's token", () => {
  const between = async (
    work: (first: Queue, second: Queue, put: (job: object) => Promise<string>) => Promise<void>,
  ) => {
    const { db } = database;
    await db.query("delete from tokens");
    const { nudges, project } = await freshQueue(db);
    await using _nudges = nudges;
    const queue = createPostgresQueue({ db, nudges, clock });
    await using server = await serveWorkers(db, queue);
    const tokens = [await workerToken(db, "default"), await workerToken(db, "default", "large")];
    const [first, second] = tokens.map(token => createHttpQueue({ url: server.url, token, clock }));
    await work(first!, second!, async job => (await seedRun(db, project, [job])).jobIds[0]!);
  };
  const refused = { code: "api-refused" };

  test("bounds the classes that a worker may serve", () =>
    between(async first => {
      const large = workerCalled("big", { classes: ["default", "large"] });
      await expect(first.renew(large, [])).rejects.toMatchObject(refused);
      expect(await first.claim("big", 1, 0, never)).toEqual([]);
    }));

  test("owns the workers that were registered with it", () =>
    between(async (first, second, put) => {
      await put({});
      await first.renew(workerCalled("mine"), []);
      await expect(second.renew(workerCalled("mine"), [])).rejects.toMatchObject(refused);
      await expect(second.claim("mine", 1, 0, never)).rejects.toMatchObject(refused);
      await expect(second.adopt("mine", 1)).rejects.toMatchObject(refused);
      await expect(second.leave("mine")).rejects.toMatchObject(refused);
      // Nor one in the server's own process.
      await expect(second.renew(workerCalled("w"), [])).rejects.toMatchObject(refused);
      expect(await first.claim("mine", 1, 0, never)).toHaveLength(1);
    }));

  test("once gone, leaves its workers to another when their lease has run out", () =>
    between(async (first, second) => {
      await first.renew(workerCalled("mine"), []);
      await database.db.query("delete from tokens where name = 'default'");
      await expect(second.renew(workerCalled("mine"), [])).rejects.toMatchObject(refused);
      await database.db.query("update workers set lease_until = now() - interval '1 s' where id = 'mine'");
      expect(await second.renew(workerCalled("mine"), [])).toEqual([]);
    }));

  test("lets nobody speak for an attempt that another worker holds", () =>
    between(async (first, second, put) => {
      await put({});
      await first.renew(workerCalled("mine"), []);
      await second.renew(workerCalled("other"), []);
      const [claim] = await first.claim("mine", 1, 0, never);
      expect(await second.launched(claim!.attemptId, 1, "pid 1")).toBe("stale");
      expect(await second.lost(claim!.attemptId, 1, broke)).toBe("stale");
      expect(await first.launched(claim!.attemptId, 1, "pid 2")).toBe("ok");
      expect(await first.lost(claim!.attemptId, 1, broke)).toBe("ok");
    }));

  test("that is gone, or another kind of token, is refused", () =>
    between(async (first, second) => {
      await database.db.query("delete from tokens where name = 'default'");
      await expect(first.claim("w", 1, 0, never)).rejects.toMatchObject(refused);
      await database.db.query(
        "update tokens set kind = 'project', project_id = (select min(id) from projects)",
      );
      await expect(second.renew(workerCalled("x"), [])).rejects.toMatchObject(refused);
    }));

  test("may not name what the database does not take", () =>
    between(async first => {
      for (const odd of ["a\u0000b", "a\nb"]) {
        await expect(first.renew(workerCalled("odd", { name: odd }), [])).rejects.toMatchObject(refused);
        await expect(first.renew(workerCalled("odd", { labels: { x: odd } }), [])).rejects.toMatchObject(
          refused,
        );
      }
      const end = { outcome: "broken" as const, reason: "a\u0000b", message: "\ud800" };
      expect(await first.lost("0".repeat(24), 1, end)).toBe("stale");
      expect(await first.launched("0".repeat(24), 1, "a\u0000b")).toBe("stale");
    }));

  test("adopts nothing of classes that it does not serve", () =>
    between(async (first, second, put) => {
      await put({ class: "large" });
      await second.renew(workerCalled("big", { classes: ["large"] }), []);
      expect(await second.claim("big", 1, 0, never)).toHaveLength(1);
      await second.leave("big");
      await first.renew(workerCalled("small"), []);
      expect(await first.adopt("small", 5)).toEqual([]);
      await second.renew(workerCalled("heir", { classes: ["default", "large"] }), []);
      expect(await second.adopt("heir", 5)).toHaveLength(1);
    }));
});

test("a claim for a caller that has gone is given back at once, in its old place", async () => {
  const { db } = database;
  const { nudges, project } = await freshQueue(db);
  await using _nudges = nudges;
  const inner = createPostgresQueue({ db, nudges, clock });
  const gone = Promise.withResolvers<void>();
  const given = Promise.withResolvers<void>();
  const queue = {
    ...inner,
    async claim(...args: Parameters<Queue["claim"]>) {
      const [workerId, count, , signal] = args;
      // The caller hangs up while the claim is being made.
      gone.resolve();
      await new Promise(resolve => signal.addEventListener("abort", resolve));
      return inner.claim(workerId, count, 0, never);
    },
    async giveBack(...args: Parameters<typeof inner.giveBack>) {
      await inner.giveBack(...args);
      given.resolve();
    },
  };
  await using server = await serveWorkers(db, queue);
  const token = await workerToken(db, "default");
  const http = createHttpQueue({ url: server.url, token, clock });
  const { jobIds } = await seedRun(db, project, [{}]);
  await http.renew(workerCalled("mine"), []);
  const abort = new AbortController();
  const claiming = http.claim("mine", 1, 1000, abort.signal);
  await gone.promise;
  abort.abort();
  expect(await claiming).toEqual([]);
  await given.promise;
  expect(await db.query("select id, state, attempt from jobs")).toEqual([
    { id: jobIds[0], state: "queued", attempt: 0 },
  ]);
  expect(await db.query("select * from attempts")).toEqual([]);
  expect(await inner.claim("mine", 1, 0, never)).toHaveLength(1);
});

test("what was given to somebody is not given back", async () => {
  const { db } = database;
  const { nudges, queue, project } = await freshQueue(db);
  await using _nudges = nudges;
  const inner = createPostgresQueue({ db, nudges, clock });
  await seedRun(db, project, [{}, {}]);
  const claims = await queue.claim("w", 2, 0, never);
  await inner.launched(claims[0]!.attemptId, 1, "pid 1");
  await inner.giveBack(claims);
  expect(await db.query("select state from jobs order by id")).toEqual([
    { state: "claimed" },
    { state: "queued" },
  ]);
});

test("an attempt whose claim was never answered is told after a while", async () => {
  const { db } = database;
  const { nudges, queue, project } = await freshQueue(db);
  await using _nudges = nudges;
  await seedRun(db, project, [{}]);
  const [claim] = await queue.claim("w", 1, 0, never);
  expect(await queue.renew(workerCalled("w"), [])).toEqual([]);
  await db.query("update attempts set claimed_at = now() - interval '11 s'");
  expect(await queue.renew(workerCalled("w"), [])).toMatchObject([
    { attemptId: claim!.attemptId, wanted: "run" },
  ]);
});

describe("an api that", () => {
  const answering = async (status: number, text: string) => {
    const server = createServer((_, response) => response.writeHead(status).end(text));
    await new Promise<void>(resolve => server.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return {
      queue: createHttpQueue({ url, token: "t", clock }),
      async [Symbol.asyncDispose]() {
        server.closeAllConnections();
        await new Promise(resolve => server.close(resolve));
      },
    };
  };

  test("is not there is unreachable", async () => {
    const queue = createHttpQueue({ url: "http://127.0.0.1:1", token: "t", clock });
    const failure = { code: "api-unreachable" };
    await expect(queue.renew(workerCalled("w"), [])).rejects.toMatchObject(failure);
    await expect(queue.claim("w", 1, 0, never)).rejects.toMatchObject(failure);
    await expect(queue.leave("w")).rejects.toMatchObject(failure);
  });

  test.each([500, 502, 503, 429])("answers %i is unreachable", async status => {
    await using api = await answering(status, "<html>");
    await expect(api.queue.adopt("w", 1)).rejects.toMatchObject({ code: "api-unreachable" });
  });

  test("answers something else than JSON is unreachable", async () => {
    await using api = await answering(200, "<html>captive portal</html>");
    await expect(api.queue.claim("w", 1, 0, never)).rejects.toMatchObject({ code: "api-unreachable" });
  });

  test("says no is told with what it said", async () => {
    await using api = await answering(401, JSON.stringify({ detail: "no such token", hint: "make one" }));
    await expect(api.queue.claim("w", 1, 0, never)).rejects.toMatchObject({
      code: "api-refused",
      message: expect.stringContaining("no such token") as string,
      hint: "make one",
    });
  });
});
