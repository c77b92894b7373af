// What the runner is handed for one job and what it answers. `runJob` (run-job.ts) is the only way in.

import type { EventSink } from "../core/events.ts";
import type { Job } from "../core/job.ts";
import type { Outcome } from "../core/outcome.ts";
import type { Secret } from "../core/secret.ts";
import type { StepFiles } from "../core/step-file.ts";
import type { Engine, TerminalRequest } from "../engine/engine.ts";
import type { Clock } from "../lib/clock.ts";
import type { RunnerStorage, SourceTree } from "../storage/storage.ts";
import type { TestCase } from "./junit.ts";

export type { StepFile, StepFiles } from "../core/step-file.ts";

export interface RunJobInput {
  job: Job;
  /** Values of `job.secrets`. A missing one is exported empty and told of. */
  secrets: ReadonlyMap<string, Secret>;
  source: SourceTree;
  storage: RunnerStorage;
  engine: Engine;
  stepFiles: StepFiles;
  settings: RunnerSettings;
  /** More that is hidden in everything that is told, although no step gets it. */
  hidden?: readonly Secret[];
  /** Takes the test cases of one report, masked. Awaited; what it throws is told as a warning. */
  onTests?: (cases: TestCase[]) => Promise<void>;
  /** Where every event goes. Awaited: a slow sink slows the job, nothing is dropped. */
  sink: EventSink;
  clock: Clock;
  /** Random text for nonces and tokens, 32 hexadecimal digits a call. */
  random(): string;
  /** Its reason is a `Cancel`. */
  signal: AbortSignal;
}

/** How to run, apart from what to run: flags of the command line, limits of a class. */
export interface RunnerSettings {
  pull: "always" | "missing" | "never";
  /** Collect step artifacts and the pipeline's output. */
  artifacts: boolean;
  memoryBytes?: number;
  memorySwapBytes?: number;
  network?: string;
  dns: string[];
  exposePorts: boolean;
  enableVolumes: boolean;
  keepContainers: boolean;
  /** Tag of `--commit NAME[:TAG]`, made after the main steps. */
  commit?: { name: string; tag: string; message?: string };
  /** Run steps after this checkpoint only, from its image. */
  checkpoint?: string;
  devSteps: boolean;
  cleanupImages: boolean;
  /** Direct mount: the host directories that stand for source and cache instead of copies. */
  directMount?: { source: string; cache: string };
  /** Open a shell in the box as the failing step left it. */
  attachOnError?: Omit<TerminalRequest, "prelude" | "signal" | "command">;
  /** Terminal for `internal/shell`; absent without one. */
  terminal?: Omit<TerminalRequest, "prelude" | "signal" | "command">;
  /** Host directory that `internal/watch` watches. */
  watchDirectory?: string;
  /** The person's next interrupt then ends the step that takes it, and not the run. */
  takeInterrupt?: () => { readonly signal: AbortSignal } & Disposable;
  /** Between TERM and KILL. Milliseconds. */
  graceMs: number;
  /** How long the box may take to greet. Milliseconds. */
  greetingMs: number;
  /** The registry whose user is `token` and password the CLI's auth token. */
  builtInRegistry?: { url: string; token: Secret };
  readOnlyRoot?: boolean;
  /** stderr joins stdout, and failures are told in the original's words: the program runs as `wercker`. */
  legacy?: boolean;
  /** `--publish`: ports of the box in place of the file's. */
  publish?: string[];
}

export interface JobResult {
  outcome: Outcome;
  message: string;
  failedStep?: string;
  /** Of the failed step's command. */
  exitCode: number | null;
  /** Where the output lies, when it was collected. */
  output?: string;
}
