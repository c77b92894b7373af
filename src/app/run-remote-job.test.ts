// The runner as a process against the platform's real listeners: database, blobs, logs, git and shells are real too.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { createToken } from "../auth/tokens.ts";
import type { Job } from "../core/job.ts";
import { createRepository } from "../git/fixtures/git-server.ts";
import { openServerLog } from "../http/server-log.ts";
import { cancelRun } from "../queue/postgres/cancel-jobs.ts";
import { freshQueue } from "../queue/postgres/fixtures/fresh-queue.ts";
import { seedRun, viewJob } from "../queue/postgres/fixtures/seed.ts";
import { startTestDatabase, type TestDatabase } from "../queue/postgres/fixtures/test-database.ts";
import type { Nudges } from "../queue/postgres/nudges.ts";
import type { Claim, Queue } from "../queue/queue.ts";
import { scriptStep, testJob } from "../remote/fixtures/claim-answer.ts";
import { type Database, openDatabase } from "../store/database.ts";
import type { RunningServer } from "./server/running-server.ts";
import { serve } from "./server/serve.ts";
import { readSettings } from "./server/settings.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const program = path.join(import.meta.dirname, "..", "cli", "runner-main.ts");
let cluster: TestDatabase;
/** A database of its own, whose tables the server makes. */
let url: string;
let db: Database;
let root: string;
let repository: { url: string; commit: string };
let server: RunningServer;
let queue: Queue;
let nudges: Nudges;
let seed: Awaited<ReturnType<typeof freshQueue>>["project"];
let token: string;

beforeAll(async () => {
  cluster = await startTestDatabase();
  await cluster.db.query("create database platform");
  url = cluster.url.replace("/postgres?", "/platform?");
  db = openDatabase({ url, connections: 4 });
  root = await mkdtemp(path.join(tmpdir(), "remote-job-"));
  await chmod(root, 0o755);
  const made = createRepository(path.join(root, "app"));
  repository = {
    commit: made.commit({ README: "read me\n", "steps/own/run.sh": "echo own $WERCKER_OWN_WORD\n" }),
    url: `file://${root}/app`,
  };
});
afterAll(async () => {
  await db[Symbol.asyncDispose]();
  await cluster[Symbol.asyncDispose]();
  await rm(root, { recursive: true, force: true });
});
beforeEach(async () => {
  const read = readSettings({
    flags: {
      roles: "api,logs",
      listen: "127.0.0.1:0",
      runnerListen: "127.0.0.1:0",
      dataDir: path.join(root, "data"),
      databaseUrl: url,
    },
    env: {},
  });
  if (!read.ok) throw new Error(read.refusal.message);
  const log = openServerLog("error", line => process.stderr.write(line));
  server = await serve({ settings: read.value.settings, log, version: "0.0.0-test", environment: {} });
  ({ queue, nudges, project: seed } = await freshQueue(db));
  // Whoever reads the logs.
  const [{ id: userId } = { id: 0 }] = await db.query<{ id: number }>(
    "insert into users (name, admin) values ('reader', true) on conflict (name) do update set admin = true returning id",
  );
  token = (await createToken(db, { kind: "personal", name: "reads", userId })).secret;
  await db.query("update projects set repository = $2 where id = $1", [seed.projectId, repository.url]);
  await db.query(
    `insert into classes (name, settings) values ('default', '{"engine": "host"}')
     on conflict (name) do update set settings = excluded.settings`,
  );
});
afterEach(async () => {
  await nudges[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

async function claimed(job: Partial<Job>): Promise<Claim> {
  const { runId, jobIds } = await seedRun(db, seed);
  await db.query("update runs set commit_id = $2 where id = $1", [runId, repository.commit]);
  await db.query("update jobs set spec = $2 where id = $1", [jobIds[0], testJob(job)]);
  const [claim] = await queue.claim("w", 1, 0, new AbortController().signal);
  return claim!;
}

interface Runner extends AsyncDisposable {
  child: ChildProcess;
  directory: string;
  ended: Promise<number | string>;
  said(): string;
}

async function start(claim: Claim, input: object = {}): Promise<Runner> {
  const directory = await mkdtemp(path.join(root, "runner-"));
  await chmod(directory, 0o711);
  const child = spawn(process.execPath, [program], {
    env: { PATH: process.env.PATH, PRIVATE: "of the runner" },
    stdio: ["pipe", "ignore", "pipe"],
  });
  let said = "";
  child.stderr!.on("data", part => {
    said += part;
  });
  const { claimToken, attemptId, epoch } = claim;
  child.stdin!.end(
    JSON.stringify({
      ...{ url: server.runnerUrl, claimToken, attemptId, epoch, engine: "host", directory },
      git: { allowFile: true },
      ...input,
    }),
  );
  const ended = once(child, "close").then(([code, signal]) => (code ?? signal) as number | string);
  return {
    child,
    directory,
    ended,
    said: () => said,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

/** The log as readers get it. */
async function logOf({ jobId, attemptId }: Claim): Promise<string> {
  const response = await fetch(`${server.url}/api/v1/logs/${jobId}/${attemptId}`, {
    headers: { authorization: `Bearer ${token}` },
  });
  return response.text();
}

async function outcomeOf({ jobId }: Claim) {
  const { state, outcome, message } = await viewJob(db, jobId);
  return { state, outcome, message };
}

test("a job of a repository passes: checkout, a step of the project, the log byte for byte, the output", async () => {
  const own = {
    ...scriptStep("own", "", { name: "own", options: [{ name: "word", value: "word" }] }),
    source: { kind: "file" as const, path: "steps/own", digest: "" },
  };
  const { digestOfFiles, readStepDirectory } = await import("../steps/step-directory.ts");
  const files = await readStepDirectory(path.join(root, "app", "steps", "own"));
  own.source.digest = digestOfFiles(files.ok ? files.value : []);
  const lines = 3000;
  const claim = await claimed({
    steps: [
      scriptStep(
        "look",
        `cat README; git rev-parse HEAD; i=0; while [ $i -lt ${lines} ]; do echo "line $i"; i=$((i+1)); done`,
      ),
      own,
      scriptStep("make", 'echo made > "$WERCKER_OUTPUT_DIR/made"; env'),
    ],
  });
  await using runner = await start(claim);
  expect([await runner.ended, runner.said()]).toEqual([0, ""]);
  expect(await outcomeOf(claim)).toMatchObject({ state: "finished", outcome: "passed" });
  const log = await logOf(claim);
  const counted = Array.from({ length: lines }, (_, at) => `line ${at}\n`).join("");
  expect(log.startsWith(`read me\n${repository.commit}\n${counted}own word\n`)).toBe(true);
  expect(log).not.toMatch(/PRIVATE|claimToken/);
  const [artifact] = await db.query("select name, files from artifacts where job_id = $1", [claim.jobId]);
  expect(artifact).toEqual({ name: "output", files: 1 });
});

test("a runner that is killed leaves the job to the platform; one that is started again touches nothing", async () => {
  const claim = await claimed({ steps: [scriptStep("long", "echo up; sleep 60")] });
  await using runner = await start(claim);
  await expect.poll(() => logOf(claim), { timeout: 20_000 }).toBe("up\n");
  runner.child.kill("SIGKILL");
  expect(await runner.ended).toBe("SIGKILL");
  const events = "select count(*)::int as count from events where attempt_id = $1";
  const [before] = await db.query(events, [claim.attemptId]);
  await using again = await start(claim);
  expect(await again.ended).toBe(3);
  expect(again.said()).toContain("broken: runner restarted");
  expect(await db.query(events, [claim.attemptId])).toEqual([before]);
  expect(await outcomeOf(claim)).toMatchObject({ state: "running" });
  expect(
    await queue.lost(claim.attemptId, claim.epoch, {
      outcome: "broken",
      reason: "killed",
      message: "killed",
    }),
  ).toBe("ok");
  const boxes = await readdir(path.join(runner.directory, "box"));
  const { sweepHost } = await import("./host-leftovers.ts");
  expect((await sweepHost(path.join(runner.directory, "box"))).removed.length).toBe(boxes.length);
});

test("TERM ends the job as broken, told within the grace", async () => {
  const claim = await claimed({ steps: [scriptStep("long", "echo up; sleep 60")] });
  await using runner = await start(claim);
  await expect.poll(() => logOf(claim), { timeout: 20_000 }).toBe("up\n");
  runner.child.kill("SIGTERM");
  expect(await runner.ended).toBe(3);
  const [attempt] = await db.query("select outcome, message from attempts where id = $1", [claim.attemptId]);
  expect(attempt).toMatchObject({ outcome: "broken", message: "runner stopped by SIGTERM" });
});

test("a cancel reaches the step within a second", async () => {
  const claim = await claimed({
    steps: [scriptStep("long", "echo up; trap 'echo told; exit 1' TERM; sleep 60 & wait")],
  });
  await using runner = await start(claim);
  await expect.poll(() => logOf(claim), { timeout: 20_000 }).toBe("up\n");
  const began = performance.now();
  await cancelRun(db, claim.runId, {
    kind: "canceled",
    reason: "canceled",
    message: "canceled by somebody",
  });
  nudges.nudge("attempts", claim.attemptId);
  expect(await runner.ended).toBe(130);
  expect(performance.now() - began).toBeLessThan(4000);
  expect(await outcomeOf(claim)).toMatchObject({ outcome: "canceled", message: "canceled by somebody" });
});

test("an attempt that was given up writes nothing more, and its box is gone", async () => {
  const claim = await claimed({
    steps: [scriptStep("long", "echo up; while :; do sleep 0.1; echo more; done")],
  });
  await using runner = await start(claim);
  await expect.poll(() => logOf(claim), { timeout: 20_000 }).toContain("up\n");
  await queue.lost(claim.attemptId, claim.epoch, {
    outcome: "broken",
    reason: "silent",
    message: "given up",
  });
  expect(await runner.ended).toBe(3);
  expect(runner.said()).toContain("fenced");
  expect(await readdir(path.join(runner.directory, "box"), { recursive: true })).toHaveLength(1);
});

test("the box sees nothing of the runner; as root it is another user's, who cannot read its files either", async () => {
  const asRoot = process.getuid?.() === 0;
  const claim = await claimed({
    steps: [
      scriptStep(
        "look",
        `id -u; ls ../../../../../private 2>&1 || true; runner=$(pwd | sed 's|.*/p\\([0-9]*\\)-.*|\\1|'); cat /proc/$runner/environ 2>&1 || true; touch mine && echo ok; env | grep PRIVATE || true`,
      ),
    ],
  });
  await using runner = await start(claim, asRoot ? { user: { uid: 65534, gid: 65534 } } : {});
  expect([await runner.ended, runner.said()]).toEqual([0, ""]);
  const log = await logOf(claim);
  expect(log.startsWith(`${asRoot ? 65534 : process.getuid?.()}\n`)).toBe(true);
  if (asRoot) expect(log.match(/ermission denied/g)).toHaveLength(2);
  expect(log).toContain("ok\n");
  expect(log).not.toContain("of the runner");
  expect(await readFile(path.join(root, "app", "README"), "utf8")).toBe("read me\n");
});
