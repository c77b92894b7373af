import { afterAll, beforeAll } from "vitest";
import { systemClock } from "../../lib/clock.ts";
import { type QueueWorld, queueContract } from "../queue.contract.ts";
import { cancelJobs } from "./cancel-jobs.ts";
import { emptyTables, type SeedProject, seedProject, seedRun, viewJob } from "./fixtures/seed.ts";
import { startTestDatabase, type TestDatabase } from "./fixtures/test-database.ts";
import { openNudges } from "./nudges.ts";
import { createPostgresQueue } from "./postgres-queue.ts";
import { exchangeClaim, finishAttempt, storeEvents } from "./runner-writes.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
}, 60_000);
afterAll(() => database[Symbol.asyncDispose]());

queueContract("postgres", async (): Promise<QueueWorld> => {
  const { db } = database;
  await emptyTables(db);
  const nudges = await openNudges(db, systemClock);
  const queue = createPostgresQueue({ db, nudges, clock: systemClock });
  const projects = new Map<string, SeedProject>();
  const owners = new Map<string, string>();
  const projectOf = async (name: string): Promise<SeedProject> => {
    const project = projects.get(name) ?? (await seedProject(db));
    projects.set(name, project);
    return project;
  };
  return {
    queue,
    async put({ organisation = "one", ...job }) {
      const { jobIds } = await seedRun(db, await projectOf(organisation), [job]);
      owners.set(jobIds[0]!, organisation);
      nudges.nudge("jobs");
      return jobIds[0]!;
    },
    async quota(organisation, most) {
      const { organisationId } = await projectOf(organisation);
      await db.query("update organisations set max_running_jobs = $2 where id = $1", [organisationId, most]);
    },
    async weight(organisation, weight) {
      const { organisationId } = await projectOf(organisation);
      await db.query("update organisations set weight = $2 where id = $1", [organisationId, weight]);
    },
    organisationOf: jobId => owners.get(jobId)!,
    async begin({ claimToken, attemptId, epoch }, step = false) {
      const exchange = await exchangeClaim(db, claimToken, "nonce");
      if (exchange.kind !== "ok") throw new Error(`the exchange was ${exchange.kind}`);
      if (!step) return;
      await storeEvents(db, { attemptId, epoch }, [
        {
          type: "step-started",
          step: "s",
          name: "s",
          phase: "main",
          order: 1,
          attempt: 1,
          runId: "r",
          seq: 1,
          time: "",
        },
      ]);
    },
    async finish({ attemptId, epoch }) {
      const record = { outcome: "passed" as const, exitCode: 0, message: "", events: 0, chunks: 0 };
      const finish = await finishAttempt(db, { attemptId, epoch }, record);
      if (finish.kind !== "accepted") throw new Error(`the finish was ${finish.kind}`);
    },
    async cancel(jobId) {
      const request = { kind: "canceled" as const, reason: "canceled", message: "canceled" };
      await db.transact(tx => cancelJobs(tx, [jobId], request));
    },
    async expire(workerId) {
      await db.query("update workers set lease_until = now() - interval '1 second' where id = $1", [
        workerId,
      ]);
    },
    stateOf: jobId => viewJob(db, jobId),
    [Symbol.asyncDispose]: () => nudges[Symbol.asyncDispose](),
  };
});
