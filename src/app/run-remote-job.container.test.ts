// The runner as a process with a container daemon: what comes from a platform runs in containers, and nothing of it stays.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { testDaemon } from "../../test/containers/docker-daemon.ts";
import { buildTestImages, type testImages } from "../../test/containers/test-images.ts";
import type { Job } from "../core/job.ts";
import type { ClaimAnswer } from "../endpoints/runner.ts";
import { runLabel } from "../engine/docker/container-names.ts";
import type { DaemonClient } from "../engine/docker/daemon-client.ts";
import { packEntries } from "../lib/tar/pack-entries.ts";
import { claimAnswer, scriptStep } from "../remote/fixtures/claim-answer.ts";
import { type StandInPlatform, startStandIn } from "../remote/fixtures/stand-in-platform.ts";
import { compressed } from "../remote/packed-archives.ts";

const program = path.join(import.meta.dirname, "..", "cli", "runner-main.ts");
let client: DaemonClient;
let images: typeof testImages;
let root: string;
let count = 0;

beforeAll(async () => {
  client = await testDaemon();
  images = await buildTestImages(client);
  root = await mkdtemp(path.join(tmpdir(), "remote-docker-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

async function platformWith(job: Partial<Job>, more: Partial<ClaimAnswer> = {}): Promise<StandInPlatform> {
  count += 1;
  const answer = claimAnswer(
    { box: { id: images.sh, env: [], ports: [], auth: {} }, runId: `remote-${process.pid}-${count}`, ...job },
    { source: { kind: "sent" }, ...more },
  );
  answer.class.engine = "docker";
  const platform = await startStandIn(answer);
  const tar = packEntries([{ kind: "file", path: "README", content: "read me\n" }], {
    owner: { uid: 0, gid: 0 },
    mtime: 1e9,
  });
  platform.blobs.set("source", Buffer.concat(await Array.fromAsync(compressed(tar))));
  return platform;
}

interface Runner extends AsyncDisposable {
  ended: Promise<number | string>;
  kill(signal: NodeJS.Signals): void;
}

function start({ url }: StandInPlatform, directory: string): Runner {
  const child = spawn(process.execPath, [program], {
    env: { PATH: process.env.PATH },
    stdio: ["pipe", "ignore", "inherit"],
  });
  child.stdin.end(
    JSON.stringify({
      ...{ url, claimToken: "the-claim-token", attemptId: "a", epoch: 1, engine: "docker", directory },
      ...(process.env.DOCKER_HOST ? { docker: { host: process.env.DOCKER_HOST } } : {}),
    }),
  );
  const ended = once(child, "close").then(([code, signal]) => (code ?? signal) as number | string);
  return {
    ended,
    kill: signal => void child.kill(signal),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

const newDirectory = () => mkdtemp(path.join(root, "runner-"));

function logOf({ frames }: StandInPlatform, stream = "stdout"): string {
  return Buffer.concat(frames.filter(frame => frame.stream === stream).map(frame => frame.data)).toString();
}

/** Containers that carry the run's id. */
async function left({ answer }: StandInPlatform): Promise<number> {
  const filters = JSON.stringify({ label: [`${runLabel}=${answer.job.runId}`] });
  const query = { all: true, filters };
  return (await client.call<unknown[]>({ method: "GET", path: "/containers/json", query })).length;
}

test("a job passes in containers: source, cache, output, and nothing of the runner in the box", async () => {
  await using platform = await platformWith({
    steps: [
      scriptStep("look", "cat README; env; ls /"),
      scriptStep("make", 'echo c > "$WERCKER_CACHE_DIR/c"; echo o > "$WERCKER_OUTPUT_DIR/o"'),
    ],
  });
  await using runner = start(platform, await newDirectory());
  expect(await runner.ended).toBe(0);
  expect(platform.violations).toEqual([]);
  expect(platform.finished).toMatchObject([{ outcome: "passed" }]);
  expect(logOf(platform)).toMatch(/^read me\n/);
  expect(logOf(platform)).not.toMatch(/the-claim-token|the-key-of|private/);
  expect([[...platform.artifacts.keys()], [...platform.caches.keys()]]).toEqual([["output"], [""]]);
  expect(await left(platform)).toBe(0);
});

test("a cancel, TERM and a fence end the containers too", async () => {
  const long = { steps: [scriptStep("long", "echo up; sleep 60")] };
  for (const [end, code] of [
    [(platform: StandInPlatform) => platform.cancel({ kind: "canceled", message: "no more" }), 130],
    [(_: StandInPlatform, runner: Runner) => runner.kill("SIGTERM"), 3],
    [
      (platform: StandInPlatform, runner: Runner) => {
        platform.stale = true;
        runner.kill("SIGTERM");
      },
      3,
    ],
  ] as const) {
    await using platform = await platformWith(long);
    await using runner = start(platform, await newDirectory());
    await platform.until(() => logOf(platform) === "up\n");
    end(platform, runner);
    expect(await runner.ended).toBe(code);
    expect(await left(platform)).toBe(0);
  }
});

test("a source that is refused fails the job, one that is cut breaks it; no container stays", async () => {
  const refused: Partial<ClaimAnswer> = {
    source: { kind: "git", repository: "/etc", commit: "a".repeat(40) },
  };
  await using platform = await platformWith({}, refused);
  await using runner = start(platform, await newDirectory());
  expect(await runner.ended).toBe(1);
  expect(platform.finished[0]?.message).toContain("/etc is a path of the machine that fetches");
  await using damaged = await platformWith({});
  damaged.blobs.set("source", damaged.blobs.get("source")!.subarray(0, 40));
  await using other = start(damaged, await newDirectory());
  expect(await other.ended).toBe(3);
  expect(damaged.finished[0]?.message).toMatch(/damaged|cut short/);
  expect([await left(platform), await left(damaged)]).toEqual([0, 0]);
});
