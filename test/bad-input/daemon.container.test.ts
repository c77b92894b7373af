// A daemon that goes away in the middle, a person who interrupts, a run that is killed: what is told, with which exit
// code, and that nothing stays behind, or is taken away by a sweep.

import path from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import type { DaemonClient } from "../../src/engine/docker/daemon-client.ts";
import { leftovers } from "../../src/engine/docker/sweep.ts";
import { type CutProxy, cutProxy } from "../containers/cut-proxy.ts";
import { testDaemon } from "../containers/docker-daemon.ts";
import { buildTestImages, testImages } from "../containers/test-images.ts";
import { type BadProject, badProject, tell } from "./bad-project.ts";
import { pipelineText } from "./pipeline-text.ts";

const flags = ["run", "--engine", "docker", "--docker-local", "--json"];

let daemon: DaemonClient;

beforeAll(async () => {
  daemon = await testDaemon();
  await buildTestImages(daemon);
});

/** A step that never ends beside a service, and steps behind it that must not run. */
function slowProject(slow = "echo waiting; sleep 1000"): Promise<BadProject> {
  const steps = { before: "echo before", slow, behind: "echo unheard", after: "echo unheard" };
  const service = { id: testImages.sh, name: "beside", cmd: "/bin/sh -c 'while :; do sleep 1; done'" };
  const text = pipelineText(steps, {}, { box: testImages.sh, services: [service] });
  return badProject({ "slipway.yml": text }, daemon);
}

function runIdOf(stdout: string): string {
  return JSON.parse(stdout.split("\n", 1)[0] ?? "").runId;
}

async function namesLeft(runId: string): Promise<string[]> {
  return (await leftovers(daemon, runId)).map(({ kind }) => kind).sort();
}

const all = ["container", "container", "network"];

describe("a daemon", () => {
  async function behindProxy(project: BadProject): Promise<CutProxy> {
    return await cutProxy(daemon.info.address, path.join(project.home, "daemon.sock"));
  }

  test("that dies in the middle of a run: broken, what had been said is kept, a sweep takes the rest", async () => {
    await using project = await slowProject();
    await using proxy = await behindProxy(project);
    const program = project.start(flags, { DOCKER_HOST: proxy.address });
    await program.shows("waiting");
    await proxy.cut();
    const told = tell(await program.ended);
    expect(told).toMatchObject({ outcome: "broken", code: 3, text: "before\nwaiting\n" });
    expect(told.steps.before).toMatchObject({ outcome: "passed" });
    expect(told.steps.slow).toMatchObject({ outcome: "broken", exitCode: null });
    expect(told.message).toMatch(/box was lost|daemon/);
    expect(told.notices).toContainEqual(
      expect.stringMatching(/something may be left behind \(`slipway sweep`/),
    );
    // The box ends by itself when nobody holds its input any more; the rest is for the sweep.
    const swept = await project.call(["sweep"]);
    expect(swept.stdout).toMatch(/removed network w-/);
    expect(await project.left([told.runId])).toEqual([]);
  });

  test("that is gone before the run begins says where it was looked for", async () => {
    await using project = await slowProject();
    await using proxy = await behindProxy(project);
    await proxy.cut();
    const told = tell(await project.start(flags, { DOCKER_HOST: proxy.address }).ended);
    expect(told).toMatchObject({ outcome: "broken", code: 3, text: "" });
    expect(told.message).toContain(proxy.address);
  });
});

describe("a run that is interrupted", () => {
  test.for(["SIGINT", "SIGTERM"] as const)("by %s leaves no container, network or process", async signal => {
    await using project = await slowProject();
    const program = project.start(flags);
    await program.shows("waiting");
    expect(await namesLeft(runIdOf(program.stdout()))).toEqual(all);
    program.child.kill(signal);
    const told = tell(await program.ended);
    expect(told).toMatchObject({ outcome: "canceled", code: 130, message: `canceled by ${signal}` });
    expect(told.steps.slow).toMatchObject({ outcome: "canceled" });
    expect(told.text).not.toContain("unheard");
    expect(await project.left([told.runId])).toEqual([]);
  });

  test("while its service is still starting leaves nothing either", async () => {
    const service = {
      id: testImages.sh,
      name: "deaf",
      cmd: "sleep 1000",
      ready: { port: 9, timeout: "60s" },
    };
    const text = pipelineText({ a: "echo unheard" }, {}, { box: testImages.sh, services: [service] });
    await using project = await badProject({ "slipway.yml": text }, daemon);
    const program = project.start(flags);
    await program.shows("setup environment");
    const runId = runIdOf(program.stdout());
    while (!(await namesLeft(runId)).includes("container")) await new Promise(setImmediate);
    program.child.kill("SIGINT");
    const told = tell(await program.ended);
    expect(told).toMatchObject({ outcome: "canceled", code: 130, text: "" });
    expect(await project.left([runId])).toEqual([]);
  });

  test("twice leaves at once and names what remains; a sweep removes just that", async () => {
    await using project = await slowProject("trap '' TERM; echo waiting; while :; do sleep 1; done");
    const program = project.start(flags);
    await program.shows("waiting");
    const runId = runIdOf(program.stdout());
    program.child.kill("SIGINT");
    await program.shows("once more leaves at once");
    program.child.kill("SIGINT");
    const ended = await program.ended;
    expect(ended.code).toBe(130);
    expect(ended.stderr).toContain("Exiting forcefully");
    expect(ended.stderr).toContain(`container wercker-pipeline-${runId}`);
    expect(ended.stderr).toMatch(/network w-/);
    expect(ended.stderr).toContain("slipway sweep");
    await swept(project, runId);
  });
});

test("a run that is killed leaves what a sweep finds and removes, once", async () => {
  await using project = await slowProject();
  const program = project.start(flags);
  await program.shows("waiting");
  const runId = runIdOf(program.stdout());
  await using living = await slowProject();
  const other = living.start(flags);
  await other.shows("waiting");
  program.child.kill("SIGKILL");
  expect((await program.ended).code).toBe(null);
  await swept(project, runId);
  const again = await project.call(["sweep"]);
  expect(again.stdout).not.toContain(runId);
  // A run that goes on is not touched.
  expect(await namesLeft(runIdOf(other.stdout()))).toEqual(all);
  other.child.kill("SIGINT");
  expect((await other.ended).code).toBe(130);
});

async function swept(project: BadProject, runId: string): Promise<void> {
  expect(await namesLeft(runId)).toContain("network");
  const { stdout, code } = await project.call(["sweep"]);
  expect(code, stdout).toBe(0);
  expect(stdout).toMatch(/removed network w-/);
  expect(stdout).toMatch(/\d+ leftovers? removed/);
  expect(await project.left([runId])).toEqual([]);
}
