// How the database goes about the statements of the logs, with many logs in it: none of them may read through a table that
// grows with the history.

import { afterAll, beforeAll, expect, test } from "vitest";
import { systemClock } from "../../lib/clock.ts";
import { seedRun } from "../../queue/postgres/fixtures/seed.ts";
import { startTestDatabase, type TestDatabase } from "../../queue/postgres/fixtures/test-database.ts";
import type { Database } from "../../store/database.ts";
import { bodyOf } from "./fixtures/frames.ts";
import { type LogService, startLogService } from "./fixtures/log-service.ts";
import { forwardPass } from "./forward/forward-pass.ts";
import { openLogPieces } from "./read/log-pieces.ts";
import { createSegmentCache } from "./read/segment-cache.ts";
import { rollPass } from "./roll/roll-pass.ts";

let database: TestDatabase;
const statements = new Map<string, readonly unknown[]>();
const never = new AbortController().signal;

beforeAll(async () => {
  database = await startTestDatabase();
}, 60_000);
afterAll(() => database[Symbol.asyncDispose]());

/** The database, with every statement noted that has values. */
function watched(): Database {
  const { db } = database;
  const noted = (text: string, values: readonly unknown[] = []) => {
    if (values.length > 0 && !text.includes("pg_notify")) statements.set(text, values);
  };
  return {
    ...db,
    query(text, values) {
      noted(text, values);
      return db.query(text, values);
    },
    transact: work =>
      db.transact(tx =>
        work({
          query(text, values) {
            noted(text, values);
            return tx.query(text, values);
          },
        }),
      ),
  };
}

/** Logs of 20,000 attempts, all but a few of them long over. */
async function history(db: Database, { project }: LogService): Promise<void> {
  const { jobIds, runId } = await seedRun(db, project, [{}]);
  await db.query("update jobs set state = 'finished' where id = $1", [jobIds[0]]);
  await db.query(
    `insert into attempts (id, job_id, run_id, number, state, claim_hash, finished_at)
     select lpad(to_hex(n), 24, '0'), $1, $2, n, 'finished', '', now() from generate_series(1000, 21000) n`,
    [jobIds[0], runId],
  );
  await db.query(
    `insert into logs (attempt_id, run_id, bytes, lines, sealed) select id, run_id, 50000, 1000, true from attempts`,
  );
  await db.query(
    `insert into log_segments (attempt_id, start_byte, end_byte, first_line, lines, blob_key, data_bytes)
     select attempt_id, n * 25000, (n + 1) * 25000, 0, 500, attempt_id || n, 1 from logs, generate_series(0, 1) n`,
  );
  await db.query(
    `insert into log_chunks (attempt_id, start_byte, end_byte, first_line, lines, frames, data)
     select attempt_id, 50000, 50001, 0, 0, '', '' from logs`,
  );
  await db.query(
    `insert into log_index (attempt_id, line, byte, time, step, stream, begins)
     select attempt_id, n * 250, n * 10000, now(), 'step' || n, 'stdout', true from logs, generate_series(0, 4) n`,
  );
  await db.query(
    "insert into forward_positions (target, attempt_id, byte, done) select 't', attempt_id, 50000, true from logs",
  );
  await db.query("analyze");
}

const growing = [
  "attempts",
  "runs",
  "jobs",
  "logs",
  "log_segments",
  "log_chunks",
  "log_index",
  "forward_positions",
  "blobs",
];

interface Plan {
  "Node Type": string;
  "Relation Name"?: string;
  Plans?: Plan[];
}

function scansOf(plan: Plan): string[] {
  const own = plan["Node Type"] === "Seq Scan" ? [plan["Relation Name"] ?? ""] : [];
  return [...own, ...(plan.Plans ?? []).flatMap(scansOf)];
}

async function plan(text: string, values: readonly unknown[] | undefined): Promise<Plan> {
  const options = values === undefined ? "generic_plan, format json" : "format json";
  const rows = await database.db.query<{ "QUERY PLAN": { Plan: Plan }[] }>(
    `explain (${options}) ${text}`,
    values,
  );
  return rows[0]!["QUERY PLAN"][0]!.Plan;
}

test("no statement reads through a table that grows", async () => {
  await using service = await startLogService(watched(), { targets: ["t"] });
  await history(database.db, service);
  const attempt = await service.attempt();
  const data = Array.from({ length: 3000 }, (_, at) => `line ${at}\n`).join("");
  await attempt.send(bodyOf({ seq: 1, data }, { seq: 2, step: "b", data: "x" }));
  for (const rest of [
    "",
    "?firstLine=2500&lines=10",
    "?step=b",
    "/lines?firstLine=2000",
    "/steps",
    "/search?text=2",
  ]) {
    expect((await fetch(attempt.url(rest))).status).toBe(200);
  }
  await attempt.finish(2);
  expect((await fetch(attempt.url("/follow"))).status).toBe(200);
  const { db, blobs, limits, failed } = service;
  await rollPass({ db, blobs, limits, failed }, never);
  const pieces = openLogPieces({ db, segments: createSegmentCache(blobs, 1e6) });
  const forwarder = { send: async () => ({ kind: "taken" as const }) };
  await forwardPass({ db, pieces, clock: systemClock, counts: {}, failed }, "t", forwarder, never);
  expect(service.failures).toEqual([]);
  const ours = [...statements].filter(([text]) => /\b(logs?|log_\w+|forward_positions)\b/.test(text));
  expect(ours.length).toBeGreaterThan(12);
  const found: string[] = [];
  for (const [text, values] of ours) {
    for (const known of [values, undefined]) {
      const scans = scansOf(await plan(text, known)).filter(table => growing.includes(table));
      if (scans.length > 0)
        found.push(`${scans.join(", ")}${known === undefined ? " (generic)" : ""}: ${text}`);
    }
  }
  expect(found).toEqual([]);
}, 30_000);
