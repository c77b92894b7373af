// What the logs role takes and how soon readers see it. A database of its own, with fsync on, on the same machine; runners
// and readers are processes of their own that only speak the protocol, and their processor time is shown apart.

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import path from "node:path";
import { promisify } from "node:util";
import { systemClock } from "../../src/lib/clock.ts";
import { startTestDatabase, type TestDatabase } from "../../src/queue/postgres/fixtures/test-database.ts";
import {
  type LogService,
  startLogService,
  type TestAttempt,
} from "../../src/services/logs/fixtures/log-service.ts";
import { startLogs } from "../../src/services/logs/start-logs.ts";
import type { Figure } from "../local/figure.ts";
import type { Read, ReadWish, SendWish, Sent } from "./log-client.ts";

const run = promisify(execFile);

/** Figures of the logs. Takes about a minute. */
export async function logs(): Promise<Figure[]> {
  await using database = await startTestDatabase({ connections: 20, settings: { fsync: "on" } });
  await using service = await startLogService(database.db);
  await using _loops = startLogs({ ...service, clock: systemClock });
  const figures = [
    ...(await oneJob(database, service)),
    ...(await manyJobs(database, service)),
    ...(await latency(database, service)),
  ];
  if (service.failures.length > 0) throw new Error(`the service failed: ${JSON.stringify(service.failures)}`);
  return figures;
}

async function oneJob(database: TestDatabase, service: LogService): Promise<Figure[]> {
  const attempt = await service.attempt();
  const spent = startCpu(database);
  const sent = await client<Sent>(wishOf(service, [attempt], { lines: 4_000_000, linesPerFrame: 600 }));
  const cpu = spent();
  const megabytes = sent.bytes / 1e6;
  return [
    figure("one job", megabytes / (sent.ms / 1000), "MB/s", ">= 40"),
    ...cpuFigures("one job, a megabyte", cpu, sent.cpuMs, megabytes),
    figure("one job, stored bytes equal produced bytes", await equal([attempt], sent), "of 1", ">= 1"),
  ];
}

async function manyJobs(database: TestDatabase, service: LogService): Promise<Figure[]> {
  const attempts: TestAttempt[] = [];
  for (let at = 0; at < 50; at++) attempts.push(await service.attempt());
  const spent = startCpu(database);
  const sent = await client<Sent>(
    wishOf(service, attempts, { lines: 25_000, linesPerFrame: 20, linesPerSecond: 2200 }),
  );
  const cpu = spent();
  const lines = sent.lines / 1000;
  return [
    figure("50 jobs, 110,000 lines/s offered", sent.lines / (sent.ms / 1000), "lines/s", ">= 100000"),
    figure("50 jobs, lines a request", sent.lines / sent.requests, "lines", ""),
    ...cpuFigures("50 jobs, 1,000 lines", cpu, sent.cpuMs, lines),
    figure("50 jobs, stored bytes equal produced bytes", await equal(attempts, sent), "of 50", ">= 50"),
  ];
}

async function latency(database: TestDatabase, service: LogService): Promise<Figure[]> {
  const attempt = await service.attempt();
  const spent = startCpu(database);
  const reading = client<Read>({ kind: "read", urls: [attempt.url("/follow")] });
  const sent = await client<Sent>(
    wishOf(service, [attempt], { lines: 10_000, linesPerFrame: 1, linesPerSecond: 1000 }),
  );
  await attempt.finish(sent.chunks[0]!);
  service.nudges.nudge("attempts", attempt.attemptId);
  const { latencies, bytes, cpuMs } = await reading;
  const cpu = spent();
  const sorted = latencies.sort((a, b) => a - b);
  return [
    figure("line to reader p50, 1,000 lines/s", sorted[Math.floor(sorted.length * 0.5)]!, "ms", "<= 150"),
    figure("line to reader p99, 1,000 lines/s", sorted[Math.floor(sorted.length * 0.99)]!, "ms", "<= 800"),
    ...cpuFigures("1,000 lines/s followed, a second", cpu, sent.cpuMs + cpuMs, 10),
    figure("followed bytes equal produced bytes", bytes === sent.bytes ? 1 : 0, "of 1", ">= 1"),
  ];
}

type Pace = Pick<SendWish, "lines" | "linesPerFrame" | "linesPerSecond">;

function wishOf({ url }: LogService, jobs: readonly TestAttempt[], pace: Pace): SendWish {
  return {
    kind: "send",
    url,
    jobs: jobs.map(({ key, epoch }) => ({ key, epoch })),
    // As much as a runner sends at once.
    maxRequestBytes: 1024 * 1024,
    ...pace,
  };
}

async function client<Answer>(wish: SendWish | ReadWish): Promise<Answer> {
  const file = path.join(import.meta.dirname, "log-client.ts");
  const { stdout } = await run(process.execPath, [file, JSON.stringify(wish)], { maxBuffer: 1 << 28 });
  return JSON.parse(stdout) as Answer;
}

/** How many of the logs are what their runners produced. */
async function equal(attempts: readonly TestAttempt[], sent: Sent): Promise<number> {
  let same = 0;
  for (const [at, attempt] of attempts.entries()) {
    const hash = createHash("sha256");
    const { body } = await fetch(attempt.url());
    for await (const part of body!) hash.update(part as Uint8Array);
    if (hash.digest("hex") === sent.sha256[at]) same++;
  }
  return same;
}

interface Cpu {
  ours: number;
  database: number;
}

/** Processor time from now on: of this process and of the database. Milliseconds. */
function startCpu(database: TestDatabase): () => Cpu {
  const own = process.cpuUsage();
  const before = database.cpuMs();
  return () => {
    const { user, system } = process.cpuUsage(own);
    return { ours: (user + system) / 1000, database: database.cpuMs() - before };
  };
}

function cpuFigures(of: string, cpu: Cpu, clients: number, count: number): Figure[] {
  return [
    figure(`${of}: processor, service`, cpu.ours / count, "ms", ""),
    figure(`${of}: processor, database`, cpu.database / count, "ms", ""),
    figure(`${of}: processor, clients`, clients / count, "ms", ""),
  ];
}

function figure(metric: string, value: number, unit: string, goal: string): Figure {
  return { bench: "logs", metric, value, unit, goal };
}
