// Tries and jobs under what comes at the same time, dies on the way, or comes in any order.

import fc from "fast-check";
import { expect, test } from "vitest";
import { workerCalled } from "../queue.contract.ts";
import type { Claim } from "../queue.ts";
import { cancelJobs } from "./cancel-jobs.ts";
import { endAttempt } from "./end-attempt.ts";
import { finishAttempt } from "./finish-attempt.ts";
import { begun, numbered, passed, request, silent } from "./fixtures/attempt-words.ts";
import { useQueueTests } from "./fixtures/queue-tests.ts";
import { seedRun, viewJob } from "./fixtures/seed.ts";
import { exchangeClaim, heartbeat, storeEvents } from "./runner-writes.ts";

const tests = useQueueTests();
const signal = new AbortController().signal;

test("a step that begins while its try is given up is either stored before or refused", async () => {
  const { db } = tests;
  for (let round = 0; round < 15; round++) {
    const attempt = await tests.running();
    const [stored, became] = await Promise.all([
      storeEvents(db, attempt, numbered(1, begun)),
      db.transact(tx => endAttempt(tx, attempt.attemptId, 1, silent)),
    ]);
    expect(became).toBe(stored === "stale" ? "again" : "finished");
  }
});

test("of cancel and finish, whichever comes first, the job has one end", async () => {
  const { db } = tests;
  for (let round = 0; round < 10; round++) {
    const attempt = await tests.running();
    await Promise.all([
      finishAttempt(db, attempt, passed),
      db.transact(tx => cancelJobs(tx, [attempt.jobId], request)),
    ]);
    expect(await viewJob(db, attempt.jobId)).toMatchObject({ state: "finished", outcome: "passed" });
  }
  const [count] = await db.query<{ count: number }>("select count(*) from run_changes");
  expect(count).toEqual({ count: 10 });
});

test("of cancel and the exchange of the token, whichever comes first: the runner has a job and hears of it, or has none", async () => {
  const { db } = tests;
  for (let round = 0; round < 20; round++) {
    const { jobIds } = await seedRun(db, tests.project, [{}]);
    const [claim] = await tests.queue.claim("w", 1, 0, signal);
    const cancel = () => db.transact(tx => cancelJobs(tx, jobIds, request));
    const exchange = () => exchangeClaim(db, claim!.claimToken, "n");
    const [exchanged] = await (round % 2 === 0
      ? Promise.all([exchange(), cancel()])
      : Promise.all([cancel(), exchange()]).then(([, got]) => [got] as const));
    const job = await viewJob(db, jobIds[0]!);
    if (exchanged.kind === "stale") {
      expect(job).toMatchObject({ state: "finished", outcome: "canceled" });
      continue;
    }
    expect(job).toMatchObject({ state: "running" });
    expect(await heartbeat(db, claim!)).toMatchObject({
      cancel: { kind: "canceled", message: request.message },
    });
    await finishAttempt(db, claim!, { ...passed, outcome: "canceled" });
  }
});

test("a transaction that dies on the way leaves nothing behind, and can be done again", async () => {
  const attempt = await tests.running();
  const { db } = tests;
  const dying = db.transact(async tx => {
    await endAttempt(tx, attempt.attemptId, 1, silent);
    const [self] = await tx.query<{ pid: number }>("select pg_backend_pid() as pid");
    await db.query("select pg_terminate_backend($1)", [self!.pid]);
    await tx.query("select 1");
  });
  await expect(dying).rejects.toThrow();
  expect(await viewJob(db, attempt.jobId)).toMatchObject({ state: "running" });
  const [count] = await db.query<{ count: number }>("select count(*) from run_changes");
  expect(count).toEqual({ count: 0 });
  expect(await finishAttempt(db, attempt, passed)).toEqual({ kind: "accepted", outcome: "passed" });
});

test("when the database dies and comes back, every job is in the queue or in one pair of hands", async () => {
  const { db } = tests;
  const { jobIds } = await seedRun(
    db,
    tests.project,
    Array.from({ length: 20 }, () => ({})),
  );
  const claims = await tests.queue.claim("w", 10, 0, signal);
  const begunOne = claims[0]!;
  await exchangeClaim(db, begunOne.claimToken, "n");
  expect(await storeEvents(db, begunOne, numbered(1, begun))).toEqual({ stored: 1 });
  await tests.database.crash();
  await tests.queue.renew(workerCalled("w"), []);
  // What was acknowledged is there; a claim that was not yet on disk is gone with its token.
  expect(await heartbeat(db, begunOne)).toMatchObject({ cancel: null });
  const held: string[] = [];
  for (const claim of claims) {
    const exchange = await exchangeClaim(db, claim.claimToken, "n");
    if (exchange.kind === "ok") held.push(claim.jobId);
    else expect(exchange.kind).toBe("unknown");
  }
  const rest = await tests.queue.claim("w", 20, 0, signal);
  expect([...held, ...rest.map(claim => claim.jobId)].sort()).toEqual(jobIds.toSorted());
}, 30_000);

type Act = "claim" | "begin" | "step" | "finish" | "fail" | "lose" | "cancel" | "retry" | "stale-finish";
const acts: Act[] = ["claim", "begin", "step", "finish", "fail", "lose", "cancel", "retry", "stale-finish"];

test("whatever happens in whatever order, a job ends once, and never runs again after a step began", async () => {
  const { db } = tests;
  await fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom(...acts), { minLength: 5, maxLength: 25 }), async order => {
      await tests.queue.renew(workerCalled("w"), []);
      await db.query("update jobs set state = 'finished', outcome = 'canceled' where state <> 'finished'");
      const { jobIds } = await seedRun(db, tests.project, [{}]);
      const jobId = jobIds[0]!;
      const claims: Claim[] = [];
      let beganIn = 0;
      let end: string | null = null;
      for (const act of order) {
        const last = claims.at(-1);
        if (act === "claim") claims.push(...(await tests.queue.claim("w", 1, 0, signal)));
        else if (act === "cancel") await db.transact(tx => cancelJobs(tx, [jobId], request));
        else if (act === "retry") {
          await db.query("update jobs set state = 'queued', reason = '' where id = $1 and reason = 'retry'", [
            jobId,
          ]);
        } else if (last !== undefined) {
          if (act === "begin") await exchangeClaim(db, last.claimToken, "n");
          if (act === "step") {
            const stored = await storeEvents(db, last, numbered(1, begun));
            if (stored !== "stale") beganIn = claims.length;
          }
          if (act === "finish" || act === "fail") {
            const outcome = act === "fail" ? "failed" : "canceled";
            await finishAttempt(db, last, { ...passed, outcome });
          }
          if (act === "lose") await tests.queue.lost(last.attemptId, last.epoch, silent);
          const older = claims.at(-2);
          if (act === "stale-finish" && older !== undefined) {
            expect(await finishAttempt(db, older, passed)).toEqual({ kind: "stale" });
          }
        }
        const job = await viewJob(db, jobId);
        if (end !== null) expect(job.outcome).toBe(end);
        end = job.outcome;
        expect(job.outcome !== null).toBe(job.state === "finished");
        if (beganIn > 0) expect(claims.length).toBe(beganIn);
      }
    }),
    { numRuns: 40 },
  );
}, 60_000);
