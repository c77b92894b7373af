// Boxes and services that cannot serve, in real containers: each is named, with what to change, and nothing of the run
// stays at the daemon.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DaemonClient } from "../../src/engine/docker/daemon-client.ts";
import { leftovers } from "../../src/engine/docker/sweep.ts";
import { testDaemon } from "../containers/docker-daemon.ts";
import { startRegistry, type TestRegistry } from "../containers/registry.ts";
import { buildTestImages, testImages } from "../containers/test-images.ts";
import { badProject, type ToldRun, tell } from "./bad-project.ts";
import { pipelineText } from "./pipeline-text.ts";

let daemon: DaemonClient;

beforeAll(async () => {
  daemon = await testDaemon();
  await buildTestImages(daemon);
});

/** One run on docker; `box` is what the file has there. */
async function run(
  box: unknown,
  steps: Record<string, string> = { hello: "echo hello" },
  more: { flags?: string[]; words?: Record<string, unknown>; file?: Record<string, unknown> } = {},
): Promise<ToldRun> {
  const text = pipelineText(steps, more.words, { ...(box === undefined ? {} : { box }), ...more.file });
  await using project = await badProject({ "slipway.yml": text }, daemon);
  return await project.run(["run", "--engine", "docker", ...(more.flags ?? ["--docker-local"])]);
}

describe("a box", () => {
  test("that the file does not name", async () => {
    const told = await run(undefined);
    expect(told).toMatchObject({ outcome: "failed", code: 1 });
    expect(told.message).toMatch(/build.*no box|no box.*build/is);
  });

  test("without a shell", async () => {
    const told = await run(testImages.noShell);
    expect(told).toMatchObject({ outcome: "failed", code: 1, text: "" });
    expect(told.message).toMatch(/slipway-test\/no-shell\S* cannot be a box: it has no \/bin\/sh/);
    expect(told.message).toContain("choose an image with a shell");
  });

  test("whose ENTRYPOINT swallows the shell is told after 10 s, with the remedy", async () => {
    const told = await run(testImages.swallow);
    expect(told).toMatchObject({ outcome: "failed", code: 1, text: "" });
    expect(told.message).toMatch(/slipway-test\/entrypoint-swallow\S*: the shell did not answer within 10 s/);
    expect(told.message).toMatch(/ENTRYPOINT swallows the shell: set `entrypoint: /);
    expect(told.steps["setup environment"]?.durationMs).toBeGreaterThanOrEqual(10_000);
  });

  test("whose ENTRYPOINT swallows the shell serves with the remedy", async () => {
    const told = await run({ id: testImages.swallow, entrypoint: "/bin/sh -c 'exec \"$@\"' --" });
    expect(told).toMatchObject({ outcome: "passed", code: 0, text: "hello\n" });
  });

  test("with a user who is not root has everything that steps need", async () => {
    const told = await run(
      testImages.nonroot,
      {
        build:
          'id -u; echo out >"$WERCKER_OUTPUT_DIR/file"; echo c >"$WERCKER_CACHE_DIR/c"; cat slipway.yml | wc -l',
      },
      { flags: ["--docker-local", "--artifacts"] },
    );
    expect(told).toMatchObject({ outcome: "passed", code: 0, text: expect.stringMatching(/^1000\n\d+\n$/) });
    expect(told.events.map(event => event.type)).toContain("cache-stored");
    expect(told.events).toContainEqual(expect.objectContaining({ type: "artifact-stored", name: "output" }));
  });

  test("with a command that cannot be run", async () => {
    const told = await run({ id: testImages.sh, entrypoint: "/no/such/program" });
    expect(told).toMatchObject({ outcome: "failed", code: 1, text: "" });
    expect(told.message).toMatch(/slipway-test\/sh\S* cannot be a box.*entrypoint/);
  });

  test("that is not on this machine, where nothing may be pulled", async () => {
    const told = await run("slipway-test/never-made:1");
    expect(told).toMatchObject({ outcome: "failed", code: 1 });
    expect(told.message).toMatch(
      /slipway-test\/never-made:1 is not on this machine.*\n.*without --docker-local/,
    );
  });

  test("whose name is none", async () => {
    const told = await run("Not An Image");
    expect(told).toMatchObject({ outcome: "failed", code: 1 });
    expect(told.message).toMatch(/"not an image" is not a valid repository.*\n.*name:tag/i);
  });
});

describe("an image of a registry", () => {
  let open: TestRegistry | undefined;
  let closed: TestRegistry | undefined;
  beforeAll(async () => {
    open = await startRegistry({ auth: false });
    closed = await startRegistry({ auth: true });
  });
  afterAll(async () => {
    await open?.[Symbol.asyncDispose]();
    await closed?.[Symbol.asyncDispose]();
  });
  const pulling = { flags: ["--pull", "always"] };

  test("that does not exist", async () => {
    const told = await run(`${open?.host}/acme/nothing:1`, undefined, pulling);
    expect(told).toMatchObject({ outcome: "failed", code: 1 });
    expect(told.message).toMatch(/\/acme\/nothing:1 does not exist: .*\n.*check its name and tag/);
  });

  test("that needs credentials", async () => {
    const told = await run(`${closed?.host}/acme/app:1`, undefined, pulling);
    expect(told).toMatchObject({ outcome: "failed", code: 1 });
    expect(told.message).toMatch(/the registry refuses image .*\/acme\/app:1: /);
    expect(told.message).toContain("set username and password beside the image");
  });

  test("that refuses the credentials, which nobody gets to see", async () => {
    const box = { id: `${closed?.host}/acme/app:1`, username: "tester", password: "wrong-password" };
    const told = await run(box, undefined, pulling);
    expect(told).toMatchObject({ outcome: "failed", code: 1 });
    expect(told.message).toContain("check username and password");
    expect(told.stdout + told.stderr).not.toContain("wrong-password");
  });

  test("that does not answer is the machinery's failure", async () => {
    // Nothing listens on the discard port.
    const told = await run("127.0.0.1:9/acme/app:1", undefined, pulling);
    expect(told).toMatchObject({ outcome: "broken", code: 3 });
    expect(told.message).toMatch(/the registry of image 127\.0\.0\.1:9\/acme\/app:1 does not answer/);
  });
});

describe("a service", () => {
  const withService = (service: unknown) =>
    run(testImages.sh, { hello: "echo unheard" }, { file: { services: [service] } });

  test("that never gets ready", async () => {
    const told = await withService({
      id: testImages.sh,
      name: "deaf",
      cmd: "/bin/sh -c 'echo I hear nothing; sleep 1000'",
      ready: { port: 4321, timeout: "2s" },
    });
    expect(told).toMatchObject({ outcome: "failed", code: 1, text: "" });
    expect(told.message).toMatch(/service deaf .*was not ready \(port 4321\) within 2 s/);
    expect(told.message).toContain("I hear nothing");
  });

  test("that ends before it is ready", async () => {
    const told = await withService({
      id: testImages.sh,
      name: "crasher",
      cmd: "/bin/sh -c 'echo no configuration >&2; exit 4'",
      ready: { port: 4321, timeout: "30s" },
    });
    expect(told).toMatchObject({ outcome: "failed", code: 1 });
    expect(told.message).toMatch(/service crasher .*ended with exit code 4 before it was ready/);
    expect(told.message).toContain("no configuration");
  });

  test("whose image is not there", async () => {
    const told = await withService("slipway-test/never-made:1");
    expect(told).toMatchObject({ outcome: "failed", code: 1, text: "" });
    expect(told.message).toContain("slipway-test/never-made:1 is not on this machine");
  });

  test("whose program is not in the image", async () => {
    const told = await withService({ id: testImages.sh, name: "db", cmd: "no-such-program" });
    expect(told).toMatchObject({ outcome: "failed", code: 1, text: "" });
    expect(told.message).toMatch(/service db .*cannot run its command: .*no-such-program/);
  });

  test("that is waited for does not hold up whoever interrupts", async () => {
    const deaf = { id: testImages.sh, name: "deaf", cmd: "sleep 1000", ready: { port: 9, timeout: "60s" } };
    const text = pipelineText({ a: "echo unheard" }, {}, { box: testImages.sh, services: [deaf] });
    await using project = await badProject({ "slipway.yml": text }, daemon);
    const program = project.start(["run", "--engine", "docker", "--docker-local", "--json"]);
    await program.shows("setup environment");
    const { runId } = JSON.parse(program.stdout().split("\n", 1)[0] ?? "");
    const made = async () => (await leftovers(daemon, runId)).some(({ kind }) => kind === "container");
    while (!(await made())) await new Promise(setImmediate);
    program.child.kill("SIGINT");
    const told = tell(await program.ended);
    expect(told).toMatchObject({ outcome: "canceled", code: 130, text: "" });
    expect(await project.left([runId])).toEqual([]);
  });
});
