// What `npm pack` makes, used as a stranger would: installed into an empty directory, run, and imported. It stands
// with the container tests since it needs a package registry and takes a while.

import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, realpath, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { root } from "./sources.ts";

const run = promisify(execFile);

let directory: string;
let packed: string[];

/** The installed command, run by the Node that runs this test. */
async function slipway(args: string[], cwd: string, name = "slipway"): Promise<{ stdout: string }> {
  const program = path.join(directory, "node_modules", ".bin", name);
  const env = { PATH: `${path.dirname(process.execPath)}:${process.env.PATH}`, HOME: directory };
  return run(program, args, { cwd, env });
}

beforeAll(async () => {
  directory = await realpath(await mkdtemp(path.join(os.tmpdir(), "slipway-package-")));
  const { stdout } = await run("npm", ["pack", "--json", "--silent", "--pack-destination", directory], {
    cwd: root,
  });
  // What the build prints stands before the report.
  const report = JSON.parse(stdout.slice(stdout.search(/^[[{]$/m)));
  const [{ filename, files }] = Object.values(report) as [{ filename: string; files: { path: string }[] }];
  packed = files.map(file => file.path);
  await run("npm", ["install", "--prefix", directory, "--omit=dev", path.join(directory, filename)], {
    cwd: directory,
  });
});

afterAll(() => rm(directory, { recursive: true, force: true }));

test("holds program, types, steps, schema and licence, and none of what only the project needs", () => {
  for (const file of [
    "dist/cli/main.js",
    "dist/index.js",
    "dist/index.d.ts",
    "dist/client/client.js",
    "dist/client/client.d.ts",
    "schema/slipway.schema.json",
    "LICENSE",
    "README.md",
    "CHANGELOG.md",
    "package.json",
  ]) {
    expect(packed).toContain(file);
  }
  expect(packed.filter(file => /^steps\/[^/]+\/step\.yml$/.test(file)).length).toBeGreaterThanOrEqual(12);
  const strange = packed.filter(file =>
    /(\.test\.|\.contract\.|\/fixtures\/|\/contract\/|^(src|test|bench)\/)/.test(file),
  );
  expect(strange).toEqual([]);
  expect(packed.filter(file => file.endsWith(".ts") && !file.endsWith(".d.ts"))).toEqual([]);
});

test("brings no more than the packages it names", async () => {
  const installed = await readdir(path.join(directory, "node_modules"));
  for (const name of ["vitest", "typescript", "node", "@biomejs"]) expect(installed).not.toContain(name);
});

describe("the installed program", () => {
  test("tells its version", async () => {
    const { stdout } = await slipway(["--version"], directory);
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    const dropIn = await slipway(["--version"], directory, "wercker");
    expect(dropIn.stdout).toMatch(/^wercker version \d/);
  });

  test("checks a file", async () => {
    const { stdout } = await slipway(["check", "--json"], path.join(root, "examples", "hello"));
    expect(JSON.parse(stdout)).toMatchObject({ problems: [] });
  });

  test("runs a pipeline with a step of the library", async () => {
    const project = path.join(directory, "project");
    await mkdir(project);
    const steps =
      "    - create-file: {filename: $WERCKER_OUTPUT_DIR/a, content: made}\n    - script: {code: 'cat $WERCKER_OUTPUT_DIR/a'}\n";
    await writeFile(path.join(project, "slipway.yml"), `box: none\nbuild:\n  steps:\n${steps}`);
    const { stdout } = await slipway(["run", "--engine", "host", "--json"], project);
    const events = stdout
      .trim()
      .split("\n")
      .map(line => JSON.parse(line));
    expect(events.at(-1)).toMatchObject({ type: "run-finished", outcome: "passed", exitCode: 0 });
    expect(
      events
        .filter(event => event.type === "log" && event.stream === "stdout")
        .map(event => event.text)
        .join(""),
    ).toContain("made");
  });
});

test("gives its types to a program that uses it", async () => {
  await writeFile(
    path.join(directory, "consumer.mts"),
    `import { exitCodeOf, type Job, type RunEvent } from "slipway";
export function shown(event: RunEvent, job: Job): string {
  if (event.type !== "run-finished") return job.pipeline;
  const code: number = exitCodeOf(event.outcome);
  // @ts-expect-error an outcome is one of six words
  exitCodeOf("green");
  return \`\${event.seq} \${code}\`;
}
`,
  );
  const types = ["--typeRoots", path.join(root, "node_modules", "@types"), "--types", "node"];
  const options = ["--noEmit", "--strict", "--module", "nodenext", "--target", "esnext", ...types];
  await run(path.join(root, "node_modules", ".bin", "tsc"), [...options, "consumer.mts"], { cwd: directory });
});
