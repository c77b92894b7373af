// Runs an example as a person would, in a copy of its directory, and compares with its `expected.json`.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { expect } from "vitest";
import type { RunEvent } from "../src/core/events.ts";
import { root } from "./sources.ts";

/** One command of an example and what has to come of it. */
interface ExpectedRun {
  args: string[];
  exitCode: number;
  /** Outcome by the step's shown name; other steps may be there too. */
  steps: Record<string, string>;
  /** Texts that the steps print, in any order. */
  prints: string[];
  tests?: { tests: number; failed: number };
  /** Names of artifacts that are stored. */
  artifacts?: string[];
  cache?: boolean;
}

const examples = path.join(root, "examples");

/** Names of all examples. */
export async function exampleNames(): Promise<string[]> {
  const entries = await readdir(examples, { withFileTypes: true });
  return entries.filter(entry => entry.isDirectory()).map(entry => entry.name);
}

/** Runs an example's commands one after the other in one copy; `flags` choose the engine. */
export async function runExample(name: string, flags: string[], signal: AbortSignal): Promise<void> {
  const copy = await mkdtemp(path.join(os.tmpdir(), `slipway-example-${name}-`));
  try {
    await cp(path.join(examples, name), copy, {
      recursive: true,
      filter: file => !/\/\.(slipway|wercker)$/.test(file),
    });
    const { runs } = JSON.parse(await readFile(path.join(copy, "expected.json"), "utf8")) as {
      runs: ExpectedRun[];
    };
    expect(runs.length).toBeGreaterThan(0);
    for (const expected of runs) await runOnce(copy, expected, flags, signal);
  } finally {
    await rm(copy, { recursive: true, force: true });
  }
}

async function runOnce(
  directory: string,
  expected: ExpectedRun,
  flags: string[],
  signal: AbortSignal,
): Promise<void> {
  const { exitCode, stdout, stderr } = await slipway(
    [...expected.args, "--json", ...flags],
    directory,
    signal,
  );
  const events = stdout
    .split("\n")
    .filter(Boolean)
    .map(line => JSON.parse(line) as RunEvent);
  const context = `slipway ${expected.args.join(" ")}\n${stderr}\n${textOf(events)}`;
  expect(exitCode, context).toBe(expected.exitCode);
  const outcomes = events.flatMap(event =>
    event.type === "step-finished" ? [[event.name, event.outcome]] : [],
  );
  expect(Object.fromEntries(outcomes), context).toMatchObject(expected.steps);
  const text = textOf(events);
  for (const line of expected.prints) expect(text).toContain(line);
  if (expected.tests)
    expect(events.find(event => event.type === "tests-reported")).toMatchObject(expected.tests);
  for (const name of expected.artifacts ?? []) {
    const stored = events.find(event => event.type === "artifact-stored" && event.name === name);
    expect(stored, `${context}\nno artifact ${name}`).toMatchObject({ files: expect.any(Number) });
    if (stored?.type === "artifact-stored") expect(await stat(stored.location)).toBeDefined();
  }
  if (expected.cache) expect(events.some(event => event.type === "cache-stored")).toBe(true);
}

function textOf(events: RunEvent[]): string {
  const chunks = events.map(event => (event.type === "log" ? (event.text ?? "") : ""));
  return chunks.join("");
}

/** The command line from the sources. */
async function slipway(args: string[], cwd: string, signal: AbortSignal) {
  // The variables of the developer's own shell must not reach the example: only what programs need to be found.
  const { PATH, DOCKER_HOST } = process.env;
  const env = { PATH, HOME: cwd, ...(DOCKER_HOST === undefined ? {} : { DOCKER_HOST }) };
  const child = spawn(process.execPath, [path.join(root, "src", "cli", "main.ts"), ...args], {
    cwd,
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const chunks = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", chunk => (chunks.stdout += chunk));
  child.stderr.setEncoding("utf8").on("data", chunk => (chunks.stderr += chunk));
  // A test that takes too long must not leave the run behind: it ends as a person would end it.
  const interrupt = () => child.kill("SIGINT");
  signal.addEventListener("abort", interrupt);
  const [exitCode] = (await once(child, "close")) as [number | null];
  return { exitCode, ...chunks };
}
