// What an internal step is: it runs in the runner, not in the box, and acts through the engine's image tools. The
// runner hands it everything; it reads no settings and opens nothing of its own but what its context offers.

import type { Job, StepSpec } from "../../core/job.ts";
import type { Outcome } from "../../core/outcome.ts";
import type { Secret } from "../../core/secret.ts";
import type { Box, GuestPaths, TerminalRequest } from "../../engine/engine.ts";
import type { ImageTools } from "../../engine/image-tools.ts";
import type { Stored } from "../../storage/storage.ts";

export interface InternalContext {
  step: StepSpec;
  /** As given, not expanded. */
  options: ReadonlyMap<string, string>;
  /** `$VAR` expansion with what the shell has exported so far, where the step wanted that. */
  expand(text: string): string;
  environment(name: string): string | undefined;
  images: ImageTools | undefined;
  box: Box;
  paths: GuestPaths;
  job: Job;
  runId: string;
  /** Fully qualified image of the box. */
  boxImage: string;
  settings: InternalSettings;
  /** Hides values from now on, such as a password that was asked for. */
  hide(values: string[]): void;
  /** Lines that export the pipeline's environment, for an interactive shell. */
  prelude(): string;
  /** Output of the step, stream `stdout`. */
  say(text: string): Promise<void>;
  /** Progress of pull, build and push, stream `engine`. */
  progress(text: string): void;
  /** Keeps an archive whose entries stand below one directory. */
  storeFile(name: string, archive: AsyncIterable<Uint8Array>): Promise<Stored | "too-large" | "empty">;
  /** Runs lines in the session shell, with their output in the step's log. Aborting stops what they started. */
  sessionGroup(lines: string[], signal?: AbortSignal): Promise<SessionAnswer>;
  signal: AbortSignal;
}

/** What a group in the session shell came to. */
export interface SessionAnswer {
  outcome: Outcome;
  exitCode: number | null;
  message: string;
  shellGone: boolean;
  boxGone: boolean;
}

/** The settings of the runner that concern internal steps; fits `RunnerSettings`. */
export interface InternalSettings {
  pull: "always" | "missing" | "never";
  exposePorts: boolean;
  keepContainers: boolean;
  cleanupImages: boolean;
  commit?: { name: string; tag: string };
  terminal?: Omit<TerminalRequest, "prelude" | "signal" | "command">;
  watchDirectory?: string;
  /**
   * Until it is disposed of, the person's next interrupt aborts the signal it gives, and not the run. For
   * `internal/watch`, which has no other end.
   */
  takeInterrupt?: () => { readonly signal: AbortSignal } & Disposable;
  builtInRegistry?: { url: string; token: Secret };
}

export interface InternalAnswer {
  outcome: Outcome;
  exitCode: number | null;
  message: string;
  /** The session shell died in it. */
  shellGone?: boolean;
  boxGone?: boolean;
}

export interface InternalStep {
  /** Whether the shell's environment is read before, unless the option `disable-sync` is `true`. */
  sync: boolean;
  run(context: InternalContext): Promise<InternalAnswer>;
}

const steps: Record<string, () => Promise<InternalStep>> = {
  "docker-push": async () => (await import("./docker-push.ts")).dockerPush,
  "docker-scratch-push": async () => (await import("./docker-scratch-push.ts")).dockerScratchPush,
  "docker-build": async () => (await import("./docker-build.ts")).dockerBuild,
  "docker-run": async () => (await import("./docker-run.ts")).dockerRun,
  "docker-kill": async () => (await import("./docker-kill.ts")).dockerKill,
  "store-container": async () => (await import("./store-container.ts")).storeContainer,
  "publish-step": async () => (await import("./publish-step.ts")).publishStep,
  shell: async () => (await import("./shell.ts")).shell,
  watch: async () => (await import("./watch.ts")).watch,
};

/** The step for the part of the id after `internal/`; loaded only when it is used. */
export async function internalStep(action: string): Promise<InternalStep | undefined> {
  return Object.hasOwn(steps, action) ? steps[action]?.() : undefined;
}
