// The port between the runner and whatever runs containers (or, without any, processes). An engine knows images,
// containers and files; it knows nothing of steps. Every adapter passes `engine.contract.ts`.
//
// Order of calls: start -> (put | get | signalAll | restart | terminal)* -> dispose of the workspace.
// The workspace may be disposed of at any time, also after a failure of any other call, and more than once.

import type { Result } from "../core/failure.ts";
import type { Secret } from "../core/secret.ts";
import type { ImageTools } from "./image-tools.ts";

export interface Engine {
  /** `docker`, `host`, `fake`, later `pod`. Shown to people and in `run-started`. */
  readonly name: string;

  /**
   * Brings up what a job needs: images, network, services in order, then the box with the supervisor as its
   * main process. Resolves when services are ready and the box runs; the supervisor's greeting is still unread.
   *
   * A refusal is the user's affair (image unknown or refused, service never ready, port taken). Throws
   * SlipwayError where the engine itself fails, and the signal's reason when aborted; in both cases, and on a
   * refusal, nothing is left behind.
   */
  start(request: EngineRequest): Promise<Result<Workspace>>;

  /** What to tell about a script whose text cannot work here as it stands. Absent where every script can. */
  hintForScript?(code: string): string | undefined;
}

export interface EngineRequest {
  runId: string;
  project: string;
  box: ContainerSpec;
  services: ContainerSpec[];
  /** `always` asks the registry, `missing` only where the image is not here, `never` is `--docker-local`. */
  pull: "always" | "missing" | "never";
  /** Hand the daemon to the box (`docker: true`): DOCKER_HOST inside it, its socket, all privileges. */
  daemonAccess: boolean;
  /** Bytes. The box gets 75 % with services, 100 % without; services share the rest. */
  memoryBytes?: number;
  memorySwapBytes?: number;
  /** Cores. */
  cpu?: number;
  /** An existing network to use instead of one of our own. */
  network?: string;
  /**
   * Nothing else of the run has to be reached by name: no network of its own is made, which is half of what a start
   * costs. The box is then where `docker run` would put it.
   */
  alone?: boolean;
  dns: string[];
  exposePorts: boolean;
  enableVolumes: boolean;
  /** Host directories mounted read-write into the box (direct mount); needs a daemon on this machine. */
  mounts: { host: string; guest: string }[];
  /** Keep containers when the workspace ends (`--no-remove`); they are stopped all the same. */
  keep: boolean;
  /** Root file system read-only, as hardened classes have it. */
  readOnlyRoot?: boolean;
  /**
   * Where containers are brought up by somebody else: whether they still wait for something. True too while that is not known.
   * A box that is silent though nothing is waited for is given up.
   */
  placeWaits?(): boolean;
  /** Progress and remarks, masked by the receiver. Must not be awaited for long. */
  report(news: EngineNews): void;
  signal: AbortSignal;
}

export type EngineNews =
  | { kind: "output"; stream: string; bytes: Uint8Array }
  | { kind: "notice"; level: "info" | "warning" | "debug"; message: string };

/** A container with everything expanded: no `$VAR` is left in it. */
export interface ContainerSpec {
  /** Fully qualified image, `docker.io/library/alpine:latest` or with a digest. */
  image: string;
  /** As the file wrote it, for messages. */
  shownImage: string;
  /** Instead of the request's: an image that was made on this daemon is in no registry. */
  pull?: "always" | "missing" | "never";
  /** DNS alias of a service; the box has none. */
  alias: string;
  credentials?: RegistryCredentials;
  cmd?: string[];
  entrypoint?: string[];
  env: { name: string; value: string }[];
  ports: PortMapping[];
  volumes: { host?: string; guest: string }[];
  ready?: { port?: number; command?: string; timeoutMs: number };
}

export interface RegistryCredentials {
  username: string;
  password: Secret;
  /** Address of the registry as the daemon wants it. */
  server: string;
}

export interface PortMapping {
  hostIp?: string;
  hostPort?: number;
  containerPort: number;
  protocol: "tcp" | "udp";
}

/** Paths as the steps see them. */
export interface GuestPaths {
  /** `/pipeline`. */
  pipeline: string;
  /** `/report`. */
  report: string;
  /** Put in front of a job's `base-path`, where the engine has no file system of its own for the box. */
  root?: string;
}

/** All that was started for one job. Disposing ends and removes it, whatever state it is in. */
export interface Workspace extends AsyncDisposable {
  readonly paths: GuestPaths;
  /** Variables that the engine adds to the pipeline's environment (`DOCKER_HOST`, `DOCKER_NETWORK_NAME`). */
  readonly environment: { name: string; value: string }[];
  readonly box: Box;
  /** What can be done through a daemon; undefined where there is none. */
  readonly images: ImageTools | undefined;
  /** The directories of `paths` were made for this workspace and are empty: there is no image that may have them already. */
  readonly fresh?: boolean;
}

export interface Box {
  /** The channel of the running box. After `restart` the one it returned takes its place. */
  readonly channel: BoxChannel;

  /**
   * Unpacks a tar stream below the directory `at` of the box, which exists. Owners are those of the archive;
   * existing files are replaced. May run while the box runs, and after its main process has ended.
   */
  put(archive: AsyncIterable<Uint8Array>, at: string, signal: AbortSignal): Promise<Result<void>>;

  /**
   * A tar stream of the file or directory `path`; its entries begin with the path's last component. Undefined
   * where there is nothing. A link is returned as a link, never followed out of the box. May run after the main
   * process has ended. What comes is a stranger's archive: check it.
   */
  get(path: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array> | undefined>;

  /** Sends a signal to every process of the box but its supervisor. Fine when there is none. */
  signalAll(signal: "TERM" | "KILL"): Promise<void>;

  /**
   * Starts the box's main process again with the file system as it is; needed only when the supervisor is gone
   * (`channel.closed` has resolved). Returns the new channel.
   */
  restart(signal: AbortSignal): Promise<BoxChannel>;

  /** Opens an interactive shell on the given terminal streams; resolves when it ends. Undefined where it cannot. */
  terminal?: (request: TerminalRequest) => Promise<void>;
}

export interface TerminalRequest {
  /** What the shell reads first, unseen: it may hold secrets. */
  prelude: string;
  command?: string[];
  input: NodeJS.ReadableStream;
  output: NodeJS.WritableStream;
  size(): { columns: number; rows: number };
  onResize(listener: () => void): () => void;
  signal: AbortSignal;
}

/** The three streams of the box's main process. */
export interface BoxChannel {
  /** Random text that the supervisor was given and greets with. */
  readonly nonce: string;
  /** Writes to the standard input of the supervisor or, while one runs, of the session shell. */
  write(text: string): Promise<void>;
  /**
   * What the box prints, in the order of arrival. One reader. Ends when the main process has ended. Not reading
   * holds the box back.
   */
  readonly output: AsyncIterable<BoxOutput>;
  /** Resolves, never rejects, when the main process has ended or the connection to it is lost. */
  readonly closed: Promise<BoxEnd>;
}

export interface BoxOutput {
  stream: "stdout" | "stderr";
  bytes: Uint8Array;
}

/** `exited` is what the engine saw; `lost` means that it cannot know (daemon gone, connection cut). */
export type BoxEnd =
  | { kind: "exited"; exitCode: number; outOfMemory: boolean }
  | { kind: "lost"; message: string };
