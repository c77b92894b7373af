// What the runner listener works with, and the limits it holds runners to.

import type { Blobs } from "../../../blobs/blobs.ts";
import type { EnvEntry } from "../../../core/job.ts";
import type { GitCredential } from "../../../endpoints/runner.ts";
import type { Clock } from "../../../lib/clock.ts";
import type { CancelWatch } from "../../../queue/postgres/cancel-watch.ts";
import type { Nudges } from "../../../queue/postgres/nudges.ts";
import type { RunnerKeys } from "../../../queue/postgres/runner-keys.ts";
import type { Database, Queryable } from "../../../store/database.ts";
import type { SecretBox } from "../../../store/secret-box.ts";
import type { Rates } from "./rates.ts";

export interface RunnerDependencies {
  db: Database;
  nudges: Nudges;
  blobs: Blobs;
  box: SecretBox;
  clock: Clock;
  cancelWatch: CancelWatch;
  /** The same that the logs role uses, where both are in one process. */
  keys: RunnerKeys;
  values: JobValues;
  limits: ListenerLimits;
  /** The usual ones unless given. */
  rates?: ListenerRates;
  log: ListenerLog;
  /** Random text for blob keys: letters, digits, `-` and `_`, a new one a call. */
  random(): string;
}

/** What organisation, project and pipeline hand to a job, as `src/store` has it. */
export interface JobValues {
  /** Plain and protected variables that a job gets, the narrowest scope of each name. Not asked for untrusted jobs. */
  variablesFor(db: Queryable, jobId: string): Promise<{ plain: EnvEntry[]; protected: EnvEntry[] }>;
  /** How the runner reaches the project's repository. */
  credentialOf(db: Queryable, projectId: number): Promise<GitCredential | undefined>;
}

/** Bytes are of what is sent, packed. */
export interface ListenerLimits {
  artifactBytes: number;
  artifactsPerJob: number;
  cacheBytes: number;
  /** All caches of a project together; those used longest ago go first. */
  cacheBytesPerProject: number;
  /** Days that artifacts are kept which do not say so themselves; absent: as long as the run. */
  artifactDays?: number;
}

const gibibyte = 2 ** 30;

export const usualLimits: ListenerLimits = {
  artifactBytes: 5 * gibibyte,
  artifactsPerJob: 1000,
  cacheBytes: 2 * gibibyte,
  cacheBytesPerProject: 10 * gibibyte,
};

/** How often somebody may call. */
export interface ListenerRates {
  perAttempt: Rates;
  /** By address: what turned out to be nobody's token or key. */
  unproven: Rates;
}

/** Lines for those who run the platform. pino's logger fits. */
export interface ListenerLog {
  info(fields: Record<string, unknown>, message: string): void;
  warn(fields: Record<string, unknown>, message: string): void;
  error(fields: Record<string, unknown>, message: string): void;
}
