// What a laptop needs to do a job again: the job, its plain variables, and where source, inputs and cache are. A protected
// value never leaves here, only its name.

import { SlipwayError } from "../../../core/failure.ts";
import type { EnvEntry, Job } from "../../../core/job.ts";
import type { AnswerOf } from "../../../endpoints/endpoint.ts";
import type { getReplay } from "../../../endpoints/replay.ts";
import { notFound, problem } from "../../../http/problem.ts";
import type { Queryable } from "../../../store/database.ts";
import { cacheOf, inputsOf, sourceOf } from "../../../store/job-materials.ts";
import type { ResultDependencies } from "./dependencies.ts";

type Replay = AnswerOf<typeof getReplay>;

export const replayStatement = `
  select job.spec, job.trusted and run.trusted as trusted, run.trigger_variables as trigger
  from jobs job join runs run on run.id = job.run_id where job.id = $1`;

/** Throws 404 for a job that has just gone, 410 where its source or inputs are no longer kept. */
export async function replayOf(
  { db, box, values }: Omit<ResultDependencies, "blobs">,
  jobId: string,
): Promise<Replay> {
  const [row] = await db.query<{ spec: Job; trusted: boolean; trigger: Buffer | null }>(replayStatement, [
    jobId,
  ]);
  if (row === undefined) throw notFound(`there is no job ${jobId}`);
  const none = { plain: [], protected: [] as EnvEntry[] };
  const [given, source, inputs, cache] = await Promise.all([
    row.trusted ? values.variablesFor(db, jobId) : none,
    kept(sourceOf(db, jobId)),
    kept(inputsOf(db, jobId)),
    cacheOf(db, { jobId, keys: [""] }),
  ]);
  if (source === undefined) throw notFound(`there is no job ${jobId}`);
  const hidden = [...row.spec.secrets, ...given.protected].map(({ name }) => name);
  const trigger = row.trigger === null ? {} : JSON.parse(Buffer.from(box.open(row.trigger)).toString("utf8"));
  const variables: Record<string, string> = Object.fromEntries([
    ...given.plain.map(({ name, value }) => [name, value]),
    ...Object.entries(trigger),
  ]);
  return {
    spec: { ...row.spec },
    variables,
    protectedNames: [...new Set(hidden)].sort(),
    source:
      source.kind === "git"
        ? { kind: "git", repository: withoutCredential(source.repository), commit: source.commit }
        : { kind: source.kind },
    inputs: inputs.map(({ directory, jobId: producer, artifactId }) => ({
      directory,
      jobId: producer,
      artifact: artifactId,
    })),
    hasCache: cache !== undefined,
  };
}

/** An address may have been given with a password or a token in it. The user of ssh is part of the address. */
export function withoutCredential(repository: string): string {
  return repository.replace(
    /^(https?:\/\/)[^/]*@|^([a-z][a-z0-9+.-]*:\/\/[^/:@]*):[^/]*@/i,
    (_, web, other) => (web === undefined ? `${other}@` : web),
  );
}

/** Where the sent source lies. Throws 404 where none was sent. */
export async function replaySourceKey(db: Queryable, jobId: string): Promise<string> {
  const source = await kept(sourceOf(db, jobId));
  if (source?.kind === "sent") return source.blobKey;
  throw notFound("no source was sent for this job", "take it from where `source` of the replay says");
}

/** Where the cache lies that the job would get under a key. Throws 404 where there is none. */
export async function replayCacheKey(db: Queryable, jobId: string, key: string): Promise<string> {
  const cache = await cacheOf(db, { jobId, keys: [key] });
  if (cache !== undefined) return cache.blobKey;
  throw notFound("this job would get no cache", "replay it without one");
}

async function kept<T>(found: Promise<T>): Promise<T> {
  try {
    return await found;
  } catch (error) {
    if (!(error instanceof SlipwayError)) throw error;
    throw problem(410, error.code, "Gone", error.message, error.hint);
  }
}
