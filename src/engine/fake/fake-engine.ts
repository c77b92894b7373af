// An engine for tests: no container, no process, no file. Its boxes interpret the words of script-words.ts, keep their
// files in memory, and record what is asked of them. Whoever breaks the port's order of calls hears of it at once.

import { cancelOf } from "../../core/cancel.ts";
import { accept, type Refusal, SlipwayError } from "../../core/failure.ts";
import { abortable } from "../../lib/abortable.ts";
import { type Clock, systemClock } from "../../lib/clock.ts";
import type {
  Box,
  BoxChannel,
  Engine,
  EngineRequest,
  GuestPaths,
  TerminalRequest,
  Workspace,
} from "../engine.ts";
import type { ImageTools } from "../image-tools.ts";
import { linkVariables } from "../link-variables.ts";
import { createFakeImages } from "./fake-images.ts";
import { type FakeGreeting, FakeProcess } from "./fake-process.ts";
import { createFileTree, type FileTree } from "./file-tree.ts";

/** What was asked of the engine, in order. */
export type FakeCall =
  | { call: "start"; request: EngineRequest }
  | { call: "write"; text: string }
  | { call: "put"; at: string }
  | { call: "get"; path: string; found: boolean }
  | { call: "signalAll"; signal: "TERM" | "KILL" }
  | { call: "restart" }
  | { call: "terminal"; prelude: string }
  | { call: "image"; what: string }
  | { call: "dispose" };

export interface FakeEngineOptions {
  clock?: Clock;
  /** Nonces. */
  random?: () => string;
  greeting?: FakeGreeting;
  user?: { uid: number; gid: number };
  shell?: string;
  /** Images that are nowhere. */
  unknownImages?: string[];
  /** Aliases of services that never get ready. */
  unreadyServices?: string[];
  /** Aliases of services that crash at once, with what they print. */
  crashingServices?: Record<string, { stdout: string; stderr: string }>;
  /** The engine itself fails to start. */
  failure?: Error;
  /** What bringing up takes, on the clock. Milliseconds. */
  startMs?: number;
  /** Files of the box's image: path to content. */
  files?: Record<string, string>;
  /** Give the workspace a daemon that knows images and does nothing but record. */
  images?: boolean;
  /** What happens in an interactive shell. */
  terminal?: (request: TerminalRequest) => Promise<void>;
}

export interface FakeEngine extends Engine {
  readonly calls: FakeCall[];
  /** Workspaces that were started and not disposed of. */
  readonly open: number;
  /** The files of the box that was started last. */
  readonly files: FileTree;
  /** Ends the main processes of all boxes as a KILL from outside does. */
  killBox(): void;
}

const guestPaths: GuestPaths = { pipeline: "/pipeline", report: "/report" };

/** An engine for tests. */
export function createFakeEngine(options: FakeEngineOptions = {}): FakeEngine {
  const calls: FakeCall[] = [];
  const open = new Set<FakeWorkspace>();
  let files = createFileTree();
  let nonces = 0;
  const random = options.random ?? (() => `nonce${++nonces}`);
  return {
    name: "fake",
    calls,
    get open() {
      return open.size;
    },
    get files() {
      return files;
    },
    killBox() {
      for (const workspace of open) workspace.kill();
    },
    async start(request) {
      calls.push({ call: "start", request });
      const refusal = await bringUp(options, request);
      if (refusal !== undefined) return { ok: false, refusal };
      files = createFileTree();
      for (const [path, content] of Object.entries(options.files ?? {})) files.write(path, content);
      const workspace = new FakeWorkspace({ options, request, calls, files, random, open });
      open.add(workspace);
      return accept(workspace);
    },
  };
}

async function bringUp(options: FakeEngineOptions, request: EngineRequest): Promise<Refusal | undefined> {
  const { signal } = request;
  await waitFor(options.startMs ?? 0, options.clock ?? systemClock, signal);
  if (signal.aborted) throw cancelOf(signal);
  if (options.failure !== undefined) throw options.failure;
  for (const { image } of [...request.services, request.box]) {
    if (options.unknownImages?.includes(image)) {
      return { code: "image-not-found", message: `there is no image ${image}`, hint: "check its name" };
    }
  }
  for (const { alias, shownImage } of request.services) {
    if (options.unreadyServices?.includes(alias)) {
      return { code: "service-not-ready", message: `the service ${alias} (${shownImage}) never got ready` };
    }
    const printed = options.crashingServices?.[alias];
    for (const stream of ["stdout", "stderr"] as const) {
      if (printed === undefined) continue;
      request.report({
        kind: "output",
        stream: `${shownImage}-${stream}`,
        bytes: Buffer.from(printed[stream]),
      });
    }
  }
  return undefined;
}

/** At least one turn of the event loop, and as long as the clock says, or until the signal. */
async function waitFor(ms: number, clock: Clock, signal: AbortSignal): Promise<void> {
  await Promise.resolve();
  if (ms === 0 || signal.aborted) return;
  const over = Promise.withResolvers<void>();
  const disarm = clock.after(ms, over.resolve);
  signal.addEventListener("abort", () => over.resolve(), { once: true });
  await over.promise;
  disarm();
}

interface WorkspaceParts {
  options: FakeEngineOptions;
  request: EngineRequest;
  calls: FakeCall[];
  files: FileTree;
  random(): string;
  open: Set<FakeWorkspace>;
}

class FakeWorkspace implements Workspace {
  readonly paths = guestPaths;
  readonly environment: { name: string; value: string }[];
  readonly images: ImageTools | undefined;
  readonly box: Box;
  readonly #parts: WorkspaceParts;
  readonly #memory = { kills: 0 };
  #process: FakeProcess;
  #disposed = false;

  constructor(parts: WorkspaceParts) {
    this.#parts = parts;
    const { options, request, calls } = parts;
    this.environment = request.daemonAccess ? [{ name: "DOCKER_HOST", value: "unix:///fake.sock" }] : [];
    this.images =
      options.images === true ? createFakeImages(what => calls.push({ call: "image", what })) : undefined;
    this.#process = this.#startProcess();
    this.box = this.#makeBox();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#parts.calls.push({ call: "dispose" });
    this.#parts.open.delete(this);
    this.#process.close({ kind: "lost", message: "the workspace was disposed of" });
  }

  kill(): void {
    this.#process.close({ kind: "exited", exitCode: 137, outOfMemory: false });
  }

  #makeBox(): Box {
    const { calls, files, options } = this.#parts;
    const current = () => this.#process;
    const box: Box = {
      get channel() {
        return current().channel;
      },
      put: async (archive, at, signal) => {
        this.#mustLive("put", signal);
        calls.push({ call: "put", at });
        if (!files.isDirectory(at)) throw new Error(`fake engine: put into ${at}, which is no directory`);
        await files.unpack(abortable(archive, signal), at);
        return accept(undefined);
      },
      get: async (path, signal) => {
        this.#mustLive("get", signal);
        const found = files.pack(path);
        calls.push({ call: "get", path, found: found !== undefined });
        return found;
      },
      signalAll: async signal => {
        this.#mustLive("signalAll");
        calls.push({ call: "signalAll", signal });
        this.#process.signal(signal);
      },
      restart: async signal => {
        this.#mustLive("restart", signal);
        if (this.#process.running) throw new Error("fake engine: restart of a box that runs");
        calls.push({ call: "restart" });
        const end = await this.#process.channel.closed;
        if (end.kind === "lost")
          throw new SlipwayError("box-lost", "the box is lost and cannot be restarted");
        this.#process = this.#startProcess();
        return this.#process.channel;
      },
    };
    const { terminal } = options;
    if (terminal === undefined) return box;
    return Object.defineProperties(
      {
        ...box,
        terminal: async (request: TerminalRequest) => {
          this.#mustLive("terminal", request.signal);
          calls.push({ call: "terminal", prelude: request.prelude });
          await terminal(request);
        },
      },
      { channel: Object.getOwnPropertyDescriptor(box, "channel") ?? {} },
    );
  }

  #startProcess(): FakeProcess {
    const { options, request, files, random, calls } = this.#parts;
    const process = new FakeProcess({
      nonce: random(),
      clock: options.clock ?? systemClock,
      tree: files,
      environment: [...request.box.env, ...linksOf(request)],
      greeting: options.greeting ?? { kind: "normal" },
      user: options.user ?? { uid: 0, gid: 0 },
      shell: options.shell ?? request.box.cmd?.[0] ?? "/bin/sh",
      memory: this.#memory,
    });
    recordWrites(process.channel, calls);
    return process;
  }

  #mustLive(call: string, signal?: AbortSignal): void {
    if (this.#disposed) throw new Error(`fake engine: ${call} after the workspace was disposed of`);
    if (signal?.aborted) throw cancelOf(signal);
    const lost = call !== "restart" && this.#process.lost;
    if (lost) throw new SlipwayError("box-lost", `${call}: the connection to the box broke`);
  }
}

function recordWrites(channel: BoxChannel, calls: FakeCall[]): void {
  const write = channel.write.bind(channel);
  channel.write = async text => {
    calls.push({ call: "write", text });
    await write(text);
  };
}

function linksOf(request: EngineRequest): { name: string; value: string }[] {
  return request.services.flatMap(({ alias, ports, env }, index) =>
    linkVariables({ runId: request.runId, alias, ip: `10.0.0.${index + 2}`, ports, env }),
  );
}
