// The services beside the box: started in order, waited for where the file says when they are ready, watched until
// the run ends. A service that dies does not end the run; what it said is told.

import { accept, type Refusal, type Result } from "../../core/failure.ts";
import type { Clock } from "../../lib/clock.ts";
import type { ContainerSpec, EngineRequest } from "../engine.ts";
import { linkVariables } from "../link-variables.ts";
import {
  type ContainerState,
  createContainer,
  inspectContainer,
  startContainer,
  waitForEnd,
} from "./container-calls.ts";
import type { RunIdentity } from "./container-names.ts";
import { type EnvEntry, serviceBody } from "./container-spec.ts";
import type { DaemonClient } from "./daemon-client.ts";
import { frameReader } from "./output-frames.ts";
import { type Probe, probeByCommand, probeFromBox, probeFromHost, probeFromInside } from "./ready-probe.ts";
import type { Remains } from "./remains.ts";
import { startRefusal } from "./start-refusal.ts";

export interface ServicesInput {
  client: DaemonClient;
  clock: Clock;
  request: EngineRequest;
  identity: RunIdentity;
  network: string;
  remains: Remains;
  /** Names of the containers, in the order of `request.services`. */
  names: string[];
  /** Ends with the workspace. */
  life: AbortSignal;
  /** Whether containers' addresses can be reached from this machine. */
  sharesNetwork: boolean;
}

export interface RunningService {
  id: string;
  spec: ContainerSpec;
  ip: string;
  /** Resolves with the exit code when the service ends before the workspace does. */
  ended: Promise<number>;
}

/** Makes and starts one service; `links` are those of the services before it, and get its own added. */
export async function startService(
  input: ServicesInput,
  index: number,
  links: EnvEntry[],
): Promise<Result<RunningService>> {
  const { client, request, identity, network, remains } = input;
  const spec = request.services[index];
  const name = input.names[index];
  if (spec === undefined || name === undefined) throw new RangeError(`there is no service ${index}`);
  let id: string;
  try {
    const body = serviceBody({ request, service: spec, identity, network, links });
    id = await remains.container(name, () => createContainer(client, name, body));
    request.signal.throwIfAborted();
    await startContainer(client, id);
  } catch (error) {
    const refusal = startRefusal(error, spec, spec.alias);
    if (refusal === undefined) throw error;
    return { ok: false, refusal };
  }
  const state = await inspectContainer(client, id, request.signal);
  const handed = new Set(links.map(link => link.name));
  const ip = state?.NetworkSettings?.Networks?.[network]?.IPAddress ?? "";
  links.push(...linksOf(request.runId, spec, ip, state, handed));
  return accept({ id, spec, ip, ended: watch(input, id, spec) });
}

function linksOf(
  runId: string,
  spec: ContainerSpec,
  ip: string,
  state: ContainerState | undefined,
  handed: Set<string>,
): EnvEntry[] {
  const env = (state?.Config.Env ?? []).map(entry => {
    const [name = "", ...value] = entry.split("=");
    return { name, value: value.join("=") };
  });
  const ports = Object.keys(state?.Config.ExposedPorts ?? {}).flatMap(key => {
    const [port, protocol = "tcp"] = key.split("/");
    return protocol === "tcp" || protocol === "udp"
      ? [{ containerPort: Number(port), protocol } as const]
      : [];
  });
  const own = env.filter(({ name }) => !handed.has(name));
  return linkVariables({ runId, alias: spec.alias, ip, ports, env: own });
}

/** Tells of a crash. Never rejects; stays open when the workspace ends first. */
async function watch(input: ServicesInput, id: string, spec: ContainerSpec): Promise<number> {
  const { client, request, life } = input;
  const never = new Promise<number>(() => {});
  try {
    const exitCode = await waitForEnd(client, id, life);
    if (exitCode === undefined || life.aborted) return await never;
    if (exitCode !== 0) await tellCrash(client, id, spec, request, life);
    return exitCode;
  } catch {
    // The daemon is gone or the workspace is closed: the box's channel tells of the one, nobody asks for the other.
    return await never;
  }
}

async function tellCrash(
  client: DaemonClient,
  id: string,
  spec: ContainerSpec,
  request: EngineRequest,
  signal: AbortSignal,
): Promise<void> {
  const reader = frameReader();
  const answer = await openLogs(client, id, undefined, signal);
  for await (const chunk of answer.body) {
    for (const { stream, bytes } of reader.push(chunk)) {
      request.report({ kind: "output", stream: `${spec.shownImage}-${stream}`, bytes });
    }
  }
}

function openLogs(client: DaemonClient, id: string, tail: number | undefined, signal: AbortSignal) {
  return client.open({
    method: "GET",
    path: `/containers/${id}/logs`,
    query: { stdout: true, stderr: true, tail: tail ?? "all" },
    signal,
  });
}

/** The last lines a service has printed, for messages. Empty where they cannot be had. */
async function tailOf(client: DaemonClient, id: string, lines: number, signal: AbortSignal): Promise<string> {
  const reader = frameReader();
  const pieces: Uint8Array[] = [];
  try {
    const answer = await openLogs(client, id, lines, signal);
    for await (const chunk of answer.body) pieces.push(...reader.push(chunk).map(piece => piece.bytes));
  } catch {
    return "";
  }
  return Buffer.concat(pieces).toString("utf8").slice(-4_000).trimEnd();
}

/** Between two probes: short at first, since most services are quick. Milliseconds. */
const pauses = [50, 100, 200, 300, 500];

export type ReadyWait = "ready" | "needs-box" | Refusal;

/**
 * Waits until the service is ready. `needs-box` when nothing tells so far: wait again with the box. The time starts
 * anew with each call.
 */
export async function waitUntilReady(
  input: ServicesInput,
  service: RunningService,
  boxId: string | undefined,
  signal: AbortSignal,
): Promise<ReadyWait> {
  const { ready } = service.spec;
  if (ready === undefined) return "ready";
  const { clock } = input;
  const deadline = clock.monotonic() + ready.timeoutMs;
  let exitCode: number | undefined;
  const ended = service.ended.then(code => {
    exitCode = code;
  });
  for (let attempt = 0; exitCode === undefined && clock.monotonic() < deadline; attempt++) {
    signal.throwIfAborted();
    const probe = await probeOnce(input, service, boxId, signal);
    if (probe === "ready" && (await stillRuns(input, service, signal))) return "ready";
    if (probe === "cannot" && boxId === undefined && ready.command === undefined) return "needs-box";
    const pause = pauses[Math.min(attempt, pauses.length - 1)] ?? 500;
    const rest = Math.max(0, deadline - clock.monotonic());
    await Promise.race([sleep(clock, Math.min(pause, rest), signal), ended]);
  }
  signal.throwIfAborted();
  return await notReady(input, service, exitCode);
}

/** Whoever answered at the service's address was not the service where that has ended: addresses are used again. */
async function stillRuns(
  { client }: ServicesInput,
  service: RunningService,
  signal: AbortSignal,
): Promise<boolean> {
  return (await inspectContainer(client, service.id, signal))?.State.Running === true;
}

async function probeOnce(
  input: ServicesInput,
  service: RunningService,
  boxId: string | undefined,
  signal: AbortSignal,
): Promise<Probe> {
  const { client } = input;
  const { ready } = service.spec;
  const limit = AbortSignal.any([signal, AbortSignal.timeout(10_000)]);
  try {
    if (ready?.command !== undefined) return await probeByCommand(client, service.id, ready.command, limit);
    if (ready?.port === undefined) return "ready";
    if (input.sharesNetwork && service.ip !== "") {
      const probe = await probeFromHost(service.ip, ready.port, limit);
      if (probe !== "cannot") return probe;
    }
    const probe = await probeFromInside(client, service.id, ready.port, limit);
    if (probe !== "cannot" || boxId === undefined || service.ip === "") return probe;
    return await probeFromBox(client, boxId, service.ip, ready.port, limit);
  } catch (error) {
    signal.throwIfAborted();
    if (limit.aborted) return "not-yet";
    throw error;
  }
}

async function notReady(
  input: ServicesInput,
  service: RunningService,
  exitCode: number | undefined,
): Promise<Refusal> {
  const { spec } = service;
  const tail = await tailOf(input.client, service.id, 20, AbortSignal.timeout(5_000));
  const waited = spec.ready?.command ?? `port ${spec.ready?.port}`;
  const what =
    exitCode === undefined
      ? `was not ready (${waited}) within ${(spec.ready?.timeoutMs ?? 0) / 1000} s`
      : `ended with exit code ${exitCode} before it was ready (${waited})`;
  return {
    code: "service-not-ready",
    message: `service ${spec.alias} (image ${spec.shownImage}) ${what}${tail === "" ? "" : `; its last lines:\n${tail}`}`,
    hint: "look at its output, its env and its ready setting",
  };
}

function sleep(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const done = () => {
      forget();
      signal.removeEventListener("abort", done);
      resolve();
    };
    const forget = clock.after(ms, done);
    signal.addEventListener("abort", done, { once: true });
    if (signal.aborted) done();
  });
}
