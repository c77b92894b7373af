// What can be asked of a run of pipelines. The command line makes these from flags and environment variables; a
// program that uses the package writes them down.

import type { Secret } from "../core/secret.ts";
import type { TerminalRequest } from "../engine/engine.ts";
import type { Interrupt } from "./shutdown.ts";

/** `auto`: docker, or an error. `any`: docker where a daemon answers and has the image, else host. */
export type EngineChoice = "auto" | "docker" | "host" | "any";

/** A terminal that a person sits at. */
export type Terminal = Omit<TerminalRequest, "prelude" | "signal" | "command">;

export interface RunOptions {
  /** Absolute; what everything relative is relative to. */
  cwd: string;
  /** The variables of the host; `X_NAME` and `XXX_NAME` reach the steps. */
  env: Readonly<Record<string, string | undefined>>;
  /** The pipeline to run; without it `build`, or the only one of the file. */
  pipeline?: string;
  /** A directory, or the http(s) URL of a tarball. Default: `cwd`. */
  target?: string;
  /** Without a target: the output of the latest build, where there is one. */
  fromLatestOutput?: boolean;
  /** The pipeline file, instead of looking for one in the target. */
  file?: string;
  /** Where runs, cache and artifacts are kept. Default: `.slipway`. */
  workingDir?: string;
  /** File of KEY=VALUE lines. Default: `ENVIRONMENT`. Where it is given it must exist. */
  environmentFile?: string;
  /** `deploy` exports DEPLOY instead of BUILD and CI. Default: by the name of the pipeline. */
  kind?: "build" | "deploy";
  deployTarget?: string;
  engine?: EngineChoice;
  runId?: string;
  project?: { id?: string; name?: string; owner?: string };
  git?: {
    domain?: string;
    owner?: string;
    repository?: string;
    branch?: string;
    tag?: string;
    commit?: string;
  };
  /** What `when: event` sees. Default: `manual`. */
  event?: string;
  baseUrl?: string;
  /** Git URL of steps with `{owner}` and `{name}`. */
  stepsUrl?: string;
  sourceDir?: string;
  ignoreFile?: string;
  /** Milliseconds. */
  commandTimeoutMs?: number;
  /** Milliseconds. */
  noResponseTimeoutMs?: number;
  pull?: "always" | "missing" | "never";
  artifacts?: boolean;
  directMount?: boolean;
  exposePorts?: boolean;
  enableVolumes?: boolean;
  /** Ports of the box that are published besides those of the file. */
  publish?: string[];
  keepContainers?: boolean;
  cleanupImages?: boolean;
  devSteps?: boolean;
  checkpoint?: string;
  commit?: { name: string; tag?: string; message?: string };
  attachOnError?: boolean;
  terminal?: Terminal;
  /** Gives the person's next Ctrl-C to a step (`internal/watch`), which it then ends. */
  takeInterrupt?: () => Interrupt;
  docker?: DockerOptions;
  memoryBytes?: number;
  memorySwapBytes?: number;
  cpu?: number;
  /** Only these combinations of the matrix. */
  matrix?: Record<string, string>;
  /** How many runs go side by side. Default: 2. */
  parallel?: number;
  /** Write the resolved job here. The run itself only with `runAfterDump`. */
  dumpJob?: string;
  runAfterDump?: boolean;
  /** Run the job in this file. */
  job?: string;
  builtInRegistry?: { url: string; token: Secret };
  /** The habits of the wercker program: its names of files and its order of things. */
  wercker?: boolean;
}

export interface DockerOptions {
  host?: string;
  tlsVerify?: boolean;
  certPath?: string;
  dns?: string[];
  network?: string;
}
