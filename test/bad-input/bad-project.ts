// A project with something wrong in it, and the command line run over it: what it told, and what it left behind, which
// must be nothing.

import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { expect } from "vitest";
import {
  type Ended,
  runProgram,
  type Started,
  type StartOptions,
  startProgram,
} from "../../src/cli/fixtures/run-program.ts";
import type { RunEvent, StepFinished } from "../../src/core/events.ts";
import { exitCodeOf, type Outcome } from "../../src/core/outcome.ts";
import type { DaemonClient } from "../../src/engine/docker/daemon-client.ts";
import { leftovers } from "../../src/engine/docker/sweep.ts";
import { fillingMark } from "../../src/lib/tar/unpack-atomically.ts";

export interface BadProject extends AsyncDisposable {
  readonly dir: string;
  /** HOME and TMPDIR of the program. */
  readonly home: string;
  /** Runs `slipway ARGS --json` to its end. Fails the test when anything is left, or a file of the project is another. */
  run(args: string[], env?: Record<string, string>): Promise<ToldRun>;
  /** Runs `slipway ARGS` to its end as it is. */
  call(args: string[], options?: Partial<StartOptions>): Promise<Ended>;
  start(args: string[], env?: Record<string, string>): Started;
  /** What is left of programs that have ended: processes, files outside the project, containers and networks of these runs. */
  left(runIds?: string[]): Promise<string[]>;
}

export interface ToldRun extends Ended {
  events: RunEvent[];
  runId: string;
  outcome: Outcome;
  message: string;
  /** All that the steps have printed. */
  text: string;
  /** Texts of notices. */
  notices: string[];
  /** Of the main phase, by shown name. */
  steps: Record<string, StepFinished>;
}

/** Lays out the files; names may hold directories. With a daemon its containers and networks are looked at too. */
export async function badProject(
  files: Record<string, string | Uint8Array>,
  daemon?: DaemonClient,
): Promise<BadProject> {
  const top = await realpath(await mkdtemp(path.join(os.tmpdir(), "slipway-bad-")));
  const dir = path.join(top, "project");
  const home = path.join(top, "home");
  await mkdir(home);
  for (const [name, content] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(dir, name)), { recursive: true });
    await writeFile(path.join(dir, name), content);
  }
  const environment = { HOME: home, TMPDIR: home, NO_COLOR: "1" };
  const start = (args: string[], env: Record<string, string> = {}) =>
    startProgram(args, { cwd: dir, env: { ...environment, ...daemonOf(daemon), ...env } });
  const left = async (runIds: string[] = []) => [
    ...(await settled(() => processesOf(top))),
    // The folder for the boxes of this user stays, empty.
    ...(await readdir(home, { recursive: true })).filter(name => /^slipway-(?!\d+$)/.test(name)),
    ...(await halfWritten(dir)),
    ...(daemon === undefined ? [] : await atDaemon(daemon, runIds)),
  ];
  return {
    dir,
    home,
    start,
    left,
    call: (args, options = {}) =>
      runProgram(args, {
        cwd: dir,
        ...options,
        env: { ...environment, ...daemonOf(daemon), ...options.env },
      }),
    async run(args, env) {
      const told = tell(await start([...args, "--json"], env).ended);
      expect(await left([told.runId]), `slipway ${args.join(" ")} has left something`).toEqual([]);
      for (const [name, content] of Object.entries(files)) {
        const now = await readFile(path.join(dir, name));
        expect(now.equals(Buffer.from(content)), `${name} of the project is another`).toBe(true);
      }
      return told;
    },
    [Symbol.asyncDispose]: () => rm(top, { recursive: true, force: true }),
  };
}

function daemonOf(client: DaemonClient | undefined): Record<string, string> {
  const address = client?.info.address;
  if (address === undefined) return {};
  return {
    DOCKER_HOST: address.kind === "unix" ? `unix://${address.path}` : (process.env.DOCKER_HOST ?? ""),
  };
}

/** What the events of a run say. Fails the test where they contradict the exit code. */
export function tell(ended: Ended): ToldRun {
  const events = ended.stdout
    .split("\n")
    .filter(Boolean)
    .map(line => JSON.parse(line) as RunEvent);
  const last = events.at(-1);
  if (last?.type !== "run-finished") throw new Error(`no end was told:\n${ended.stdout}${ended.stderr}`);
  expect(ended.code).toBe(exitCodeOf(last.outcome));
  expect(last.exitCode).toBe(ended.code);
  const finished = events.filter(event => event.type === "step-finished");
  return {
    ...ended,
    events,
    runId: last.runId,
    outcome: last.outcome,
    message: last.message,
    text: events.map(event => (event.type === "log" ? (event.text ?? "") : "")).join(""),
    notices: events.flatMap(event => (event.type === "notice" ? [event.message] : [])),
    steps: Object.fromEntries(finished.map(event => [event.name, event])),
  };
}

/** Processes that have the directory in their command line, in their environment or as their place. */
function processesOf(top: string): string[] {
  return readdirSync("/proc")
    .filter(name => /^\d+$/.test(name) && name !== String(process.pid))
    .flatMap(pid => {
      const command = unlessGone(() => readFileSync(`/proc/${pid}/cmdline`, "latin1"));
      const more = [
        unlessGone(() => readFileSync(`/proc/${pid}/environ`, "latin1")),
        unlessGone(() => readlinkSync(`/proc/${pid}/cwd`)),
      ];
      const about = [command, ...more].some(text => text.includes(top));
      return about ? [`process ${pid}: ${command.replaceAll("\0", " ").trim()}`] : [];
    });
}

function unlessGone(read: () => string): string {
  try {
    return read();
  } catch {
    return "";
  }
}

/** A process that was killed is gone a moment later. */
async function settled(look: () => string[]): Promise<string[]> {
  for (let attempt = 1; ; attempt++) {
    const seen = look();
    if (seen.length === 0 || attempt === 40) return seen;
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}

async function atDaemon(daemon: DaemonClient, runIds: string[]): Promise<string[]> {
  const all = await Promise.all(runIds.map(runId => leftovers(daemon, runId)));
  return all.flat().map(({ kind, name }) => `${kind} ${name}`);
}

/** What of the working directory was being written. */
async function halfWritten(dir: string): Promise<string[]> {
  const names = await readdir(path.join(dir, ".slipway"), { recursive: true }).catch(() => []);
  return names.filter(name => name.includes(fillingMark)).map(name => `half written: ${name}`);
}
