// The docker engine: brings up what a job needs at a container daemon and takes it away again. What it makes is noted
// before it is made, and nothing is left behind on any way out.

import { accept, messageOf, type Refusal, type Result } from "../../core/failure.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Engine, EngineRequest, Workspace } from "../engine.ts";
import { openChannel } from "./box-channel.ts";
import { createContainer, unlessGone } from "./container-calls.ts";
import { boxName, type RunIdentity, type RunOwner, serviceNames } from "./container-names.ts";
import { boxBody, defaultNetwork, type EnvEntry, networkBody } from "./container-spec.ts";
import { daemonAddressText } from "./daemon-address.ts";
import type { DaemonClient } from "./daemon-client.ts";
import { dockerBox } from "./docker-box.ts";
import { imageExists, pullImage } from "./image-calls.ts";
import { imageNotHere, imageRefusal } from "./image-refusal.ts";
import { dockerImageTools } from "./image-tools.ts";
import { type FindLogin, loginOf, type RegistryLogin } from "./registry-auth.ts";
import { type Remains, remains } from "./remains.ts";
import { type RunningService, type ServicesInput, startService, waitUntilReady } from "./services.ts";
import { startRefusal } from "./start-refusal.ts";

export interface DockerEngineOptions {
  client: DaemonClient;
  clock: Clock;
  /** 32 hexadecimal digits a call. */
  random(): string;
  owner: RunOwner;
  findLogin: FindLogin;
  /**
   * Where the daemon's socket lies on the daemon's own machine, for `docker: true`; undefined where it is reached by
   * TCP inside the box too.
   */
  daemonSocket: string | undefined;
  /** Whether the daemon's directories are those of this machine, so that direct mount works. */
  sharesFiles: boolean;
  /** Whether containers' addresses can be reached from this machine. */
  sharesNetwork: boolean;
}

export interface DockerEngine extends Engine {
  /** What this engine's runs have at the daemon at this moment, by name. */
  remaining(): string[];
}

export function dockerEngine(options: DockerEngineOptions): DockerEngine {
  const running = new Set<Remains>();
  return {
    name: options.client.info.product,
    remaining: () => Array.from(running).flatMap(each => each.list()),
    async start(request) {
      request.signal.throwIfAborted();
      if (request.mounts.length > 0 && !options.sharesFiles) return noDirectMount(options.client);
      const run = newRun(options, request);
      running.add(run.remains);
      let started: Result<Workspace>;
      try {
        started = await bringUp(run, () => running.delete(run.remains));
      } catch (error) {
        await takeDown(run, () => running.delete(run.remains));
        // What fails because of an abort is the abort.
        request.signal.throwIfAborted();
        throw error;
      }
      if (!started.ok) await takeDown(run, () => running.delete(run.remains));
      return started;
    },
  };
}

interface Run {
  options: DockerEngineOptions;
  request: EngineRequest;
  identity: RunIdentity;
  network: string;
  nonce: string;
  remains: Remains;
  life: AbortController;
}

function newRun(options: DockerEngineOptions, request: EngineRequest): Run {
  const { runId, project, keep } = request;
  return {
    options,
    request,
    identity: { runId, project, owner: options.owner, keep },
    network: request.network ?? (request.alone ? defaultNetwork : `w-${options.random().slice(0, 12)}`),
    nonce: options.random(),
    remains: remains(options.client, options.clock),
    life: new AbortController(),
  };
}

function noDirectMount(client: DaemonClient): Result<Workspace> {
  const refusal = {
    code: "direct-mount-remote",
    message: `direct mount needs a container daemon on this machine; ${daemonAddressText(client.info.address)} is elsewhere`,
    hint: "run without --direct-mount",
  };
  return { ok: false, refusal };
}

/** After a failed start: its failure is what matters, so a failing clean-up is only told. */
async function takeDown(run: Run, gone: () => void): Promise<void> {
  run.life.abort();
  try {
    await run.remains.clear(false);
    gone();
  } catch (error) {
    run.request.report({ kind: "notice", level: "warning", message: messageOf(error) });
  }
}

async function bringUp(run: Run, gone: () => void): Promise<Result<Workspace>> {
  const { request } = run;
  const links: EnvEntry[] = [];
  const networkMade = haveNetwork(run);
  const [noNetwork, first] = await both(networkMade, async () => {
    const noImage = await haveImages(run);
    if (noImage !== undefined) return noImage;
    if (request.services.length > 0) return undefined;
    // Podman looks for the network when the container is made, Docker when it is started.
    if (run.options.client.info.product === "podman") await networkMade;
    return await makeBox(run, links);
  });
  const refusal = noNetwork ?? (typeof first === "object" ? first : undefined);
  if (refusal !== undefined) return { ok: false, refusal };
  request.signal.throwIfAborted();

  const services = servicesInput(run);
  const running = await startServices(services, links);
  if (!running.ok) return running;
  const id = typeof first === "string" ? first : await makeBox(run, links);
  if (typeof id !== "string") return { ok: false, refusal: id };
  request.signal.throwIfAborted();
  return await startBox(run, id, services, running.value, gone);
}

/** Waits for both, also when one fails: nothing may still be in the making afterwards. */
async function both<A, B>(first: Promise<A>, second: () => Promise<B>): Promise<[A, B]> {
  const [one, other] = await Promise.allSettled([first, second()]);
  if (one.status === "rejected") throw one.reason;
  if (other.status === "rejected") throw other.reason;
  return [one.value, other.value];
}

/** The run's own network, or the one that is asked for, which has to be there. */
async function haveNetwork(run: Run): Promise<Refusal | undefined> {
  const { client } = run.options;
  const { network } = run.request;
  if (run.network === defaultNetwork) return undefined;
  if (network === undefined) {
    const json = networkBody(run.network, run.identity, client.info.product);
    await run.remains.network(run.network, () =>
      client.call({ method: "POST", path: "/networks/create", json }),
    );
    return undefined;
  }
  const path = `/networks/${encodeURIComponent(network)}`;
  if ((await unlessGone(client.call({ method: "GET", path }))) !== undefined) return undefined;
  return {
    code: "network-not-found",
    message: `there is no network ${network}`,
    hint: `create it (docker network create ${network}), or run without --docker-network`,
  };
}

/** Every image of the run, pulled as the request says, side by side. A refusal of the first that cannot be had. */
async function haveImages(run: Run): Promise<Refusal | undefined> {
  const { request } = run;
  const specs = new Map([request.box, ...request.services].map(spec => [spec.image, spec]));
  const abort = new AbortController();
  const signal = AbortSignal.any([request.signal, abort.signal]);
  const refusals = await Promise.all(
    Array.from(specs.values(), async spec => {
      try {
        const refusal = await haveImage(run, spec, signal);
        if (refusal !== undefined) abort.abort();
        return refusal;
      } catch (error) {
        if (abort.signal.aborted && !request.signal.aborted) return undefined;
        abort.abort();
        throw error;
      }
    }),
  );
  return refusals.find(refusal => refusal !== undefined);
}

async function haveImage(
  run: Run,
  spec: EngineRequest["box"],
  signal: AbortSignal,
): Promise<Refusal | undefined> {
  const { client, findLogin } = run.options;
  const { request } = run;
  const pull = spec.pull ?? request.pull;
  let login: RegistryLogin | undefined;
  try {
    if (pull !== "always" && (await imageExists(client, spec.image))) return undefined;
    if (pull === "never") return imageNotHere(spec.shownImage);
    login = spec.credentials === undefined ? await findLogin(spec.image) : loginOf(spec.credentials);
    signal.throwIfAborted();
    await pullImage(client, spec.image, login, text => tell(request, text), signal);
    return undefined;
  } catch (error) {
    signal.throwIfAborted();
    return imageRefusal(error, spec.shownImage, login !== undefined);
  }
}

function tell(request: EngineRequest, text: string): void {
  request.report({ kind: "output", stream: "engine", bytes: Buffer.from(text) });
}

/** The box's container, made and not yet started; a refusal where the daemon will not have it. */
async function makeBox(run: Run, links: EnvEntry[]): Promise<string | Refusal> {
  const { client, daemonSocket } = run.options;
  const { request, identity, network, nonce } = run;
  const name = boxName(request.runId);
  request.signal.throwIfAborted();
  const socket = daemonSocket === undefined ? {} : { daemonSocket };
  const body = boxBody({ request, identity, network, nonce, links, ...socket });
  try {
    return await run.remains.container(name, () => createContainer(client, name, body));
  } catch (error) {
    const refusal = startRefusal(error, request.box, "box");
    if (refusal === undefined) throw error;
    return refusal;
  }
}

function servicesInput(run: Run): ServicesInput {
  const { options, request, identity, network } = run;
  const { client, clock, sharesNetwork } = options;
  const names = serviceNames(request.services, request.runId);
  const life = run.life.signal;
  return { client, clock, request, identity, network, remains: run.remains, names, life, sharesNetwork };
}

interface StartedServices {
  /** Its readiness is awaited beside the box's start. */
  last?: RunningService;
  /** Nothing could be told of them so far: only the box can probe them. */
  unsure: RunningService[];
}

/** In order, each ready before the next one starts. */
async function startServices(input: ServicesInput, links: EnvEntry[]): Promise<Result<StartedServices>> {
  const { services, signal } = input.request;
  const unsure: RunningService[] = [];
  let last: RunningService | undefined;
  for (const index of services.keys()) {
    if (last !== undefined) {
      const ready = await waitUntilReady(input, last, undefined, signal);
      if (typeof ready === "object") return { ok: false, refusal: ready };
      if (ready === "needs-box") unsure.push(last);
    }
    signal.throwIfAborted();
    const started = await startService(input, index, links);
    if (!started.ok) return started;
    last = started.value;
  }
  return accept(last === undefined ? { unsure } : { last, unsure });
}

async function startBox(
  run: Run,
  id: string,
  services: ServicesInput,
  { last, unsure }: StartedServices,
  gone: () => void,
): Promise<Result<Workspace>> {
  const { client, clock } = run.options;
  const { request, nonce } = run;
  const noBox = new AbortController();
  const waiting = AbortSignal.any([request.signal, noBox.signal]);
  const lastReady =
    last === undefined
      ? Promise.resolve("ready" as const)
      : waitUntilReady(services, last, undefined, waiting);
  const opening = async () => {
    try {
      return await openChannel({ client, clock, id, nonce, life: run.life.signal });
    } catch (error) {
      noBox.abort(error);
      throw error;
    }
  };
  try {
    const [ready, channel] = await both(lastReady, opening);
    if (typeof ready === "object") return { ok: false, refusal: ready };
    if (last !== undefined && ready === "needs-box") unsure.push(last);
    for (const service of unsure) {
      const late = await waitUntilReady(services, service, id, request.signal);
      if (typeof late === "object") return { ok: false, refusal: late };
    }
    request.signal.throwIfAborted();
    return accept(workspace(run, id, channel, gone));
  } catch (error) {
    const refusal = startRefusal(error, request.box, "box");
    if (refusal === undefined) throw error;
    return { ok: false, refusal };
  }
}

function workspace(
  run: Run,
  id: string,
  channel: Awaited<ReturnType<typeof openChannel>>,
  gone: () => void,
): Workspace {
  const { options, request, life } = run;
  const { client, clock } = options;
  const report = (level: "warning" | "debug", message: string) => {
    request.report({ kind: "notice", level, message });
  };
  let disposing: Promise<void> | undefined;
  return {
    paths: { pipeline: "/pipeline", report: "/report" },
    environment: request.daemonAccess
      ? [
          { name: "DOCKER_HOST", value: hostInBox(options) },
          { name: "DOCKER_NETWORK_NAME", value: run.network },
        ]
      : [],
    box: dockerBox({
      client,
      clock,
      id,
      channel,
      shownImage: request.box.shownImage,
      life: life.signal,
      report,
    }),
    images: dockerImageTools({ ...run, client, boxId: id }),
    [Symbol.asyncDispose]() {
      disposing ??= dispose(run, gone).catch(error => {
        disposing = undefined;
        throw error;
      });
      return disposing;
    },
  };
}

async function dispose(run: Run, gone: () => void): Promise<void> {
  run.life.abort();
  await run.remains.clear(run.request.keep);
  gone();
}

function hostInBox(options: DockerEngineOptions): string {
  if (options.daemonSocket !== undefined) return `unix://${options.daemonSocket}`;
  return daemonAddressText(options.client.info.address);
}
