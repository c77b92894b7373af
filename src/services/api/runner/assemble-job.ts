// Puts together what a runner gets: the job as it was planned, the values it may see, where its source comes from, and
// what its class allows.

import type { Blobs } from "../../../blobs/blobs.ts";
import { SlipwayError } from "../../../core/failure.ts";
import type { Job } from "../../../core/job.ts";
import type { ClaimAnswer, JobSource, RunnerLimits } from "../../../endpoints/runner.ts";
import { mergeEnvironment } from "../../../plan/environment.ts";
import type { ClassSettings } from "../../../queue/queue.ts";
import { inputsOf, type MaterialSource, sourceOf } from "../../../store/job-materials.ts";
import type { ListenerLimits, RunnerDependencies } from "./dependencies.ts";
import { maxBatchBytes } from "./events-call.ts";
import { jobWithValues, openedEntries } from "./job-with-values.ts";
import { maxCases } from "./tests-call.ts";

/** A source up to this goes along with the answer. Bytes, packed. */
const sentAlong = 32 * 1024;
/** The answer does not wait longer for a store. Milliseconds. */
const atHandMs = 100;

export type Assembled = Omit<ClaimAnswer, "key" | "runId" | "jobId" | "attemptId" | "epoch">;

interface JobRow {
  spec: Job;
  trusted: boolean;
  class: string;
  settings: ClassSettings;
  literals: Buffer | null;
  trigger: Buffer | null;
  source_bytes: number | null;
  has_caches: boolean;
}

/** The job and its run say whether it is trusted: either of them saying no is enough. */
const jobStatement = `
  select job.spec, job.trusted and run.trusted as trusted, job.class, coalesce(class.settings, '{}') as settings,
    job.literal_secrets as literals, run.trigger_variables as trigger, source.bytes as source_bytes,
    exists (select 1 from caches where caches.project_id = job.project_id) as has_caches
  from jobs job join runs run on run.id = job.run_id left join classes class on class.name = job.class
    left join blobs source on source.key = run.source_key
  where job.id = $1`;

/** Throws SlipwayError where the job cannot be handed out: its source or a secret's key is gone, its class does not fit. */
export async function assembleJob(
  deps: RunnerDependencies,
  { attemptId, jobId }: { attemptId: string; jobId: string },
): Promise<Assembled> {
  const { db, box, values } = deps;
  const [[row], found, inputs] = await Promise.all([
    db.query<JobRow>(jobStatement, [jobId]),
    sourceOf(db, jobId),
    inputsOf(db, jobId),
  ]);
  if (row === undefined || found === undefined) {
    throw new SlipwayError("job-gone", `job ${jobId} is not there any more`);
  }
  const { spec, trusted } = row;
  const engine = row.settings.engine ?? "docker";
  if (engine === "host" && !trusted) {
    throw new SlipwayError(
      "class-not-trusted",
      `class ${row.class} runs on the host, the job is not trusted`,
    );
  }
  const none = { plain: [], protected: [] };
  const [given, source] = await Promise.all([
    trusted ? values.variablesFor(db, jobId) : none,
    sourceFor(deps, found, row.source_bytes),
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
    ...(row.has_caches ? {} : { noCaches: true as const }),
    limits: limitsOf(deps.limits, row.settings),
  };
}

async function sourceFor(
  deps: RunnerDependencies,
  source: MaterialSource,
  bytes: number | null,
): Promise<JobSource> {
  if (source.kind === "inputs") return { kind: source.kind };
  if (source.kind === "sent") {
    const packed =
      bytes === null || bytes > sentAlong ? undefined : await smallBlob(deps, source.blobKey, bytes);
    return { kind: source.kind, ...(packed === undefined ? {} : { packed: packed.toString("base64") }) };
  }
  const { projectId, ...git } = source;
  const credential = await deps.values.credentialOf(deps.db, projectId);
  return { ...git, ...(credential === undefined ? {} : { credential }) };
}

/** Undefined where it is not at hand: the runner asks for it, and hears then what is wrong. */
async function smallBlob(
  { blobs, clock }: RunnerDependencies,
  key: string,
  bytes: number,
): Promise<Buffer | undefined> {
  const abort = new AbortController();
  const late = Promise.withResolvers<undefined>();
  const stop = clock.after(atHandMs, () => {
    abort.abort();
    late.resolve(undefined);
  });
  try {
    const whole = await Promise.race([wholeBlob(blobs, key, abort.signal), late.promise]);
    return whole?.length === bytes ? whole : undefined;
  } catch {
    return undefined;
  } finally {
    stop();
  }
}

async function wholeBlob(blobs: Blobs, key: string, signal: AbortSignal): Promise<Buffer | undefined> {
  const content = await blobs.get(key, { signal });
  return content === undefined ? undefined : Buffer.concat(await Array.fromAsync(content));
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
