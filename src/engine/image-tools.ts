// What the internal steps do through a container daemon. Engines without one (host, pod) leave it out, and the
// steps say so. Everything here acts on the daemon that runs the box.

import type { Result } from "../core/failure.ts";
import type { RegistryCredentials } from "./engine.ts";

/** Lines of progress as the daemon gives them; masked by the receiver. */
export type Progress = (text: string) => void;

/** Image configuration that a commit changes. Absent fields are inherited from the container. */
export interface CommitConfig {
  cmd?: string[];
  entrypoint?: string[];
  env?: string[];
  labels?: Record<string, string>;
  ports?: string[];
  volumes?: string[];
  workingDir?: string;
  user?: string;
  stopSignal?: string;
  author?: string;
  message?: string;
}

export interface BuildRequest {
  /** The name the image gets. */
  tag: string;
  context: AsyncIterable<Uint8Array>;
  dockerfile: string;
  buildArgs: Record<string, string>;
  labels: Record<string, string>;
  extraHosts: string[];
  quiet: boolean;
  noCache: boolean;
  squash: boolean;
  pull: boolean;
  keepIntermediate: boolean;
  /** By registry address. */
  credentials: RegistryCredentials[];
}

export interface RunRequest {
  image: string;
  /** DNS alias on the run's network; the container is called `<run id><name>`. */
  name: string;
  cmd?: string[];
  entrypoint?: string[];
  env: string[];
  workingDir?: string;
  ports: string[];
  credentials?: RegistryCredentials;
}

export interface ImageTools {
  /** Whether the daemon has the image. */
  exists(image: string): Promise<boolean>;
  pull(
    image: string,
    credentials: RegistryCredentials | undefined,
    progress: Progress,
    signal: AbortSignal,
  ): Promise<Result<void>>;
  /** Makes an image of the box as it is now. */
  commit(name: string, config: CommitConfig, signal: AbortSignal): Promise<void>;
  tag(image: string, name: string): Promise<void>;
  push(
    image: string,
    credentials: RegistryCredentials | undefined,
    progress: Progress,
    signal: AbortSignal,
  ): Promise<Result<void>>;
  remove(image: string): Promise<void>;
  /** A tar as `docker save` makes it. */
  save(image: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
  /** Takes a tar as `docker load` does. */
  load(archive: AsyncIterable<Uint8Array>, progress: Progress, signal: AbortSignal): Promise<Result<void>>;
  build(request: BuildRequest, progress: Progress, signal: AbortSignal): Promise<Result<void>>;
  /** Starts a container on the run's network. It is removed with the workspace. */
  run(request: RunRequest, progress: Progress, signal: AbortSignal): Promise<Result<void>>;
  /** Ends and removes a container started by `run`. */
  kill(name: string): Promise<Result<void>>;
}
