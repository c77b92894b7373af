// How long a claim takes behind a long queue, and how many jobs a second go from
// the queue to their end. A database of its own, with fsync on; claimers and database share the machine.

import { systemClock } from "../../src/lib/clock.ts";
import { finishAttempt } from "../../src/queue/postgres/finish-attempt.ts";
import { type SeedProject, seedProject, seedRun } from "../../src/queue/postgres/fixtures/seed.ts";
import { startTestDatabase, type TestDatabase } from "../../src/queue/postgres/fixtures/test-database.ts";
import { openNudges } from "../../src/queue/postgres/nudges.ts";
import { createPostgresQueue } from "../../src/queue/postgres/postgres-queue.ts";
import { exchangeClaim, noteRunBegun, storeEvents } from "../../src/queue/postgres/runner-writes.ts";
import type { Queue } from "../../src/queue/queue.ts";
import type { Database } from "../../src/store/database.ts";
import { newId } from "../../src/store/new-id.ts";
import type { Figure } from "../local/figure.ts";

const organisations = 50;
const queuedJobs = 100_000;
const claimers = 8;
const claims = 4000;
const throughputMs = 10_000;
const never = new AbortController().signal;

/** Figures of the queue. Takes about half a minute. */
export async function claim(): Promise<Figure[]> {
  await using database = await startTestDatabase({ connections: 20, settings: { fsync: "on" } });
  const { db } = database;
  await using nudges = await openNudges(db, systemClock);
  const queue = createPostgresQueue({ db, nudges, clock: systemClock });
  const projects: SeedProject[] = [];
  for (let at = 0; at < organisations; at++) projects.push(await seedProject(db));
  await fill(db, projects);
  return [...(await claimTimes(database, queue)), ...(await throughput(database, queue, projects))];
}

async function fill(db: Database, projects: readonly SeedProject[]): Promise<void> {
  for (const project of projects) {
    const { runId } = await seedRun(db, project, []);
    await db.query(
      `insert into jobs (id, run_id, project_id, organisation_id, name, pipeline, class, state, priority, spec, trusted)
       select $4 || lpad(to_hex(n), 8, '0'), $1, $2, $3, 'job-' || n, 'build', 'default', 'queued', n % 3, $5, true
       from generate_series(1, $6) n`,
      [
        runId,
        project.projectId,
        project.organisationId,
        newId(Date.now()).slice(0, 16),
        {
          box: { id: "alpine" },
          services: [],
          steps: [{ source: { kind: "script", code: "x".repeat(1000) } }],
        },
        queuedJobs / organisations,
      ],
    );
  }
  await db.query("analyze");
}

async function claimTimes(database: TestDatabase, queue: Queue): Promise<Figure[]> {
  const { db } = database;
  const times: number[] = [];
  let left = claims;
  const spent = startCpu(database);
  await everyWorker(queue, async id => {
    while (left-- > 0) {
      const began = performance.now();
      const got = await queue.claim(id, 1, 0, never);
      times.push(performance.now() - began);
      // As many run as a real site would have, so that counting them costs what it costs there.
      if (times.length > 500) await finish(db, got);
    }
  });
  const cpu = spent();
  const sorted = times.sort((a, b) => a - b);
  const behind = `behind ${queuedJobs} jobs, ${claimers} claimers`;
  return [
    figure(`claim p50 ${behind}`, sorted[Math.floor(sorted.length * 0.5)]!, "ms", ""),
    figure(`claim p99 ${behind}`, sorted[Math.floor(sorted.length * 0.99)]!, "ms", "<= 15"),
    figure("processor time a claim and finish, queue", cpu.ours / claims, "ms", ""),
    figure("processor time a claim and finish, database", cpu.database / claims, "ms", ""),
  ];
}

async function throughput(
  database: TestDatabase,
  queue: Queue,
  projects: readonly SeedProject[],
): Promise<Figure[]> {
  const { db } = database;
  const until = performance.now() + throughputMs;
  const began = performance.now();
  const spent = startCpu(database);
  let done = 0;
  let next = 0;
  await everyWorker(queue, async id => {
    while (performance.now() < until) {
      const batch = 4;
      await Promise.all(
        Array.from({ length: batch }, () => seedRun(db, projects[next++ % projects.length]!, [{}])),
      );
      const got = await queue.claim(id, batch, 0, never);
      await Promise.all(
        got.map(async claim => {
          const exchange = await exchangeClaim(db, claim.claimToken, "nonce");
          if (exchange.kind !== "ok") throw new Error(`the exchange was ${exchange.kind}`);
          if (exchange.first) await noteRunBegun(db, exchange.runId);
          await storeEvents(db, claim, [begun]);
          await finish(db, [claim], 1);
        }),
      );
      done += got.length;
    }
  });
  const seconds = (performance.now() - began) / 1000;
  const cpu = spent();
  const wholeCores = 2000 / ((cpu.ours + cpu.database) / done);
  return [
    figure("jobs through enqueue, claim, start, finish", done / seconds, "jobs/s", ">= 500"),
    figure("processor time a job, queue", cpu.ours / done, "ms", ""),
    figure("processor time a job, database", cpu.database / done, "ms", ""),
    // What a machine does that has nothing else to do: here others may use most of it.
    figure("jobs that the time of two cores is good for", wholeCores, "jobs/s", ""),
  ];
}

/** Processor time from now on: of this process and of the database. Milliseconds. */
function startCpu(database: TestDatabase): () => { ours: number; database: number } {
  const own = process.cpuUsage();
  const before = database.cpuMs();
  return () => {
    const { user, system } = process.cpuUsage(own);
    return { ours: (user + system) / 1000, database: database.cpuMs() - before };
  };
}

const begun = {
  type: "step-started" as const,
  step: "s",
  name: "s",
  phase: "main" as const,
  order: 1,
  attempt: 1,
  runId: "r",
  seq: 1,
  time: "2026-01-01T00:00:00Z",
};

async function finish(
  db: Database,
  got: readonly { attemptId: string; epoch: number }[],
  events = 0,
): Promise<void> {
  for (const attempt of got) {
    const outcome = events === 0 ? ("passed" as const) : ("failed" as const);
    await finishAttempt(db, attempt, { outcome, exitCode: 0, message: "", events, chunks: 0 });
  }
}

/** Runs `work` for all workers at the same time, with their leases renewed. */
async function everyWorker(queue: Queue, work: (id: string) => Promise<void>): Promise<void> {
  const ids = Array.from({ length: claimers }, (_, at) => `worker-${at}`);
  const renew = () =>
    Promise.all(
      ids.map(id =>
        queue.renew(
          {
            id,
            name: id,
            version: "1",
            classes: ["default"],
            labels: {},
            capacity: 100,
            draining: false,
          },
          [],
        ),
      ),
    );
  await renew();
  const timer = setInterval(() => void renew(), 2500);
  await Promise.all(ids.map(work)).finally(() => clearInterval(timer));
}

function figure(metric: string, value: number, unit: string, goal: string): Figure {
  return { bench: "claim", metric, value, unit, goal };
}
