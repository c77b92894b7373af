// The state of one job while it runs: what the parts of the runner hand to each other. Not exported beyond the
// runner.

import type { Phase } from "../core/events.ts";
import { SlipwayError } from "../core/failure.ts";
import type { EnvEntry, Job, StepSpec } from "../core/job.ts";
import type { Outcome } from "../core/outcome.ts";
import type { StepFile } from "../core/step-file.ts";
import type { Workspace } from "../engine/engine.ts";
import { basePathOf, lookupIn, secretEnvironment } from "../plan/environment.ts";
import type { Lookup } from "../plan/expand.ts";
import { exportLine, literalExportLine } from "../plan/shell-export.ts";
import { commandGroup } from "../plan/step-script.ts";
import type { Emitter } from "./emitter.ts";
import type { RunJobInput } from "./runner.ts";
import { type Greeting, Session } from "./session.ts";

export interface JobRun {
  readonly input: RunJobInput;
  readonly job: Job;
  readonly emitter: Emitter;
  readonly workspace: Workspace;
  /** Fully qualified image of the box; empty where the engine has none. */
  readonly boxImage: string;
  session: Session;
  greeting: Greeting;
  /** Visible variables; grows with every environment sync. */
  environment: EnvEntry[];
  /** Names whose values are known as they are (read from the shell, messages): the shell must not expand them. */
  readonly literal: Set<string>;
  readonly files: ReadonlyMap<string, StepFile[]>;
  /** Steps started so far. */
  order: number;
  /** The first main step that did not pass and was not allowed to fail. */
  failure: { step: StepSpec; outcome: Outcome; message: string; exitCode: number | null } | undefined;
  phase: Phase;
}

export function lookupOf(run: Pick<JobRun, "environment" | "input">): Lookup {
  return lookupIn(run.environment, run.input.secrets);
}

/** Where the source lies in the box. */
export function sourcePathOf(run: JobRun): string {
  return basePathOf(run.job, run.workspace.paths);
}

/** The lines that export visible variables, then secrets; a secret is exact in the slipway dialect. */
export function exportLines(run: JobRun): string[] {
  const secrets = secretEnvironment(run.job.secrets, run.input.secrets).exports;
  const names = new Set(secrets.map(secret => secret.name));
  const visible = run.environment.filter(entry => !names.has(entry.name));
  const write = run.job.dialect === "slipway" ? literalExportLine : exportLine;
  return [
    ...visible.map(({ name, value }) =>
      (run.literal.has(name) ? literalExportLine : exportLine)(name, value),
    ),
    ...secrets.map(secret => write(secret.name, secret.value.reveal())),
  ].filter(line => line !== undefined);
}

/**
 * A new session shell with the environment exported, in the box as it is; the box itself is started again where
 * its main process is gone. Used after a shell has died and before after-steps.
 */
export async function freshShell(run: JobRun, boxGone: boolean): Promise<void> {
  if (boxGone) {
    const channel = await run.workspace.box.restart(run.input.signal);
    run.session = openSession(run.input, channel);
    run.greeting = await greet(run.session, run.input);
  }
  const started = await run.session.startShell();
  if (started.kind !== "ended") {
    throw new SlipwayError("shell-lost", "the box's shell could not be started again", {
      hint: "A step may have removed the shell from the box.",
    });
  }
  await run.session.group(
    token => commandGroup(token, exportLines(run)),
    async () => {},
  );
}

export function openSession(input: RunJobInput, channel: Workspace["box"]["channel"]): Session {
  const { random, clock, settings } = input;
  return new Session(channel, { merged: settings.legacy === true, random, clock });
}

/** Waits for the greeting of a box that is known to work. */
async function greet(session: Session, input: RunJobInput): Promise<Greeting> {
  const greeting = await session.greeting(input.settings.greetingMs);
  if (greeting !== undefined && "uid" in greeting) return greeting;
  throw new SlipwayError("box-lost", "the box did not come back after it had ended");
}
