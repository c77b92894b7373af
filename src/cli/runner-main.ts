// The program of a runner, apart from the rest so that it starts without it: drives one job of a platform. Workers start
// it, people do not; so it takes no flags, but one JSON object on standard input, or in a container a few variables. With
// `--ahead={"engine":...}` it makes ready for a job with this engine until it is told one.

import { existsSync, readFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import type { RunnerAhead } from "../app/run-remote-job.ts";
import type { PodIo } from "../engine/pod/prepare-io.ts";
import type { ProgramInput } from "./context.ts";

const mostBytes = 1024 * 1024;

/** What it needs of the process; nothing else of the program has to be loaded for it. */
export type RunnerContext = Pick<ProgramInput, "env" | "version" | "stdin" | "stderr">;

export async function runnerCommand(context: RunnerContext, args: readonly string[]): Promise<number> {
  const { env, version } = context;
  const say = (line: string) => void context.stderr.write(`slipway runner: ${line}\n`);
  const asked = inputOfEnvironment(env);
  const ahead = aheadOf(args[0]);
  if (args.length > (ahead === undefined ? 0 : 1) || (asked === undefined && context.stdin.isTTY)) {
    say("a worker starts it, and says what to do on standard input; `slipway run` runs a pipeline here");
    return 2;
  }
  // The box may be waiting already.
  const io = asked !== undefined && env.SLIPWAY_ENGINE === "pod" ? layPipes(env) : undefined;
  io?.catch(() => undefined);
  const { prepareRunner, runRunner } = await import("../app/run-remote-job.ts");
  const told = asked ?? textOf(context.stdin);
  const ready = ahead && (await prepareRunner(ahead, { env, version, say }, endingWith(told)));
  const input = await told;
  // One that was started ahead, and whose worker has ended.
  if (ahead !== undefined && input === "") return 0;
  // Its directory has another name by now, and Node remembers the first that it saw.
  if (ahead !== undefined) process.chdir(".");
  return runRunner({ input, env, version, say, ...(io && { io }), ...(ready && { ready }) });
}

/** `--ahead=` and JSON, from a launcher of ours. */
function aheadOf(argument = ""): RunnerAhead | undefined {
  try {
    return JSON.parse(/^--ahead=(\{.*\})$/.exec(argument)?.[1] ?? "") as RunnerAhead;
  } catch {
    return undefined;
  }
}

/** Aborted when there is work, or nobody any more who could have some. */
function endingWith(told: string | Promise<string>): AbortSignal {
  const controller = new AbortController();
  void Promise.resolve(told)
    .catch(() => undefined)
    .then(() => controller.abort());
  return controller.signal;
}

async function layPipes(env: RunnerContext["env"]): Promise<PodIo> {
  const { prepareIo } = await import("../engine/pod/prepare-io.ts");
  const { busyboxes, laidIn, laidVariable } = await import("../engine/pod/lay-pipes.ts");
  const { SLIPWAY_BUSYBOX: told, SLIPWAY_IO_DIR: io } = env;
  const busybox = told ?? busyboxes.find(file => existsSync(file)) ?? "/app/bin/busybox";
  return prepareIo({ busybox, laid: env[laidVariable] === "laid", ...(io === undefined ? {} : laidIn(io)) });
}

/** In a container there is nobody to write to standard input. */
function inputOfEnvironment(env: RunnerContext["env"]): string | undefined {
  const { SLIPWAY_RUNNER_URL: url, SLIPWAY_CLAIM_TOKEN: claimToken } = env;
  if (url === undefined || claimToken === undefined) return undefined;
  return JSON.stringify({
    url,
    claimToken,
    attemptId: env.SLIPWAY_ATTEMPT_ID ?? "unknown",
    epoch: Number(env.SLIPWAY_EPOCH ?? 1),
    engine: env.SLIPWAY_ENGINE ?? "docker",
    ...(env.SLIPWAY_ENGINE === "pod" ? podFields(env) : {}),
    directory: env.SLIPWAY_RUNNER_DIR ?? path.join(os.tmpdir(), "slipway-runner"),
    ...(env.SLIPWAY_CA_FILE === undefined ? {} : { caFile: env.SLIPWAY_CA_FILE }),
    ...(env.SLIPWAY_KNOWN_HOSTS_FILE === undefined
      ? {}
      : { git: { knownHostsFile: env.SLIPWAY_KNOWN_HOSTS_FILE } }),
    ...(env.SLIPWAY_REGISTRY_MIRRORS === undefined
      ? {}
      : { registryMirrors: JSON.parse(env.SLIPWAY_REGISTRY_MIRRORS) as unknown }),
  });
}

/** Of the time that Kubernetes gives a Pod to end, 120 s. Milliseconds. */
const podGraceMs = 110_000;

function podFields(env: RunnerContext["env"]): Record<string, unknown> {
  const { SLIPWAY_BOX_NONCE: nonce, SLIPWAY_READY_DIR: readyDirectory } = env;
  return {
    pod: { nonce, ...(readyDirectory === undefined ? {} : { readyDirectory }) },
    terminationLog: env.SLIPWAY_TERMINATION_LOG ?? "/dev/termination-log",
    limits: { graceMs: podGraceMs },
  };
}

async function textOf(stdin: AsyncIterable<Uint8Array | string>): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of stdin) {
    parts.push(Buffer.from(part as Uint8Array));
    bytes += part.length;
    // What is longer is no input of ours.
    if (bytes > mostBytes) break;
  }
  return Buffer.concat(parts).toString("utf8");
}

/** Workers start this file itself, which spares them the rest of the program. */
if (import.meta.main) {
  const manifest = path.join(import.meta.dirname, "..", "..", "package.json");
  const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { version: string };
  process.exitCode = await runnerCommand(
    {
      env: process.env,
      version,
      // Streams that nobody uses are not opened: each takes milliseconds.
      get stdin() {
        return process.stdin;
      },
      get stderr() {
        return process.stderr;
      },
    },
    process.argv.slice(2),
  );
  setTimeout(() => process.exit(), 1000).unref();
}
