import { readdir } from "node:fs/promises";
import path from "node:path";
import { expect, test, vi } from "vitest";
import { Cancel } from "../core/cancel.ts";
import type { Job } from "../core/job.ts";
import type { ClaimAnswer } from "../endpoints/runner.ts";
import { packEntries } from "../lib/tar/pack-entries.ts";
import { readArchive } from "../lib/tar/read-archive.ts";
import { claimAnswer, scriptStep } from "./fixtures/claim-answer.ts";
import { runHere } from "./fixtures/run-here.ts";
import { type StandInPlatform, startStandIn } from "./fixtures/stand-in-platform.ts";
import { compressed, decompressed } from "./packed-archives.ts";

// git and shells are started again and again, on whatever else the machine does.
vi.setConfig({ testTimeout: 30_000 });

const start = (job: Partial<Job>, more: Partial<ClaimAnswer> = {}) => startStandIn(claimAnswer(job, more));

/** The log as it arrived, of a step's stream. */
function logOf(platform: StandInPlatform, step: string, stream = "stdout"): string {
  const frames = platform.frames.filter(frame => frame.step === step && frame.stream === stream);
  return Buffer.concat(frames.map(frame => frame.data)).toString();
}

async function packedFiles(files: Record<string, string>): Promise<Buffer> {
  const entries = Object.entries(files).map(([name, content]) => ({
    kind: "file" as const,
    path: name,
    content,
  }));
  const tar = packEntries(entries, { owner: { uid: 0, gid: 0 }, mtime: 1e9 });
  return Buffer.concat(await Array.fromAsync(compressed(tar)));
}

async function filesIn(packed: Buffer): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for await (const entry of readArchive(
    decompressed(
      (async function* () {
        yield packed;
      })(),
    ),
  )) {
    if (entry.kind !== "file") continue;
    files[entry.path] = Buffer.concat(await Array.fromAsync(entry.content)).toString();
  }
  return files;
}

const typesOf = (platform: StandInPlatform) =>
  platform.events.map(event =>
    "step" in event && event.step !== undefined ? `${event.type} ${event.step}` : event.type,
  );

test("what came with the claim is not asked for", async () => {
  const source = await packedFiles({ README: "read me\n" });
  await using platform = await start(
    { steps: [scriptStep("look", "cat README")] },
    { source: { kind: "sent", packed: source.toString("base64") }, noCaches: true },
  );
  await using runner = await runHere(platform);
  expect(await runner.ended).toBe(0);
  expect(platform.violations).toEqual([]);
  expect(logOf(platform, "look-1")).toBe("read me\n");
  expect(platform.requests.filter(request => /^GET (source|cache)/.test(request))).toEqual([]);
});

test("a job passes: its source comes, its log, events, output, caches and tests arrive, in an order that can be told", async () => {
  await using platform = await start(
    {
      steps: [
        scriptStep("look", "cat README; echo oops >&2; echo $SECRET"),
        scriptStep(
          "make",
          `mkdir -p "$WERCKER_OUTPUT_DIR" reports dist; echo made > "$WERCKER_OUTPUT_DIR/app"; echo cached > "$WERCKER_CACHE_DIR/c"
         echo x > dist/x; echo '<testsuite name="s"><testcase name="one"/><testcase name="hush-hush"><failure/></testcase></testsuite>' > reports/r.xml`,
        ),
      ],
      secrets: [{ name: "SECRET", exported: true }],
      artifacts: [{ name: "site", paths: ["dist/**"] }],
      reports: ["reports/*.xml"],
    },
    {
      source: { kind: "sent" },
      secrets: [{ name: "SECRET", value: "hush-hush" }],
    },
  );
  platform.blobs.set("source", await packedFiles({ README: "read me\n" }));
  await using runner = await runHere(platform);
  expect(await runner.ended).toBe(0);
  expect(platform.violations).toEqual([]);
  expect(platform.finished).toMatchObject([{ epoch: 1, outcome: "passed", exitCode: 0, message: "" }]);
  expect(logOf(platform, "look-1")).toBe("read me\n***\n");
  expect(logOf(platform, "look-1", "stderr")).toBe("oops\n");
  expect(typesOf(platform).filter(type => type !== "notice")).toEqual([
    "run-started",
    "step-started setup environment",
    "step-finished setup environment",
    "step-started look-1",
    "step-finished look-1",
    "step-started make-1",
    "step-finished make-1",
    "tests-reported",
    "step-started store",
    "artifact-stored store",
    "artifact-stored store",
    "step-finished store",
    "cache-stored",
    "run-finished",
  ]);
  const ended = platform.events.find(event => event.type === "step-finished" && event.step === "look-1");
  const last = platform.frames.findLast(frame => frame.step === "look-1");
  expect(ended?.afterChunk).toBe(last?.seq);
  expect(await filesIn(platform.artifacts.get("output")!.bytes)).toEqual({ app: "made\n" });
  expect(await filesIn(platform.artifacts.get("site")!.bytes)).toEqual({ "dist/x": "x\n" });
  expect(await filesIn(platform.caches.get("")!)).toEqual({ c: "cached\n" });
  expect(platform.cases).toEqual([
    { suite: "s", name: "one", outcome: "passed", durationMs: null, message: "" },
    { suite: "s", name: "***", outcome: "failed", durationMs: null, message: "" },
  ]);
  expect(await readdir(path.join(runner.directory, "private"))).toEqual([]);
});

test("outputs of earlier jobs are the source, each in its directory", async () => {
  await using platform = await start(
    { steps: [scriptStep("look", "cat a/f b/c/f top")] },
    {
      inputs: [
        { directory: "", name: "j0" },
        { directory: "a", name: "j1" },
        { directory: "b/c", name: "j2" },
      ],
    },
  );
  platform.blobs.set("inputs/j0", await packedFiles({ top: "top\n" }));
  platform.blobs.set("inputs/j1", await packedFiles({ f: "one\n" }));
  platform.blobs.set("inputs/j2", await packedFiles({ f: "two\n" }));
  await using runner = await runHere(platform);
  expect(await runner.ended).toBe(0);
  expect(logOf(platform, "look-1")).toBe("one\ntwo\ntop\n");
});

test("a step that fails makes the job fail, with what it was", async () => {
  await using platform = await start({ steps: [scriptStep("fail", "echo before; exit 3")] });
  await using runner = await runHere(platform);
  expect(await runner.ended).toBe(1);
  expect(platform.finished).toMatchObject([{ outcome: "failed", exitCode: 1, failedStep: "fail" }]);
  expect(platform.finished[0]?.message).toContain("exit code 3");
});

test("nothing of the user's runs before the platform has stored that it begins", async () => {
  await using platform = await start({ steps: [scriptStep("mark", 'echo ran > "$MARK"')] });
  const mark = path.join("/tmp", `mark-${process.pid}`);
  platform.answer.job.environment.push({ name: "MARK", value: mark });
  const held = Promise.withResolvers<void>();
  platform.hold = request => (request === "POST events" ? held.promise : undefined);
  await using runner = await runHere(platform);
  const boxes = () => readdir(path.join(runner.directory, "box")).catch(() => []);
  await expect.poll(async () => (await boxes()).length).toBe(1);
  platform.cancel({ kind: "canceled", message: "never mind" });
  // It ends without having run: the wait is given up for the cancel.
  await expect.poll(boxes, { timeout: 4000 }).toEqual([]);
  held.resolve();
  expect(await runner.ended).toBe(130);
  expect(platform.finished).toMatchObject([{ outcome: "canceled", message: "never mind" }]);
  expect(await readdir("/tmp")).not.toContain(path.basename(mark));
});

test("a cancel reaches the step at once", async () => {
  await using platform = await start({ steps: [scriptStep("long", "echo up; sleep 60")] });
  await using runner = await runHere(platform);
  await platform.until(() => logOf(platform, "long-1") === "up\n");
  const began = performance.now();
  platform.cancel({ kind: "canceled", message: "somebody said so" });
  expect(await runner.ended).toBe(130);
  expect(performance.now() - began).toBeLessThan(2000);
  expect(platform.finished).toMatchObject([{ outcome: "canceled", message: "somebody said so" }]);
});

test("heartbeats tell of a cancel too, where no poll gets through", async () => {
  await using platform = await start({ steps: [scriptStep("long", "echo up; sleep 60")] });
  platform.answer.limits.heartbeatMs = 100;
  platform.mishap = request => (request === "GET cancel" ? 503 : undefined);
  await using runner = await runHere(platform);
  await platform.until(() => logOf(platform, "long-1") === "up\n" && platform.heartbeats > 1);
  platform.cancel({ kind: "timed-out", message: "too long" });
  expect(await runner.ended).toBe(1);
  expect(platform.finished).toMatchObject([{ outcome: "timed-out", message: "too long" }]);
});

test("TERM ends the job as broken, and it is told", async () => {
  await using platform = await start({ steps: [scriptStep("long", "echo up; sleep 60")] });
  await using runner = await runHere(platform);
  await platform.until(() => logOf(platform, "long-1") === "up\n");
  runner.stop(new Cancel("broken", "runner stopped by SIGTERM"));
  expect(await runner.ended).toBe(3);
  expect(platform.finished).toMatchObject([{ outcome: "broken", message: "runner stopped by SIGTERM" }]);
});

test("TERM because of a cancel is a cancel", async () => {
  await using platform = await start({ steps: [scriptStep("long", "echo up; sleep 60")] });
  // The open poll does not get through.
  platform.mishap = request => (request === "GET cancel" ? 503 : undefined);
  await using runner = await runHere(platform);
  await platform.until(() => logOf(platform, "long-1") === "up\n");
  platform.cancel({ kind: "canceled", message: "somebody said so" });
  runner.stop(new Cancel("broken", "runner stopped by SIGTERM"));
  expect(await runner.ended).toBe(130);
  expect(platform.finished).toMatchObject([{ outcome: "canceled" }]);
});

test("a fenced attempt ends at once and writes nothing more", async () => {
  await using platform = await start({ steps: [scriptStep("long", "echo up; sleep 60; echo never")] });
  await using runner = await runHere(platform);
  await platform.until(() => logOf(platform, "long-1") === "up\n");
  platform.stale = true;
  const before = { events: platform.events.length, frames: platform.frames.length };
  // The next word that it says meets the fence; the open poll is one.
  platform.cancel({ kind: "canceled", message: "not for this one" });
  runner.stop(new Cancel("broken", "runner stopped"));
  expect(await runner.ended).toBe(3);
  expect({ events: platform.events.length, frames: platform.frames.length }).toEqual(before);
  expect(platform.finished).toEqual([]);
  expect(runner.said.join()).toContain("fenced");
  expect(await readdir(path.join(runner.directory, "box"))).toEqual([]);
});

test("a claim that is another's, stale or unknown touches nothing", async () => {
  await using platform = await start({});
  const first = await fetch(`${platform.url}/runner/v1/claim`, {
    method: "POST",
    body: JSON.stringify({ claimToken: "the-claim-token", nonce: "an earlier start", runner: {} }),
  });
  expect(first.status).toBe(200);
  await first.arrayBuffer();
  await using restarted = await runHere(platform);
  expect(await restarted.ended).toBe(3);
  expect(restarted.said.join()).toContain("runner restarted");
  await using unknown = await runHere(platform, { claimToken: "another" });
  expect(await unknown.ended).toBe(3);
  expect(platform.requests.every(request => request === "POST claim")).toBe(true);
  expect(platform.events).toEqual([]);
});

test("answers that get lost do no harm: everything arrives once and whole", async () => {
  const lines = 2000;
  await using platform = await start({
    steps: [scriptStep("count", `i=0; while [ $i -lt ${lines} ]; do echo "line $i"; i=$((i+1)); done`)],
  });
  let count = 0;
  platform.mishap = request => {
    count += 1;
    if (request === "GET cancel") return undefined;
    return ([undefined, "lose", 503, "cut", undefined, 429] as const)[count % 6];
  };
  await using runner = await runHere(platform);
  expect(await runner.ended).toBe(0);
  expect(platform.violations).toEqual([]);
  expect(logOf(platform, "count-1")).toBe(Array.from({ length: lines }, (_, i) => `line ${i}\n`).join(""));
  expect(platform.events.map(event => event.seq)).toEqual(platform.events.map((_, at) => at + 1));
});

test("a terminal record that comes too early is said again", async () => {
  await using platform = await start({});
  let asked = 0;
  platform.mishap = request => (request === "POST finish" && asked++ < 2 ? 503 : undefined);
  await using runner = await runHere(platform);
  expect(await runner.ended).toBe(0);
  expect(platform.finished.length).toBe(1);
});

test("a blob store that is full is waited for, with a word in the log, and the job passes when it has room", async () => {
  await using platform = await start({
    steps: [scriptStep("make", 'echo made > "$WERCKER_OUTPUT_DIR/made"')],
  });
  const full = { status: 503, code: "blobs-full", detail: "no space left to store artifact/x" };
  let first: number | undefined;
  platform.mishap = request => {
    if (!request.startsWith("PUT artifacts/")) return undefined;
    first ??= Date.now();
    return Date.now() - first < 4000 ? full : undefined;
  };
  await using runner = await runHere(platform);
  expect(await runner.ended).toBe(0);
  const notices = platform.events.flatMap(event => (event.type === "notice" ? [event.message] : []));
  expect(notices.filter(text => text.includes("no space left"))).toHaveLength(1);
  expect(platform.artifacts.size).toBe(1);
});

test("a platform that refuses what it is told makes no green job", async () => {
  await using platform = await start({ steps: [scriptStep("say", "echo something")] });
  platform.mishap = request => (request === "POST logs" ? 413 : undefined);
  await using runner = await runHere(platform);
  expect(await runner.ended).toBe(3);
  expect(platform.finished).toMatchObject([{ outcome: "broken", chunks: 0 }]);
  expect(platform.finished[0]?.message).toContain("log of the job were not taken");
});

test.each<[string, Partial<Job>, Partial<ClaimAnswer>, RegExp]>([
  ["docker", { docker: true }, {}, /does not allow `docker: true`/],
  ["volumes", { box: { id: "", env: [], ports: [], auth: {}, volumes: "/a" } }, {}, /does not allow volumes/],
  ["an untrusted job on the host", {}, { trusted: false }, /untrusted/],
  [
    "a service that is a project",
    { services: [{ id: "s", url: "file://x", env: [], ports: [], auth: {} }] },
    {},
    /project of its own/,
  ],
])("what the class does not allow fails: %s", async (_what, job, more, message) => {
  await using platform = await start(job, more);
  await using runner = await runHere(platform);
  expect(await runner.ended).toBe(1);
  expect(platform.finished).toMatchObject([{ outcome: "failed", failedStep: "setup environment" }]);
  expect(platform.finished[0]?.message).toMatch(message);
  expect(typesOf(platform)).not.toContain("step-started hello-1");
});

test("a class with another engine is broken: the worker is wrong, not the job", async () => {
  await using platform = await start({});
  platform.answer.class.engine = "docker";
  await using runner = await runHere(platform);
  expect(await runner.ended).toBe(3);
  expect(platform.finished[0]?.message).toContain("wants the engine docker");
});

test("the limit of the class ends the job as timed out", async () => {
  await using platform = await start({ steps: [scriptStep("long", "sleep 60")] });
  platform.answer.limits.timeoutMs = 500;
  await using runner = await runHere(platform);
  expect(await runner.ended).toBe(1);
  expect(platform.finished).toMatchObject([{ outcome: "timed-out" }]);
});

test("a source that is gone fails the job, with what to do", async () => {
  await using platform = await start({}, { source: { kind: "sent" } });
  platform.mishap = request => (request === "GET source" ? 410 : undefined);
  await using runner = await runHere(platform);
  expect(await runner.ended).toBe(1);
  expect(platform.finished[0]?.message).toMatch(/no longer kept\nstart the whole run again/);
});

test("the box sees neither the runner's environment nor its files", async () => {
  await using platform = await start({
    steps: [scriptStep("look", 'env; echo "$HOME"; ls "$HOME"')],
  });
  process.env.RUNNER_PRIVATE = "private";
  await using runner = await runHere(platform);
  expect(await runner.ended).toBe(0);
  delete process.env.RUNNER_PRIVATE;
  const log = logOf(platform, "look-1");
  expect(log).not.toMatch(/RUNNER_PRIVATE|the-key-of-this-attempt|the-claim-token/);
  expect(log).toContain(`HOME=${path.join(runner.directory, "box")}`);
});
