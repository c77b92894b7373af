// Runs that are ended from outside, and boxes that are attacked from inside, in real containers: by a person, by a
// kill, by a daemon that goes away. What they said before counts, and nothing of them stays.

import { beforeAll, expect, test } from "vitest";
import type { Started } from "../../src/cli/fixtures/run-program.ts";
import type { RunEvent } from "../../src/core/events.ts";
import type { DaemonClient } from "../../src/engine/docker/daemon-client.ts";
import { leftovers } from "../../src/engine/docker/sweep.ts";
import { testDaemon } from "../containers/docker-daemon.ts";
import { startProxy } from "../containers/socket-proxy.ts";
import { buildTestImages, testImages } from "../containers/test-images.ts";
import { type BadProject, badProject, tell } from "./bad-project.ts";
import { pipelineText } from "./pipeline-text.ts";

let daemon: DaemonClient;

beforeAll(async () => {
  daemon = await testDaemon();
  await buildTestImages(daemon);
});

const waiting = "echo up and waiting; sleep 1000";
const stubborn = "trap '' TERM; echo up and waiting; while :; do sleep 1; done";
const flags = ["--engine", "docker", "--docker-local"];

/** A project whose step waits, with a service beside it. */
function projectThat(code: string): Promise<BadProject> {
  const services = [{ id: testImages.service, name: "web" }];
  const text = pipelineText({ wait: code, after: "echo after" }, {}, { box: testImages.sh, services });
  return badProject({ "slipway.yml": text }, daemon);
}

/** Starts the run and waits for the step; answers the id of the run. */
async function started(project: BadProject, env?: Record<string, string>): Promise<[Started, string]> {
  const program = project.start(["run", ...flags, "--json"], env);
  await program.shows("up and waiting");
  const [first] = program.stdout().split("\n");
  const { runId } = JSON.parse(first ?? "") as RunEvent;
  expect(await namesAtDaemon(runId)).toContain(`wercker-pipeline-${runId}`);
  return [program, runId];
}

async function namesAtDaemon(runId: string): Promise<string[]> {
  return (await leftovers(daemon, runId)).map(({ name }) => name).sort();
}

test.for(["SIGINT", "SIGTERM"] as const)("%s ends the run with all that belongs to it", async signal => {
  await using project = await projectThat(waiting);
  const [program, runId] = await started(project);
  program.child.kill(signal);
  const told = tell(await program.ended);
  expect(told).toMatchObject({ outcome: "canceled", code: 130, message: `canceled by ${signal}` });
  expect(told.text).not.toContain("after");
  expect(await project.left([runId])).toEqual([]);
});

test("a second Ctrl-C leaves at once and says what remains, which a sweep removes", async () => {
  await using project = await projectThat(stubborn);
  const [program, runId] = await started(project);
  program.child.kill("SIGINT");
  await program.shows("once more leaves at once");
  program.child.kill("SIGINT");
  const ended = await program.ended;
  expect(ended.code).toBe(130);
  expect(await namesAtDaemon(runId)).toContain(`wercker-pipeline-${runId}`);
  expect(ended.stderr).toContain("Exiting forcefully");
  expect(ended.stderr).toContain(`wercker-pipeline-${runId}`);
  expect(ended.stderr).toContain("slipway sweep");
  await sweep(project, runId);
});

test("what a run leaves that is killed, a sweep removes", async () => {
  await using project = await projectThat(waiting);
  const [program, runId] = await started(project);
  program.child.kill("SIGKILL");
  await program.ended;
  expect(await namesAtDaemon(runId)).toContain(`wercker-pipeline-${runId}`);
  await sweep(project, runId);
});

test("a run that goes on is left alone by a sweep", async () => {
  await using project = await projectThat(waiting);
  const [program, runId] = await started(project);
  const before = await namesAtDaemon(runId);
  await project.call(["sweep"]);
  expect(await namesAtDaemon(runId)).toEqual(before);
  program.child.kill("SIGINT");
  expect((await program.ended).code).toBe(130);
});

test("a daemon that goes away in mid-run breaks it, and says what may be left", async () => {
  const { address } = daemon.info;
  if (address.kind !== "unix") throw new Error("this test needs a daemon on a socket");
  await using project = await projectThat(waiting);
  await using proxy = await startProxy(address.path);
  const [program, runId] = await started(project, { DOCKER_HOST: `unix://${proxy.path}` });
  proxy.cut();
  const told = tell(await program.ended);
  expect(told).toMatchObject({ outcome: "broken", code: 3 });
  expect(told.message).toMatch(/the box was lost: .*does not answer/s);
  expect(told.steps.wait).toMatchObject({ outcome: "broken", exitCode: null });
  expect(told.text).toContain("up and waiting");
  expect(told.notices.join("\n")).toMatch(/something may be left behind \(`slipway sweep` removes it\)/);
  await sweep(project, runId);
});

async function sweep(project: BadProject, runId: string): Promise<void> {
  const swept = await project.call(["sweep"]);
  expect(swept.code, swept.stdout + swept.stderr).toBe(0);
  expect(await project.left([runId])).toEqual([]);
}

/** Runs steps in the plainest box to their end. */
async function run(steps: Record<string, string>) {
  await using project = await badProject(
    { "slipway.yml": pipelineText(steps, {}, { box: testImages.sh }) },
    daemon,
  );
  return await project.run(["run", ...flags]);
}

test("a step that removes /pipeline has passed; the next one says what is missing", async () => {
  const told = await run({ vandal: "rm -rf /pipeline && echo gone", next: "echo unheard" });
  expect(told).toMatchObject({ outcome: "failed", code: 1 });
  expect(told.steps.vandal).toMatchObject({ outcome: "passed" });
  expect(told.steps.next?.message).toMatch(
    /working directory does not exist|an earlier step has removed them/,
  );
  expect(told.text).not.toContain("unheard");
});

test("a step that kills every process of the box fails, and the box lives on", async () => {
  const told = await run({
    killer: "sleep 1000 & kill -KILL -1; kill -KILL $$",
    after: 'echo "after $WERCKER_RESULT"',
  });
  expect(told).toMatchObject({ outcome: "failed", code: 1 });
  expect(told.text).toMatch(/^(Killed\n)?after failed\n$/);
  expect(told.message).toContain("killed by signal 9");
  const first = await run({
    polite: "kill -TERM 1; kill -INT 1; kill -HUP 1; echo still here",
    next: "echo next",
  });
  expect(first).toMatchObject({ outcome: "passed", code: 0, text: "still here\nnext\n" });
});

test("a step that fills the box's memory disk has failed by itself", async () => {
  const told = await run({ fill: "dd if=/dev/zero of=/dev/shm/big bs=1048576 count=200" });
  expect(told).toMatchObject({ outcome: "failed", code: 1 });
  expect(told.steps.fill).toMatchObject({ outcome: "failed", exitCode: 1 });
  expect(told.text).toContain("No space left on device");
});
