// Plans of what a claim asks: nothing reads through all jobs.

import { expect, test } from "vitest";
import { lookStatement } from "./fair-share.ts";
import { useQueueTests } from "./fixtures/queue-tests.ts";
import { seedRun } from "./fixtures/seed.ts";
import { takeManyStatement, takeOneStatement } from "./take-jobs.ts";

const tests = useQueueTests();

test("no claim reads through all jobs", async () => {
  const { db } = tests;
  const { runId } = await seedRun(db, tests.project, []);
  await db.query(
    `insert into jobs (id, run_id, project_id, organisation_id, name, pipeline, class, state, spec, trusted)
     select lpad(to_hex(n), 24, '0'), $1, $2, $3, 'job-' || n, 'build', 'class-' || n % 20,
       case when n % 3 = 0 then 'queued' else 'finished' end, '{}', true
     from generate_series(1, 20000) n`,
    [runId, tests.project.projectId, tests.project.organisationId],
  );
  await db.query("analyze jobs");
  await db.query("analyze attempts");
  const plans = await Promise.all([
    db.query(`explain ${lookStatement}`),
    db.query(`explain ${takeOneStatement}`, ["w", "class-3", tests.project.organisationId, "", Buffer.of()]),
    db.query(`explain ${takeManyStatement}`, ["w", "class-3", tests.project.organisationId, [], [], 9]),
  ]);
  for (const plan of plans) {
    const text = plan.map(row => Object.values(row)[0]).join("\n");
    expect(text).toContain("jobs_queued");
    expect(text).not.toMatch(/Seq Scan on (jobs|attempts|runs|events)/);
  }
});
