// Large things that a runner fetches: its job's source, outputs of earlier jobs, a cache. A key leads to what its own job
// gets and to nothing else: names in the path are looked up among that.

import { notFound, problem } from "../../../http/problem.ts";
import { cacheOf, inputsOf, sourceOf } from "../../../store/job-materials.ts";
import { type RunnerCall, wrong } from "./call.ts";
import { answerBlob } from "./wire.ts";

/** Keys of caches: theirs and their fallbacks'. */
const mostKeys = 20;
const longestKey = 512;

/** `GET source`: a working tree that was sent. */
export async function sourceCall(call: RunnerCall): Promise<void> {
  const source = await sourceOf(call.deps.db, call.attempt.jobId);
  if (source?.kind !== "sent") {
    throw notFound(
      "no source was sent for this job",
      "take it from where `source` of the claim's answer says",
    );
  }
  await sendBlob(call, source.blobKey, "the source");
}

/** `GET inputs/NAME` */
export async function inputCall(call: RunnerCall): Promise<void> {
  const inputs = await inputsOf(call.deps.db, call.attempt.jobId);
  const input = inputs.find(({ name }) => name === call.name);
  if (input === undefined) throw notFound(`this job has no input ${JSON.stringify(call.name.slice(0, 80))}`);
  await sendBlob(call, input.blobKey, `the input ${input.name}`);
}

/** `GET cache?key=K&key=FALLBACK`: 204 where there is none. */
export async function cacheCall(call: RunnerCall): Promise<void> {
  const { db, blobs } = call.deps;
  const keys = checkedKeys(call);
  const cache = await cacheOf(db, { jobId: call.attempt.jobId, keys });
  const info = cache === undefined ? undefined : await blobs.stat(cache.blobKey);
  if (cache === undefined || info === undefined) {
    call.response.writeHead(204).end();
    return;
  }
  const [blob] = await db.query<{ sha256: Buffer | null }>("select sha256 from blobs where key = $1", [
    cache.blobKey,
  ]);
  await sendBlob(call, cache.blobKey, "the cache", {
    "x-slipway-cache-key": encodeURIComponent(cache.key),
    "x-slipway-files": String(cache.files),
    ...(blob?.sha256 ? { "x-slipway-digest": blob.sha256.toString("hex") } : {}),
  });
}

/** The keys that the query names. `""` is the one of `/pipeline/cache`. */
export function checkedKeys({ query }: RunnerCall): string[] {
  const keys = query.getAll("key");
  const fits = keys.every(key => key.length <= longestKey && !key.includes("\0") && key.isWellFormed());
  if (keys.length > 0 && keys.length <= mostKeys && fits) return keys;
  throw wrong(
    "validation",
    `the query has ${keys.length} keys`,
    `1 to ${mostKeys} of at most ${longestKey} characters`,
  );
}

async function sendBlob(
  { deps, response, signal }: RunnerCall,
  key: string,
  what: string,
  headers: Record<string, string> = {},
): Promise<void> {
  const info = await deps.blobs.stat(key);
  const content = info === undefined ? undefined : await deps.blobs.get(key, { signal });
  if (info === undefined || content === undefined) {
    throw problem(410, "gone", "Gone", `${what} is no longer kept`, "start the run again");
  }
  await answerBlob(response, content, info.bytes, headers);
}
