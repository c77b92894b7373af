// The engine inside a Pod: its containers are there already, made by whoever launched the Pod, so a start is no more than
// to wait until services answer and the box's supervisor greets. It talks to no daemon and no cluster.

import { cancelOf } from "../../core/cancel.ts";
import { accept, messageOf, type Refusal, type Result, refuse, SlipwayError } from "../../core/failure.ts";
import type { Clock } from "../../lib/clock.ts";
import type { ContainerSpec, Engine, EngineRequest, PortMapping, Workspace } from "../engine.ts";
import { linkVariables } from "../link-variables.ts";
import { watchSilence } from "./box-silence.ts";
import { openPodBox, openSession, type PodSession } from "./pod-box.ts";
import { openPodLink, type PodLink } from "./pod-link.ts";
import { orderField } from "./pod-supervisor.ts";
import type { PodIo } from "./prepare-io.ts";
import { podAddress, waitUntilReady } from "./ready-services.ts";

export interface PodEngineOptions {
  /** Laid by `prepareIo`, as early as can be. */
  io: PodIo;
  /** The one that the box's supervisor was given. */
  nonce: string;
  clock: Clock;
  /** What is there when the `ready` command of a service has succeeded; commands are not waited for where it is not told. */
  readyFile?(alias: string): string;
  /**
   * What an image says of itself, for link variables. Undefined where it cannot be known soon; it is waited for, so it
   * must not take long.
   */
  describeImage?(service: ContainerSpec, signal: AbortSignal): Promise<ImageDescription | undefined>;
}

export interface ImageDescription {
  env: { name: string; value: string }[];
  ports: Pick<PortMapping, "containerPort" | "protocol">[];
}

export interface PodEngine extends Engine {
  /**
   * Tells the box, when it is there, to exit with this code, and waits for its end for a moment. The last call: nothing
   * can be started any more.
   */
  end(exitCode: number): Promise<void>;
  /** Lets go of the box, as the end of this process would. */
  close(): void;
}

/** How long the last process of the box may take to end. Milliseconds. */
const endMs = 3_000;

/** For one job: a Pod has one box. Throws where the pipes cannot be opened. */
export function createPodEngine(options: PodEngineOptions): PodEngine {
  const link = openPodLink(options);
  let greeted = false;
  void link.hello.then(() => {
    greeted = true;
  });
  // The session is begun before anybody asks for it: nothing of the user's runs in it until then.
  const life = new AbortController();
  const early = link.hello.then(() => openSession({ ...options, link, life: life.signal }));
  early.catch(() => undefined);
  return {
    name: "pod",
    start: request => start({ ...options, link, life, early }, request),
    async end(exitCode) {
      if (greeted) {
        link.order("exit", exitCode).forget();
        const late = Promise.withResolvers<void>();
        const disarm = options.clock.after(endMs, late.resolve);
        await Promise.race([link.ended, late.promise]);
        disarm();
      }
      link.close();
    },
    close: link.close,
  };
}

interface Options extends PodEngineOptions {
  link: PodLink;
  /** Ends with the workspace. */
  life: AbortController;
  early: Promise<PodSession>;
}

async function start(options: Options, request: EngineRequest): Promise<Result<Workspace>> {
  const { link, nonce, io, clock } = options;
  const { signal, services } = request;
  throwIfAborted(signal);
  const refusal = refusalOf(request);
  if (refusal !== undefined) return { ok: false, refusal };
  for (const message of withoutEffect(request, options.readyFile !== undefined))
    request.report({ kind: "notice", level: "warning", message });
  // All at once: while the box's image is still being pulled, services are waited for.
  const describing = describe(options, request);
  const greeted = orAborted(Promise.race([unfitOf(link, request.box), options.early, endOf(link)]), signal);
  greeted.catch(() => undefined);
  using silence = watchSilence(clock, request.box.shownImage, request.placeWaits);
  const ready = await firstRefusal(services.map(service => waitUntilReady(service, options, signal)));
  if (ready !== undefined) return { ok: false, refusal: ready };
  const links = await describing;
  const early = await Promise.race([greeted, silence.tooLong]);
  if ("code" in early) return { ok: false, refusal: early };
  const { life } = options;
  const first = links.length === 0 ? early : await openWith(links, early, options);
  const box = openPodBox(
    {
      io,
      link,
      nonce,
      clock,
      shownImage: request.box.shownImage,
      warn: message => request.report({ kind: "notice", level: "warning", message }),
      life: life.signal,
    },
    first,
  );
  link.watch();
  let disposal: Promise<void> | undefined;
  const dispose = async () => {
    // The box lives until the verdict is known; nothing of the user's does.
    await box.signalAll("KILL").catch(error => {
      request.report({
        kind: "notice",
        level: "debug",
        message: `not all of the box was killed: ${messageOf(error)}`,
      });
    });
    life.abort();
  };
  const workspace: Workspace = {
    paths: { pipeline: "/pipeline", report: "/report" },
    environment: [],
    box,
    images: undefined,
    [Symbol.asyncDispose]: () => (disposal ??= dispose()),
  };
  if (!signal.aborted) return accept(workspace);
  await workspace[Symbol.asyncDispose]();
  throw cancelOf(signal);
}

/** Another session, with these variables. */
async function openWith(
  variables: { name: string; value: string }[],
  early: PodSession,
  options: Options,
): Promise<PodSession> {
  early.giveUp();
  options.link.order("close").forget();
  for (const { name, value } of variables) options.link.order("env", name, orderField(value)).forget();
  return openSession({ ...options, life: options.life.signal });
}

function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw cancelOf(signal);
}

async function unfitOf(link: Options["link"], { shownImage }: ContainerSpec): Promise<Refusal> {
  await link.unfit;
  return refuse(
    "box-needs-volumes",
    `the box of image ${shownImage} cannot take the runner's tools: its user may not write to its root directory, or it has no mkdir and cp`,
    "the class has pod.volumes=false, which is for images that run as root: use another class, or take that setting off",
  ).refusal;
}

async function endOf(link: Options["link"]): Promise<never> {
  const { message } = await link.ended;
  throw new SlipwayError("box-gone", `the box of the Pod is gone: ${message}`);
}

async function firstRefusal(waits: Promise<Refusal | undefined>[]): Promise<Refusal | undefined> {
  return (await Promise.all(waits)).find(refusal => refusal !== undefined);
}

/** Rejects with the signal's reason. The promise itself is left to itself. */
function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  promise.catch(() => undefined);
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(cancelOf(signal));
    signal.addEventListener("abort", onAbort, { once: true });
    void promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
    if (signal.aborted) onAbort();
  });
}

function refusalOf({ daemonAccess, mounts }: EngineRequest): Refusal | undefined {
  if (daemonAccess) {
    return refuse(
      "no-daemon",
      "`docker: true` needs a container daemon, and a Pod has none",
      "run this job on a class whose workers have the engine docker",
    ).refusal;
  }
  if (mounts.length > 0) {
    return refuse("no-mounts", "direct mounts are for jobs on one's own machine").refusal;
  }
  return undefined;
}

/** What the file asks for and nobody in the Pod can do. */
function withoutEffect({ services }: EngineRequest, commands: boolean): string[] {
  if (commands) return [];
  return services
    .filter(({ ready }) => ready?.command !== undefined)
    .map(({ alias }) => `service ${alias}: its \`ready\` command is not waited for in a Pod; a port is`);
}

/** Link variables of every service. A description that cannot be had leaves the declared ports. */
async function describe(
  options: Options,
  request: EngineRequest,
): Promise<{ name: string; value: string }[]> {
  const described = await Promise.all(
    request.services.map(async service => {
      const image = await options.describeImage?.(service, request.signal).catch(() => undefined);
      const ports = [...(image?.ports ?? []), ...service.ports];
      const own = new Set(service.env.map(({ name }) => name));
      const env = [...(image?.env.filter(({ name }) => !own.has(name)) ?? []), ...service.env];
      const unique = ports.filter((port, index) => ports.findIndex(other => samePort(port, other)) === index);
      return linkVariables({
        runId: request.runId,
        alias: service.alias,
        ip: podAddress,
        ports: unique,
        env,
      });
    }),
  );
  // A shell can have no others.
  return described.flat().filter(({ name }) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name));
}

function samePort(one: ImageDescription["ports"][number], other: ImageDescription["ports"][number]): boolean {
  return one.containerPort === other.containerPort && one.protocol === other.protocol;
}
