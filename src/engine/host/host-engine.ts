// The engine without containers: the box is a tree of processes in a private directory of this machine. For a first
// look and for machines that have no containers. It isolates nothing, and says so at each start.

import { chown, mkdir, mkdtemp, realpath, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { cancelOf } from "../../core/cancel.ts";
import { accept, type Refusal, type Result } from "../../core/failure.ts";
import type { Clock } from "../../lib/clock.ts";
import type {
  Box,
  BoxChannel,
  ContainerSpec,
  Engine,
  EngineRequest,
  GuestPaths,
  Workspace,
} from "../engine.ts";
import { linkVariables } from "../link-variables.ts";
import { getFiles, putFiles } from "./box-files.ts";
import { type BoxProcess, startBoxProcess } from "./box-process.ts";
import type { PipeEnds } from "./fifo.ts";
import {
  fitsPrepared,
  giveTo,
  machineEnvironment,
  makeDirectories,
  type PreparedBox,
  prepareBox,
} from "./prepared-box.ts";
import { endMembers, type Membership, signalMembers } from "./processes.ts";
import { removeTree } from "./remove-tree.ts";
import { hintForScript } from "./script-hint.ts";
import { refusalOfPorts, serviceAddress } from "./service-ports.ts";
import { refusalOfService, type ServiceProcess, startService } from "./service-process.ts";
import { openTerminal } from "./terminal.ts";
import { emptyAs, startUnpacker, type Unpacker } from "./user-files.ts";

export interface HostEngineOptions {
  /** Directory in which each workspace gets a private directory of its own; made where it is missing. */
  root: string;
  /** The environment of this program; a box sees the few variables of `passedOn` of it. */
  environment: Readonly<Record<string, string | undefined>>;
  /** Session shell; empty or absent: bash where there is one, else sh. */
  shell?: string[];
  /** HOME of the box is a directory in it, instead of this program's. */
  ownHome?: boolean;
  /** Another user for everything in the box. Needs the right to become that user. */
  spawnAs?: { uid: number; gid: number };
  clock: Clock;
  /** Random text, different at each call. */
  random(): string;
  /** Makes a box ready at once, not only when one is asked for: `root` must be there. */
  startsSoon?: boolean;
  /** Pipes of the first box, made before. */
  pipes?: Promise<PipeEnds>;
  /** Between TERM and KILL when the workspace ends. Milliseconds. */
  graceMs?: number;
}

const isolatesNothing =
  "host engine: the steps run as processes of this machine, and nothing isolates the two from each other";

/** An engine that runs boxes as processes of this machine. */
export function createHostEngine(options: HostEngineOptions): Engine {
  const { pipes, ...others } = options;
  let prepared = options.startsSoon ? prepareBox(options) : undefined;
  // Whoever asks for a box meets the same, and hears of it then.
  prepared?.catch(() => undefined);
  const takePrepared = () => {
    const taken = prepared;
    prepared = undefined;
    return taken?.catch(() => undefined);
  };
  return { name: "host", start: request => start({ ...others, takePrepared }, request), hintForScript };
}

interface WorkspaceOptions extends HostEngineOptions {
  /** The box that was made ready before, once. */
  takePrepared(): Promise<PreparedBox | undefined> | undefined;
}

async function start(options: WorkspaceOptions, request: EngineRequest): Promise<Result<Workspace>> {
  throwIfAborted(request.signal);
  for (const service of request.services) {
    const refusal = refusalOfService(service);
    if (refusal !== undefined) return { ok: false, refusal };
  }
  const taken = await refusalOfPorts(request.services);
  if (taken !== undefined) return { ok: false, refusal: taken };
  throwIfAborted(request.signal);
  request.report({ kind: "notice", level: "warning", message: isolatesNothing });
  for (const message of withoutEffect(request)) request.report({ kind: "notice", level: "info", message });
  const host = new HostWorkspace(options, request);
  try {
    const refusal = await host.start();
    if (refusal === undefined) return accept(host);
    await host[Symbol.asyncDispose]();
    return { ok: false, refusal };
  } catch (error) {
    await host[Symbol.asyncDispose]();
    throwIfAborted(request.signal);
    throw error;
  }
}

function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw cancelOf(signal);
}

/** What the request asks for and this engine cannot give. */
function withoutEffect(request: EngineRequest): string[] {
  const ignored: string[] = [];
  if (request.memoryBytes !== undefined || request.cpu !== undefined)
    ignored.push("limits of memory and cpu");
  if (request.network !== undefined || request.dns.length > 0) ignored.push("networks and DNS servers");
  if (request.readOnlyRoot === true) ignored.push("a read-only root");
  if (request.enableVolumes && request.box.volumes.length > 0) ignored.push("volumes");
  return ignored.map(what => `the host engine does without ${what}`);
}

/** One job's directory, processes and services. */
class HostWorkspace implements Workspace {
  readonly environment = [];
  readonly images = undefined;
  readonly fresh = true;
  readonly paths: GuestPaths = { pipeline: "", report: "", root: "" };
  readonly box: Box;
  readonly #options: WorkspaceOptions;
  readonly #request: EngineRequest;
  #cookie: string;
  readonly #services: ServiceProcess[] = [];
  readonly #roots: string[] = [];
  #directory = "";
  #links: { name: string; value: string }[] = [];
  #process: BoxProcess | undefined;
  #unpacker: Unpacker | undefined;
  #disposal: Promise<void> | undefined;

  constructor(options: WorkspaceOptions, request: EngineRequest) {
    this.#options = options;
    this.#request = request;
    this.#cookie = options.random();
    this.box = this.#makeBox();
  }

  /** Everything of the port's `start`. A refusal and an error leave the tidying to disposal. */
  async start(): Promise<Refusal | undefined> {
    const { signal } = this.#request;
    const ready = await this.#takePrepared();
    throwIfAborted(signal);
    if (ready) return undefined;
    await this.#makeDirectory();
    for (const spec of this.#request.services) {
      throwIfAborted(signal);
      const refusal = await this.#startService(spec);
      if (refusal !== undefined) return refusal;
    }
    throwIfAborted(signal);
    await this.#startProcess();
    throwIfAborted(signal);
    return undefined;
  }

  /** False where there is none, or it is not what is asked for. */
  async #takePrepared(): Promise<boolean> {
    const prepared = await this.#options.takePrepared();
    if (prepared === undefined) return false;
    if (!fitsPrepared(this.#request) || prepared.process.leader() === undefined) {
      await prepared[Symbol.asyncDispose]();
      return false;
    }
    prepared.process.hold();
    this.#cookie = prepared.cookie;
    this.#process = prepared.process;
    this.#unpacker = prepared.unpacker;
    this.#liveIn(prepared.directory);
    return true;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#disposal ??= this.#dispose();
    return this.#disposal;
  }

  async #makeDirectory(): Promise<void> {
    const { directory, made } = await makeDirectories(this.#options, this.#request.runId);
    this.#liveIn(directory);
    for (const { host, guest } of this.#request.mounts) await this.#mount(host, guest);
    await giveTo(this.#options.spawnAs, made);
  }

  #liveIn(directory: string): void {
    this.#directory = directory;
    this.paths.root = directory;
    this.paths.pipeline = join(directory, "pipeline");
    this.paths.report = join(directory, "report");
    this.#roots.push(directory);
  }

  /** A mount is a link to the directory itself: the steps work on it in place. */
  async #mount(host: string, guest: string): Promise<void> {
    const place = join(this.#directory, guest);
    await mkdir(dirname(place), { recursive: true });
    await symlink(await realpath(host), place);
    this.#roots.push(await realpath(host));
  }

  async #startService(spec: ContainerSpec): Promise<Refusal | undefined> {
    const directory = await mkdtemp(join(this.#directory, "services", "s-"));
    const { clock, spawnAs } = this.#options;
    if (spawnAs !== undefined) await chown(directory, spawnAs.uid, spawnAs.gid);
    const started = await startService({
      spec,
      directory,
      environment: this.#environmentOf(spec),
      cookie: `${this.#cookie}-services`,
      clock,
      report: news => this.#request.report(news),
      ...(spawnAs === undefined ? {} : { spawnAs }),
    });
    if (!started.ok) return started.refusal;
    this.#services.push(started.value);
    const refusal = await started.value.ready(this.#request.signal);
    const { alias, ports, env } = spec;
    this.#links.push(...linkVariables({ runId: this.#request.runId, alias, ip: serviceAddress, ports, env }));
    return refusal;
  }

  /** What a container of this workspace sees: little of this machine, its own variables, the services so far. */
  #environmentOf(spec: ContainerSpec): Record<string, string> {
    const seen = machineEnvironment(this.#options, this.#directory);
    for (const { name, value } of [...spec.env, ...this.#links]) seen[name] = value;
    return seen;
  }

  async #startProcess(): Promise<BoxChannel> {
    const { shell = [], clock, random, spawnAs } = this.#options;
    const { cmd } = this.#request.box;
    this.#process = await startBoxProcess({
      directory: this.#directory,
      environment: this.#environmentOf(this.#request.box),
      cookie: this.#cookie,
      nonce: random(),
      shell: cmd ?? shell,
      clock,
      ...(spawnAs === undefined ? {} : { spawnAs }),
    });
    return this.#process.channel;
  }

  #running(): BoxProcess {
    if (this.#process === undefined) throw new Error("the box was never started");
    return this.#process;
  }

  #makeBox(): Box {
    const running = () => this.#running();
    return {
      get channel() {
        return running().channel;
      },
      put: (archive, at, signal) => putFiles(archive, at, this.#roots, signal, this.#unpackers()),
      get: (path, signal) => getFiles(path, this.#roots, signal, this.#options.spawnAs),
      signalAll: signal => signalMembers(this.#members(), signal, this.#options.clock),
      restart: async signal => {
        await this.#running().end();
        throwIfAborted(signal);
        return this.#startProcess();
      },
      terminal: request =>
        openTerminal(request, {
          directory: this.#directory,
          environment: this.#environmentOf(this.#request.box),
          cookie: this.#cookie,
          shell: this.#options.shell ?? [],
        }),
    };
  }

  /** Undefined where the box is our own. The one that waits already is for one archive, in the box's directory. */
  #unpackers(): ((directory: string) => Unpacker) | undefined {
    const { spawnAs } = this.#options;
    if (spawnAs === undefined) return undefined;
    return directory => {
      const waiting = directory === this.#directory ? this.#unpacker : undefined;
      if (waiting !== undefined) this.#unpacker = undefined;
      return waiting ?? startUnpacker(spawnAs, directory);
    };
  }

  #members(): Membership {
    const leader = this.#process?.leader();
    return { cookie: this.#cookie, ...(leader === undefined ? {} : { leader }) };
  }

  async #dispose(): Promise<void> {
    const { graceMs = 500, clock } = this.#options;
    this.#unpacker?.[Symbol.dispose]();
    if (this.#process !== undefined) {
      await endMembers(this.#members(), graceMs, clock);
      await this.#process.end();
    }
    for (const service of this.#services.toReversed()) await service.end(graceMs);
    if (this.#directory === "") return;
    // What is the box's goes by its user's hand; only what is left, by ours.
    if (this.#options.spawnAs !== undefined) await emptyAs(this.#options.spawnAs, this.#directory);
    await removeTree(this.#directory);
  }
}
