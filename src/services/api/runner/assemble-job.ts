// Puts together what a runner gets: the job as it was planned, the values it may see, where its source comes from, and
// what its class allows.

import { SlipwayError } from "../../../core/failure.ts";
import type { Job } from "../../../core/job.ts";
import type { ClaimAnswer, JobSource, RunnerLimits } from "../../../endpoints/runner.ts";
import { mergeEnvironment } from "../../../plan/environment.ts";
import type { ClassSettings } from "../../../queue/queue.ts";
import { inputsOf, sourceOf } from "../../../store/job-materials.ts";
import type { ListenerLimits, RunnerDependencies } from "./dependencies.ts";
import { maxBatchBytes } from "./events-call.ts";
import { jobWithValues, openedEntries } from "./job-with-values.ts";
import { maxCases } from "./tests-call.ts";

export type Assembled = Omit<ClaimAnswer, "key" | "runId" | "jobId" | "attemptId" | "epoch">;

interface JobRow {
  spec: Job;
  trusted: boolean;
  class: string;
  settings: ClassSettings;
  literals: Buffer | null;
  trigger: Buffer | null;
}

/** The job and its run say whether it is trusted: either of them saying no is enough. */
const jobStatement = `
  select job.spec, job.trusted and run.trusted as trusted, job.class, coalesce(class.settings, '{}') as settings,
    job.literal_secrets as literals, run.trigger_variables as trigger
  from jobs job join runs run on run.id = job.run_id left join classes class on class.name = job.class
  where job.id = $1`;

/** Throws SlipwayError where the job cannot be handed out: its source or a secret's key is gone, its class does not fit. */
export async function assembleJob(
  deps: RunnerDependencies,
  { attemptId, jobId }: { attemptId: string; jobId: string },
): Promise<Assembled> {
  const { db, box, values } = deps;
  const [row] = await db.query<JobRow>(jobStatement, [jobId]);
  if (row === undefined) throw new SlipwayError("job-gone", `job ${jobId} is not there any more`);
  const { spec, trusted } = row;
  const engine = row.settings.engine ?? "docker";
  if (engine === "host" && !trusted) {
    throw new SlipwayError(
      "class-not-trusted",
      `class ${row.class} runs on the host, the job is not trusted`,
    );
  }
  const none = { plain: [], protected: [] };
  const [given, source, inputs] = await Promise.all([
    trusted ? values.variablesFor(db, jobId) : none,
    sourceFor(deps, jobId),
    inputsOf(db, jobId),
  ]);
  const trigger = openedEntries(box, row.trigger);
  const { job, secrets } = jobWithValues(spec, {
    attemptId,
    given,
    trigger,
    literals: openedEntries(box, row.literals),
  });
  return {
    job,
    secrets,
    variables: mergeEnvironment(given.plain, trigger),
    trusted,
    class: classOf(row.class, row.settings),
    source,
    inputs: inputs.map(({ directory, name }) => ({ directory, name })),
    limits: limitsOf(deps.limits, row.settings),
  };
}

async function sourceFor({ db, values }: RunnerDependencies, jobId: string): Promise<JobSource> {
  const source = await sourceOf(db, jobId);
  if (source === undefined) throw new SlipwayError("job-gone", `job ${jobId} is not there any more`);
  if (source.kind !== "git") return { kind: source.kind };
  const { projectId, ...git } = source;
  const credential = await values.credentialOf(db, projectId);
  return { ...git, ...(credential === undefined ? {} : { credential }) };
}

function classOf(name: string, settings: ClassSettings): ClaimAnswer["class"] {
  const { engine = "docker", allowDocker, allowVolumes, allowHostPorts, memoryBytes, cpu } = settings;
  return {
    name,
    engine,
    allowDocker: allowDocker ?? false,
    allowVolumes: allowVolumes ?? false,
    allowHostPorts: allowHostPorts ?? false,
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
    ...(cpu === undefined ? {} : { cpu }),
  };
}

function limitsOf(limits: ListenerLimits, { timeoutMs }: ClassSettings): RunnerLimits {
  return {
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    heartbeatMs: 10_000,
    eventsPerBatch: 500,
    batchBytes: maxBatchBytes,
    casesPerBatch: 5000,
    cases: maxCases,
    frameBytes: 64 * 1024,
    framesBytes: 4 * 2 ** 20,
    artifactBytes: limits.artifactBytes,
    artifacts: limits.artifactsPerJob,
    cacheBytes: limits.cacheBytes,
  };
}
