// The process of a runner: what its launcher says, the engine of this place, signals. All else is `src/remote/`. It sees
// nothing of the machine's environment but PATH and proxies, and hands none of it to a job but PATH.

import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { Cancel } from "../core/cancel.ts";
import { SlipwayError } from "../core/failure.ts";
import type { Engine } from "../engine/engine.ts";
import type { PipeEnds } from "../engine/host/fifo.ts";
import type { PodEngine, PodEngineOptions } from "../engine/pod/pod-engine.ts";
import type { PodIo } from "../engine/pod/prepare-io.ts";
import { systemClock } from "../lib/clock.ts";
import { type RemoteJobOptions, runRemoteJob } from "../remote/run-remote-job.ts";
import { type RunnerInput, readRunnerInput } from "../remote/runner-input.ts";
import type { RunnerEnd } from "../remote/termination-message.ts";
import { gitRunner } from "../steps/git-command.ts";
import { ownDirectoryName } from "./host-leftovers.ts";
import { randomText } from "./ids.ts";

export interface RunnerProcess {
  /** What stands on standard input, or what the environment of a container says instead. */
  input: string;
  env: Readonly<Record<string, string | undefined>>;
  version: string;
  /** One line for the runner's log. */
  say(line: string): void;
  /** What the engine `pod` needs; laid before anything else. */
  io?: Promise<PodIo>;
  /** What was made ready before there was work. */
  ready?: ReadyRunner;
}

/** What a job's own engine takes over. */
export interface ReadyRunner {
  /** Of the engine `host`. */
  pipes?: Promise<PipeEnds>;
}

const wrongUsage = 2;

/** Drives one job to its end and answers the exit code. TERM ends the job, which is then told of within its grace. */
export async function runRunner(runner: RunnerProcess): Promise<number> {
  const { input: text, say, io } = runner;
  const read = readRunnerInput(text);
  if (!read.ok) {
    say(`${read.refusal.message}: ${read.refusal.hint ?? ""}`);
    return wrongUsage;
  }
  const input = read.value;
  using stop = listenForEnd(say);
  const ca = input.caFile === undefined ? undefined : await readFile(input.caFile, "utf8");
  const pod = input.engine === "pod" ? podOf(input, io) : undefined;
  return await runRemoteJob({
    ...optionsOf(input, runner),
    ...(ca === undefined ? {} : { ca }),
    ...(pod === undefined ? {} : { openEngine: () => pod.engine() }),
    signal: stop.signal,
    async ended(end, exitCode) {
      // Whoever sees the box end can look at this already.
      if (input.terminationLog !== undefined) await writeLastWords(input.terminationLog, end, say);
      await pod?.end(exitCode);
    },
  });
}

type Process = Pick<RunnerProcess, "env" | "version" | "say" | "ready">;

function optionsOf(input: RunnerInput, process: Process): Omit<RemoteJobOptions, "signal"> {
  const { env, version, say, ready } = process;
  const environment = fewOf(env);
  return {
    input,
    version,
    openEngine: () =>
      input.engine === "host" ? hostEngine(input, environment, ready) : dockerEngine(input, say),
    steps: {
      // As far from src/app as from dist/cli.
      bundledDir: path.join(import.meta.dirname, "..", "..", "steps"),
      fetch: globalThis.fetch,
      git: gitRunner(environment),
    },
    environment,
    clock: systemClock,
    random: randomText,
    say,
  };
}

async function writeLastWords(file: string, end: RunnerEnd, say: (line: string) => void): Promise<void> {
  const { terminationMessage } = await import("../remote/termination-message.ts");
  await writeFile(file, terminationMessage(end)).catch(error => say(`${file} was not written: ${error}`));
}

interface RunnerPod {
  engine(): Promise<Engine>;
  /** Ends the box, where there is one. */
  end(exitCode: number): Promise<void>;
}

/** How long registries may take to tell of services; a job goes on without their word. Milliseconds. */
const describeMs = 2_000;

function imageDescriber(mirrors: Readonly<Record<string, string>>): PodEngineOptions["describeImage"] {
  return async ({ image: named, credentials }, signal) => {
    const { describeImage } = await import("../images/describe-image.ts");
    const { findRegistry } = await import("../images/find-registry.ts");
    const { mirroredImage } = await import("../core/mirrored-image.ts");
    const { openRegistry } = await import("../images/registry.ts");
    const image = mirroredImage(named, credentials === undefined ? mirrors : {});
    if (!(await findRegistry(image, describeMs / 2))) return undefined;
    return describeImage(
      openRegistry({ fetch: globalThis.fetch }),
      {
        image,
        architecture: process.arch === "x64" ? "amd64" : process.arch,
        ...(credentials === undefined ? {} : { login: credentials }),
      },
      AbortSignal.any([signal, AbortSignal.timeout(describeMs)]),
    );
  };
}

async function readyFiles(directory: string): Promise<(alias: string) => string> {
  const { serviceContainerName } = await import("../launcher/kubernetes/labels.ts");
  return alias => path.join(directory, serviceContainerName(alias));
}

function podOf(input: RunnerInput, io: Promise<PodIo> | undefined): RunnerPod {
  let opened: Promise<PodEngine> | undefined;
  const open = async () => {
    if (io === undefined || input.pod === undefined) {
      throw new SlipwayError("no-engine", "the engine pod works inside a Pod only, which a launcher makes");
    }
    const { createPodEngine } = await import("../engine/pod/pod-engine.ts");
    const { nonce, readyDirectory } = input.pod;
    return createPodEngine({
      io: await io,
      nonce,
      clock: systemClock,
      ...(readyDirectory === undefined ? {} : { readyFile: await readyFiles(readyDirectory) }),
      describeImage: imageDescriber(input.registryMirrors ?? {}),
    });
  };
  return {
    engine: () => (opened ??= open()),
    async end(exitCode) {
      // Why it could not be opened has been told.
      const engine = await opened?.catch(() => undefined);
      await engine?.end(exitCode);
      (await io?.catch(() => undefined))?.[Symbol.dispose]();
    },
  };
}

/** What a runner that is started before there is work for it is told. */
export interface RunnerAhead {
  engine: "docker" | "host";
  /** As `user` of its input will be. */
  user?: { uid: number; gid: number };
}

/**
 * Makes ready for a job: loads what it needs, and where jobs run on this machine goes through one that does nothing, for
 * what has run once runs in a third of the time. It ends early with the signal, and never throws for the rehearsal's sake.
 */
export async function prepareRunner(
  { engine, user }: RunnerAhead,
  { env, version }: Process,
  signal: AbortSignal,
): Promise<ReadyRunner> {
  await import("../remote/job-parts.ts");
  if (engine === "docker") {
    await import("./docker-daemon.ts");
    return {};
  }
  await import("../engine/host/host-engine.ts");
  if (!signal.aborted) await rehearse(user, { env, version, say: () => undefined }, signal);
  const { makePipes } = await import("../engine/host/fifo.ts");
  const pipes = makePipes(path.resolve("."), fewOf(env).PATH!);
  // Whoever uses them hears of it.
  pipes.catch(() => undefined);
  return { pipes };
}

async function rehearse(user: RunnerAhead["user"], process: Process, signal: AbortSignal): Promise<void> {
  const directory = path.resolve("rehearsal");
  const { rehearseJob } = await import("../remote/rehearse-job.ts");
  await rehearseJob(url => optionsOf(rehearsalInput(url, directory, user), process), signal).catch(
    () => undefined,
  );
  await rm(directory, { recursive: true, force: true }).catch(() => undefined);
}

function rehearsalInput(url: string, directory: string, user: RunnerAhead["user"]): RunnerInput {
  return {
    ...{ url, claimToken: "rehearsal", attemptId: "rehearsal", epoch: 1, engine: "host", directory },
    ...(user === undefined ? {} : { user }),
  };
}

/** What git and step fetches may see. */
function fewOf(env: RunnerProcess["env"]): Record<string, string> {
  const names = ["PATH", "http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"];
  const few: Record<string, string> = { PATH: "/usr/local/bin:/usr/bin:/bin" };
  for (const name of names) {
    const value = env[name];
    if (value !== undefined) few[name] = value;
  }
  return few;
}

async function hostEngine(
  input: RunnerInput,
  environment: Record<string, string>,
  { pipes }: ReadyRunner = {},
): Promise<Engine> {
  const { createHostEngine } = await import("../engine/host/host-engine.ts");
  // A directory that names this process: what it leaves when it is killed can be found and ended.
  const root = path.join(input.boxDirectory ?? path.join(input.directory, "box"), ownDirectoryName());
  await mkdir(root, { recursive: true, mode: 0o711 });
  return createHostEngine({
    root,
    environment: { PATH: environment.PATH, LANG: "C.UTF-8" },
    ownHome: true,
    startsSoon: true,
    ...(pipes === undefined ? {} : { pipes }),
    ...(input.user === undefined ? {} : { spawnAs: input.user }),
    clock: systemClock,
    random: randomText,
  });
}

async function dockerEngine(input: RunnerInput, say: (line: string) => void): Promise<Engine> {
  const { openDockerEngine, searchDaemon } = await import("./docker-daemon.ts");
  const { host, configDirectory } = input.docker ?? {};
  // Logins of whoever runs the worker are not for everybody's jobs.
  const nowhere = path.join(input.directory, "private", "no-logins");
  const env = { HOME: nowhere, DOCKER_CONFIG: configDirectory ?? nowhere };
  const { found, lookedFor } = await searchDaemon(env, host === undefined ? {} : { host });
  if (found !== undefined) return openDockerEngine(found, env, systemClock, say).engine;
  const places = lookedFor.map(({ address, reason }) => `${address}: ${reason}`).join("; ");
  throw new SlipwayError("no-engine", `no container daemon answers this worker (${places})`, {
    hint: "start Docker on the worker's machine, or tell the worker where it is",
  });
}

interface End extends Disposable {
  readonly signal: AbortSignal;
}

/** Aborted by the first signal, and by an error that nobody caught: the job then ends as broken, and cleans up. */
function listenForEnd(say: (line: string) => void): End {
  const controller = new AbortController();
  const onSignal = (name: NodeJS.Signals) => {
    say(`${name}: ending the job`);
    controller.abort(new Cancel("broken", `runner stopped by ${name}`));
  };
  const onFault = (error: unknown) => {
    say(`an error of our own: ${error instanceof Error ? error.stack : String(error)}`);
    controller.abort(new Cancel("broken", `an error of our own: ${error}`));
  };
  const signals = ["SIGTERM", "SIGINT", "SIGHUP"] as const;
  for (const name of signals) process.on(name, onSignal);
  process.on("uncaughtException", onFault);
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      for (const name of signals) process.off(name, onSignal);
      process.off("uncaughtException", onFault);
    },
  };
}
