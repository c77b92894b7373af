// Pipeline files that cannot be run, or not as they are: the message says where and why, nothing was started, and
// nothing of the project is another.

import { expect, test, vi } from "vitest";
import { badProject } from "./bad-project.ts";
import { pipelineText } from "./pipeline-text.ts";

// Each starts a process, and a busy machine takes its time.
vi.setConfig({ testTimeout: 60_000 });

const host = ["--engine", "host"];
const step = pipelineText({ a: "true" });

const bomb = Array.from({ length: 12 }, (_, level) => {
  const before = Array(10).fill(`*a${level - 1}`);
  return `a${level}: &a${level} [${level === 0 ? "boom" : before.join(", ")}]\n`;
}).join("");

const binary = Uint8Array.from({ length: 4096 }, (_, at) => (at * 31) % 256);

const cases: [what: string, file: string | Uint8Array, message: RegExp, shown?: RegExp][] = [
  ["an empty file", "", /slipway\.yml is empty\.\n.*slipway init/],
  ["only white space and comments", "# nothing\n\n", /slipway\.yml is empty/],
  ["a binary file", binary, /slipway\.yml:1:\d+: /],
  ["a file of 10 MB", `a: ${"x".repeat(10 * 1024 * 1024)}\n`, /slipway\.yml is larger than 4 MiB/],
  ["a list that unfolds without end", `${bomb}build: *a11\n`, /slipway\.yml:\d+:\d+: /, /alias|unfold/i],
  ["tabs", "box: busybox\nbuild:\n\tsteps:\n", /slipway\.yml:3:\d+: .*tab/, /^> 3 \|/m],
  ["a pipeline that is misspelt", step.replace('"build"', '"biuld"'), /Did you mean biuld\?/],
  [
    "a step that is nowhere",
    "box: b\nbuild:\n  steps:\n    - npm-instal\n",
    /"npm-instal" was not found; looked in .*steps\) \(slipway\.yml:4\)\n.*npm-install/,
  ],
  [
    "a step of a repository, without a place for repositories",
    "box: b\nbuild:\n  steps:\n    - acme/deploy@1.0.0\n",
    /"acme\/deploy@1\.0\.0" was not found.*\(slipway\.yml:4\)\n.*git URL template/,
  ],
  [
    "a base path whose parent is the root",
    pipelineText({ a: "true" }, { "base-path": "/app" }),
    /base-path \/app.*\n.*at least two directories/,
  ],
  ["a pipeline that is malformed", "box: b\nbuild:\n  steps: 5\n", /"steps" must be a list.*\(line 3\)/],
];

test.for(cases)("%s", async ([, file, message, shown]) => {
  await using project = await badProject({ "slipway.yml": file, "keep.txt": "mine\n" });
  const told = await project.run(["run", "build", ...host]);
  expect(told).toMatchObject({ outcome: "failed", code: 1, steps: {} });
  expect(told.message).toMatch(message);
  if (shown !== undefined) expect(told.stderr).toMatch(shown);
});

test("nothing that a binary file holds reaches the terminal", async () => {
  const every = Buffer.concat([Buffer.from("box: \u001b[31mred\n"), Buffer.from([...Array(256).keys()])]);
  await using project = await badProject({ "slipway.yml": every });
  for (const command of ["run", "check"]) {
    const { code, stdout, stderr } = await project.call([command]);
    expect(code).toBe(1);
    expect(stdout + stderr).toContain(
      "Your slipway.yml is a binary file, not YAML.\n  -> Name the right file\n",
    );
    expect(stdout + stderr).not.toContain("\u001b");
    expect(stdout + stderr).not.toContain("red");
  }
});

test("no file at all: the names that were looked for", async () => {
  await using project = await badProject({ "keep.txt": "mine\n" });
  const told = await project.run(["run", ...host]);
  expect(told).toMatchObject({ outcome: "failed", code: 1 });
  expect(told.message).toMatch(/slipway\.yml, \.slipway\.yml, wercker\.yml, \.wercker\.yml/);
});

test("no engine: each place that was asked, and what else can be done", async () => {
  await using project = await badProject({ "slipway.yml": step });
  const dead = `unix://${project.home}/dead.sock`;
  const told = await project.run(["run"], { DOCKER_HOST: dead });
  expect(told).toMatchObject({ outcome: "broken", code: 3 });
  expect(told.message).toContain(`${dead}: there is no such socket`);
  expect(told.message).toContain("--engine host");
});

test("a Docker context that is not there: named, and no other daemon is taken instead", async () => {
  await using project = await badProject({ "slipway.yml": step });
  const told = await project.run(["run"], { DOCKER_CONTEXT: "moon" });
  expect(told).toMatchObject({ outcome: "broken", code: 3 });
  expect(told.message).toContain("docker context moon");
  expect(told.message).toContain("there is no such context");
});
