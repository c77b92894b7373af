// The line between a whole platform and its cluster fails in every way, in the middle of jobs: none of them notices, each has
// had one Pod, and nothing is left.

import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { endOf } from "../server/projects.ts";
import { eventually, pause, type ServerProcess } from "../server/server-process.ts";
import { resume } from "./fault-world.ts";
import { openPodWorld, type PodPlan, type PodWorld } from "./pod-world.ts";

vi.setConfig({ testTimeout: 180_000, hookTimeout: 120_000 });

const names = [
  "cut",
  "expired",
  "ended",
  "lives",
  "stays",
  "comes",
  "canceled",
  "lost-answer",
  "held",
  "next",
  "given-up",
];
const file = names
  .map(name => `${name}:\n  box: alpine:3.20\n  steps:\n    - script: { name: work, code: "true" }`)
  .join("\n");
const begins: PodPlan[] = [{ runner: "begins" }];
const passes: PodPlan[] = [{ runner: "passes" }];
/** Longer than leases, deletes and creates are insisted on without anything new. */
const awayMs = 60_000;

let world: PodWorld;
let worker: ServerProcess;
beforeAll(async () => {
  world = await openPodWorld({ file, roles: ["api", "logs", "reporter"] });
  worker = await world.worker();
});
afterAll(() => world[Symbol.asyncDispose]());

const jobOf = async (run: string) => (await world.client.getRun({ params: { run } })).jobs[0]!;
const creates = () => world.standIn.counts()["create pods"] ?? 0;
/** A run whose step has begun. */
async function begun(name: string): Promise<string> {
  const id = await world.start(name, begins);
  await eventually(async () => (await jobOf(id))?.attempts[0]?.state === "running", `the step of ${name}`);
  return id;
}
async function goWell(name: string, id: string): Promise<void> {
  expect(await world.runnerOf(name).finish("passed")).toBe(200);
  await passedAtOnce(id);
}
async function passedAtOnce(id: string): Promise<void> {
  const run = await endOf(world.client, id);
  expect(run.jobs[0]).toMatchObject({ outcome: "passed", attempts: [{ outcome: "passed" }] });
}

test("watches that are cut, expired and ended in mid-run", async () => {
  const ids = { cut: await begun("cut"), expired: await begun("expired"), ended: await begun("ended") };
  world.standIn.cutWatches();
  await goWell("cut", ids.cut);
  world.standIn.expireWatches();
  await goWell("expired", ids.expired);
  world.standIn.endWatches();
  await goWell("ended", ids.ended);
  await world.nothingLeft();
});

test("a create whose answer never comes", async () => {
  world.standIn.forgetCreateAnswers(1);
  const before = world.kubelet.starts();
  await passedAtOnce(await world.start("lost-answer", passes));
  expect(world.kubelet.starts() - before).toBe(1);
  await world.nothingLeft();
});

test("an API server that is away for a minute: jobs go on and end, new ones wait and say so, and all is done when it is back", async () => {
  const [lives, stays] = [await begun("lives"), await begun("stays")];
  const canceled = await begun("canceled");
  await world.standIn.away();
  const gone = performance.now();
  const comes = await world.start("comes", passes);
  await goWell("lives", lives);
  const { id } = await jobOf(canceled);
  await world.client.cancelJob({ params: { job: id }, body: {} });
  const job = await eventually(async () => {
    const found = await jobOf(comes);
    return found.detail === "" || found.state !== "claimed" ? undefined : found;
  }, "why the new job waits");
  expect(job.detail).toMatch(/ECONNREFUSED|cannot be reached|did not answer|Kubernetes API/);
  await pause(awayMs - (performance.now() - gone));
  expect((await jobOf(comes)).state).toBe("claimed");
  expect((await jobOf(stays)).state).toBe("running");
  expect([world.pods("lives").length, world.pods("stays").length]).toEqual([1, 1]);
  await world.standIn.back();
  await passedAtOnce(comes);
  await goWell("stays", stays);
  const runner = world.runnerOf("canceled");
  await runner.finish("failed");
  expect((await endOf(world.client, canceled)).jobs[0]?.attempts).toHaveLength(1);
  await world.nothingLeft();
});

test("a runner that lives after its try was given up can write nothing, and its Pod is deleted", async () => {
  const id = await begun("given-up");
  const runner = world.runnerOf("given-up");
  expect(await runner.write()).toBe(200);
  // Nobody has heard of it for longer than a Pod that is seen alive is waited for.
  const silence = "now() - interval '11 minutes'";
  const { db } = world.faults;
  await eventually(async () => {
    // What was heard a moment ago may still be on its way into the table.
    await db.query(`update attempts set heartbeat_at = ${silence} where finished_at is null`);
    await db.query(`update hearing set since = ${silence}`);
    return (await jobOf(id)).state === "finished";
  }, "the end of its patience");
  const run = await endOf(world.client, id);
  expect(run.jobs[0]).toMatchObject({ outcome: "broken", reason: "silent" });
  for (const call of [
    runner.write,
    runner.heartbeat,
    () => runner.log("more\n"),
    () => runner.finish("passed"),
  ])
    expect(await call()).toBe(409);
  await world.nothingLeft();
  expect(await endOf(world.client, id)).toEqual(run);
});

test("two workers of one place: the other has what one held, and the one that comes back harms nothing", async () => {
  const id = await begun("held");
  const second = await world.worker();
  const before = creates();
  process.kill(worker.pid, "SIGSTOP");
  await eventually(
    async () => second.lines().some(line => line.msg === "runner adopted" && line.found === true),
    "the adoption",
  );
  resume(worker.pid);
  // It renews, and learns that the job is another's.
  await pause(4000);
  expect(world.pods("held")).toHaveLength(1);
  await goWell("held", id);
  expect(creates()).toBe(before);
  await worker.end("SIGKILL");
  await passedAtOnce(await world.start("next", passes));
  await world.nothingLeft();
});
