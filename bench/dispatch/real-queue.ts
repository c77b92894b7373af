// The queue as workers have it: PostgreSQL behind an api over HTTP.

import { systemClock } from "../../src/lib/clock.ts";
import { serveWorkers, workerToken } from "../../src/queue/http/fixtures/serve-workers.ts";
import { type SeedProject, seedProject, seedRun } from "../../src/queue/postgres/fixtures/seed.ts";
import { startTestDatabase } from "../../src/queue/postgres/fixtures/test-database.ts";
import { openNudges } from "../../src/queue/postgres/nudges.ts";
import { createPostgresQueue } from "../../src/queue/postgres/postgres-queue.ts";

export interface RealQueue extends AsyncDisposable {
  apiUrl: string;
  workerToken: string;
  /** Puts jobs in; answers their ids when they are there. */
  put(jobs: number): Promise<string[]>;
  /** Attempts that are not over; of these, those whose runner was launched. */
  live(): Promise<number>;
  launched(): Promise<number>;
}

export async function openRealQueue(): Promise<RealQueue> {
  await using stack = new AsyncDisposableStack();
  const { db } = stack.use(await startTestDatabase({ connections: 20, settings: { fsync: "on" } }));
  const nudges = stack.use(await openNudges(db, systemClock));
  const queue = createPostgresQueue({ db, nudges, clock: systemClock });
  const server = stack.use(await serveWorkers(db, queue));
  const project: SeedProject = await seedProject(db);
  const token = await workerToken(db, "default");
  const count = async (which: string) => {
    const [row] = await db.query<{ count: number }>(
      `select count(*)::int as count from attempts where ${which}`,
    );
    return row?.count ?? 0;
  };
  const all = stack.move();
  return {
    ...{ apiUrl: server.url, workerToken: token },
    live: () => count("finished_at is null"),
    launched: () => count("finished_at is null and launcher_ref is not null"),
    async put(jobs) {
      const { jobIds } = await seedRun(
        db,
        project,
        Array.from({ length: jobs }, () => ({})),
      );
      nudges.nudge("jobs");
      return jobIds;
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}
