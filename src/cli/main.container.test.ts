// The program with a container daemon: services that are projects, images by flags, interrupts, sweeping.

import { mkdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { testDaemon } from "../../test/containers/docker-daemon.ts";
import { buildTestImages, type testImages } from "../../test/containers/test-images.ts";
import type { RunEvent } from "../core/events.ts";
import { runLabel } from "../engine/docker/container-names.ts";
import type { DaemonClient } from "../engine/docker/daemon-client.ts";
import { projectWith, runProgram, startProgram } from "./fixtures/run-program.ts";

let client: DaemonClient;
let images: typeof testImages;

beforeAll(async () => {
  client = await testDaemon();
  images = await buildTestImages(client);
});

const daemon: Record<string, string> = process.env.DOCKER_HOST
  ? { DOCKER_HOST: process.env.DOCKER_HOST }
  : {};

/** Containers and networks that carry the id of a run. */
async function remainsOf(runId: string): Promise<string[]> {
  const filters = JSON.stringify({ label: [`${runLabel}=${runId}`] });
  const [containers, networks] = await Promise.all([
    client.call<{ Names: string[] }[]>({
      method: "GET",
      path: "/containers/json",
      query: { all: true, filters },
    }),
    client.call<{ Name: string }[]>({ method: "GET", path: "/networks", query: { filters } }),
  ]);
  return [...containers.flatMap(each => each.Names), ...networks.map(each => each.Name)];
}

async function imageTags(prefix: string): Promise<string[]> {
  const all = await client.call<{ RepoTags: string[] | null }[]>({ method: "GET", path: "/images/json" });
  return all.flatMap(each => each.RepoTags ?? []).filter(tag => tag.includes(prefix));
}

function runIdOf(stdout: string): string {
  return (JSON.parse(stdout.split("\n", 1)[0]!) as RunEvent).runId;
}

test("a service that is a project is built first, runs beside the box, and its image goes away again", async () => {
  await using place = await projectWith({
    "slipway.yml": `
box: ${images.sh}
services:
  - id: greeter
    url: file://greeter#image
    cmd: /bin/sh /serve.sh
build:
  steps:
    - script:
        code: |
          for i in 1 2 3 4 5 6 7 8 9 10; do wget -q -O- http://greeter:8080/ && exit 0; sleep 0.2; done; exit 1
`,
  });
  await mkdir(path.join(place.dir, "greeter"));
  await writeFile(
    path.join(place.dir, "greeter", "slipway.yml"),
    `
box: ${images.sh}
image:
  steps:
    - script:
        code: |
          mkdir /www; echo "hello from the service, WORD=$WORD." > /www/index.html
          echo 'exec httpd -f -p 8080 -h /www' > /serve.sh
`,
  );
  const env = { ...daemon, X_WORD: "not for services" };
  const ended = await runProgram(["run", "--docker-local", "--json"], { cwd: place.dir, env });
  expect(ended.code, ended.stdout + ended.stderr).toBe(0);
  expect(ended.stdout).toContain("hello from the service, WORD=.");
  expect(await imageTags(`run-${runIdOf(ended.stdout)}`)).toEqual([]);
});

test("--commit keeps the box as an image with its message", async () => {
  await using place = await projectWith({
    "slipway.yml": `
box: ${images.sh}
build:
  steps:
    - script:
        code: echo kept > /kept.txt
`,
  });
  const name = `slipway-test/commit-${process.pid}`;
  try {
    const args = ["run", "--docker-local", "--commit", `${name}:tried`, "--message", "as it was"];
    const ended = await runProgram(args, { cwd: place.dir, env: daemon });
    expect(ended.code, ended.stdout + ended.stderr).toBe(0);
    const image = await client.call<{ Comment: string }>({
      method: "GET",
      path: `/images/${name}:tried/json`,
    });
    expect(image.Comment).toBe("as it was");
  } finally {
    await client.call({ method: "DELETE", path: `/images/${name}:tried` });
  }
});

test("dev mounts the source itself: what a step writes is there afterwards", async () => {
  await using place = await projectWith({
    "wercker.yml": `
box: ${images.sh}
dev:
  steps:
    - script:
        code: echo "from the box" > written.txt
`,
  });
  const ended = await runProgram(["dev", "--docker-local"], { cwd: place.dir, env: daemon });
  expect(ended.code, ended.stdout + ended.stderr).toBe(0);
  await rm(path.join(place.dir, "written.txt"));
});

test("an image that is not here is refused by its name, with what was looked at", async () => {
  await using place = await projectWith({
    "slipway.yml": "box: slipway-test/not-there\nbuild:\n  steps:\n    - script:\n        code: true\n",
  });
  const ended = await runProgram(["run", "--docker-local"], { cwd: place.dir, env: daemon });
  expect(ended.stdout).toContain("slipway-test/not-there");
  expect(ended.code).toBe(1);
  const any = await runProgram(["run", "--docker-local", "--engine", "any"], { cwd: place.dir, env: daemon });
  expect(any.stdout).toContain("using the host engine");
  expect(any.code).toBe(0);
});

describe("an interrupt", () => {
  const slow = () => ({
    "slipway.yml": `
box: ${images.sh}
build:
  steps:
    - script:
        name: wait
        code: trap '' TERM; echo waiting; while true; do sleep 1; done
`,
  });

  test("ends and removes everything at the daemon", async () => {
    await using place = await projectWith(slow());
    const program = startProgram(["run", "--docker-local", "--json"], { cwd: place.dir, env: daemon });
    await program.shows("waiting");
    program.child.kill("SIGINT");
    const ended = await program.ended;
    expect(ended.code).toBe(130);
    expect(await remainsOf(runIdOf(ended.stdout))).toEqual([]);
  });

  test("twice leaves at once, names what remains, and a sweep removes just that", async () => {
    await using place = await projectWith(slow());
    const program = startProgram(["run", "--docker-local", "--json"], { cwd: place.dir, env: daemon });
    await program.shows("waiting");
    program.child.kill("SIGINT");
    await program.shows("once more leaves at once");
    program.child.kill("SIGINT");
    const ended = await program.ended;
    expect(ended.code).toBe(130);
    const runId = runIdOf(ended.stdout);
    expect(ended.stderr).toContain(`container wercker-pipeline-${runId}`);
    expect(await remainsOf(runId)).not.toEqual([]);
    const swept = await runProgram(["sweep"], { cwd: place.dir, env: daemon });
    expect(swept.stdout).toContain(`removed container wercker-pipeline-${runId}`);
    expect(await remainsOf(runId)).toEqual([]);
  });
});
