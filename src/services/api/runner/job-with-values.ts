// The only place where a job meets its values: for the runner that will run it, and for a worker that has to know what its
// containers are. Pure; what may be handed out at all is decided before.

import type { EnvEntry, Job } from "../../../core/job.ts";
import { mergeEnvironment } from "../../../plan/environment.ts";
import { matrixVariables } from "../../../plan/matrix.ts";
import type { SecretBox } from "../../../store/secret-box.ts";
import type { JobVariables } from "../../../store/variables.ts";

export interface ValuesOfJob {
  attemptId: string;
  /** Of organisation, project and pipeline; none for a job that is not trusted. */
  given: JobVariables;
  /** What the run was started with. */
  trigger: readonly EnvEntry[];
  /** Credentials that stood in the file itself. */
  literals: readonly EnvEntry[];
}

export interface JobWithValues {
  job: Job;
  /** Values of `job.secrets`. */
  secrets: EnvEntry[];
}

export function jobWithValues(
  spec: Job,
  { attemptId, given, trigger, literals }: ValuesOfJob,
): JobWithValues {
  const job: Job = {
    ...spec,
    // A second try on the same machine must not meet what the first one has left.
    runId: attemptId,
    environment: mergeEnvironment(spec.environment, given.plain, trigger, matrixVariables(spec.matrix ?? {})),
    secrets: [
      ...spec.secrets,
      ...given.protected
        .filter(({ name }) => !spec.secrets.some(known => known.name === name))
        .map(({ name }) => ({ name, exported: true })),
    ],
  };
  const secrets = mergeEnvironment(given.protected, literals);
  return { job, secrets: secrets.filter(({ name }) => job.secrets.some(known => known.name === name)) };
}

/** A sealed JSON object of names and values. Throws SlipwayError where it cannot be opened. */
export function openedEntries(box: SecretBox, sealed: Uint8Array | null): EnvEntry[] {
  if (sealed === null) return [];
  const values = JSON.parse(Buffer.from(box.open(sealed)).toString("utf8")) as Record<string, string>;
  return Object.entries(values).map(([name, value]) => ({ name, value }));
}
