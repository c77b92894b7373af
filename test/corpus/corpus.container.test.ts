// Real pipeline files, over small source trees, in real containers: what a person who comes with such a file sees. The
// files are data that lies beside the repository; where they are not, nothing can be run, and that is said.

import { existsSync } from "node:fs";
import { copyFile, cp, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Ended, runProgram } from "../../src/cli/fixtures/run-program.ts";
import { type RunEvent, type StepFinished, storeStep } from "../../src/core/events.ts";
import { exitCodeOf } from "../../src/core/outcome.ts";
import { testDaemon } from "../containers/docker-daemon.ts";
import { root } from "../sources.ts";
import { type CorpusCase, corpusCases } from "./corpus-cases.ts";
import { corpusImages } from "./corpus-images.ts";

const corpus = path.join(root, "..", "shared", "corpus");
const trees = path.join(import.meta.dirname, "trees");

test("every source tree belongs to a case", async () => {
  const files = new Set(corpusCases.map(({ file }) => file));
  expect((await readdir(trees)).filter(name => !files.has(name))).toEqual([]);
});

if (existsSync(corpus)) describe("a file of the corpus", { timeout: 120_000 }, runCorpus);
else {
  test("the corpus is not beside the repository: none of its files is run", () => {
    console.log(`${corpus} is not there: none of its files was run`);
    expect(existsSync(corpus)).toBe(false);
  });
}

function runCorpus(): void {
  let images: AsyncDisposable | undefined;
  beforeAll(async () => {
    images = await corpusImages(await testDaemon());
  }, 300_000);
  afterAll(() => images?.[Symbol.asyncDispose]());

  test.for(corpusCases)("$file: $shows", async each => {
    await using project = await layOut(each);
    const ended = await run([...each.args, "--json"], project.dir);
    const events = eventsOf(ended);
    const context = `slipway ${each.args.join(" ")}\n${ended.stderr}\n${ended.stdout}`;
    expect(events.at(-1), context).toMatchObject({ type: "run-finished", outcome: each.outcome });
    expect(ended.code, context).toBe(exitCodeOf(each.outcome));
    expect(stepsOf(events), context).toEqual(each.steps);
    const text = events.map(event => (event.type === "log" ? (event.text ?? "") : "")).join("");
    for (const wanted of each.prints ?? []) expect(text).toMatch(patternOf(wanted));
    const message = (events.at(-1) as { message: string }).message;
    for (const wanted of each.message ?? []) expect(message).toMatch(patternOf(wanted));
    for (const wanted of each.problems ?? []) expect(ended.stderr).toMatch(patternOf(wanted));
    await checkOutput(each, events);
  });

  test("under the name wercker a green one says so on stderr, in the old words", async () => {
    await using project = await layOut({ file: "patrickmounir__aws-wercker" });
    const ended = await run(["build"], project.dir, "wercker");
    expect(ended.stdout).toBe("");
    expect(statusLines(ended)).toEqual([
      "--> Executing pipeline: build",
      "--> Running step: setup environment",
      "--> Copying source to container",
      "--> Running step: wercker-init",
      "--> Running step: echo nodejs information",
      "--> Running step: npm-install",
      "--> Running step: npm-test",
      "--> Steps passed: #s",
      "--> Pipeline finished: #s",
    ]);
    expect(ended.stderr).toMatch(/node version v\d+/);
    expect(ended.code).toBe(0);
  });

  test("under the name wercker a red one ends with the step that failed, and 1", async () => {
    await using project = await layOut({ file: "combient__wercker-example-java-redis" });
    const ended = await run(["build"], project.dir, "wercker");
    expect(ended.stdout).toBe("");
    expect(statusLines(ended)).toEqual([
      "--> Executing pipeline: build",
      "--> Running step: setup environment",
      "--> Copying source to container",
      "--> Running step: wercker-init",
      "--> Running step: script",
      "--> Running step: script",
      "--> Command cancelled due to error",
      "--> Step failed: script Command cancelled due to error #s",
      "--> Pipeline failed: #s",
    ]);
    expect(ended.stderr).toMatch(/mvn.*not found/);
    expect(ended.stderr.trimEnd().split("\n").at(-1)).toBe("FATAL Step failed: script");
    expect(ended.code).toBe(1);
  });

  test("under the name wercker a pipeline that is not there ends with 1 and the nearest name", async () => {
    await using project = await layOut({ file: "hanxue__dabao-service__wercker" });
    const ended = await run(["build"], project.dir, "wercker");
    expect(ended.stderr).toMatch(/No pipeline named build/);
    expect(ended.stderr).toContain("buid");
    expect(ended.code).toBe(1);
  });
}

/** The file as `wercker.yml` in a directory with its tree. */
async function layOut(each: Pick<CorpusCase, "file" | "change">): Promise<{ dir: string } & AsyncDisposable> {
  const dir = await mkdtemp(path.join(tmpdir(), "slipway-corpus-"));
  const tree = path.join(trees, each.file);
  if (existsSync(tree)) await cp(tree, dir, { recursive: true });
  await copyFile(path.join(corpus, `${each.file}.yml`), path.join(dir, "wercker.yml"));
  for (const [name, text] of Object.entries(each.change ?? {})) await writeFile(path.join(dir, name), text);
  return { dir, [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }) };
}

async function run(args: string[], dir: string, as?: "wercker"): Promise<Ended> {
  const env = { NO_COLOR: "1", DOCKER_HOST: process.env.DOCKER_HOST ?? "" };
  const command = [...args, "--engine", "docker", "--docker-local"];
  if (as === undefined) return await runProgram(command, { cwd: dir, env });
  const link = path.join(dir, ".wercker-program", as);
  await cp(path.join(root, "package.json"), path.join(dir, ".wercker-program", "package.json"));
  await symlink(path.join(root, "src/cli/main.ts"), link);
  return await runProgram(command, { cwd: dir, env, as: link });
}

function eventsOf({ stdout, stderr }: Ended): RunEvent[] {
  const lines = stdout.split("\n").filter(Boolean);
  if (lines.length === 0) throw new Error(`no events:\n${stderr}`);
  return lines.map(line => JSON.parse(line) as RunEvent);
}

/** Steps that no file names. */
const ownSteps = new Set(["wercker-init", storeStep]);

function stepsOf(events: RunEvent[]): [string, string, number | null][] {
  return events
    .filter(event => event.type === "step-finished")
    .filter((event): event is StepFinished & RunEvent => event.phase === "main" && !ownSteps.has(event.name))
    .map(({ name, outcome, exitCode }) => [name, outcome, exitCode]);
}

/** Lines with an arrow, with figures taken out; where the daemon was found is this machine's affair. */
function statusLines({ stderr }: Ended): string[] {
  const lines = stderr.split("\n").filter(line => /^--> (?!No Docker host)/.test(line));
  return lines.map(line => line.replace(/\d+\.\d\d/g, "#"));
}

function patternOf(wanted: string | RegExp): RegExp {
  return typeof wanted === "string" ? new RegExp(RegExp.escape(wanted)) : wanted;
}

async function checkOutput({ output = {} }: CorpusCase, events: RunEvent[]): Promise<void> {
  if (Object.keys(output).length === 0) return;
  const stored = events.find(event => event.type === "artifact-stored" && event.name === "output");
  expect(stored).toBeDefined();
  const { location } = stored as { location: string };
  for (const [name, wanted] of Object.entries(output)) {
    const text = await readFile(path.join(location, name), "latin1");
    if (typeof wanted === "string") expect(text).toBe(wanted);
    else expect(text).toMatch(wanted);
  }
}
