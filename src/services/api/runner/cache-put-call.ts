// Takes a cache. It waits until the job has passed. One whose bytes the job could read anyway is not sent a second time.

import type { KeptAnswer } from "../../../endpoints/runner.ts";
import { problem } from "../../../http/problem.ts";
import { keepPendingCache } from "../../../store/caches.ts";
import { cacheScopesOf } from "../../../store/job-materials.ts";
import { checkedKeys } from "./blob-calls.ts";
import { checkedEpoch, countHeader, type RunnerCall, stale, wrong } from "./call.ts";
import { storeBody } from "./store-body.ts";
import { answerJson } from "./wire.ts";

const mostCachesPerJob = 20;

const roomStatement = "select count(*) as others from pending_caches where attempt_id = $1 and key <> $2";

/** Only among what the job may read: a digest must not lead to what others have stored. */
const sameStatement = `
  select blobs.key, blobs.bytes from caches join blobs on blobs.key = caches.blob_key
  where project_id = $1 and scope = any($2) and sha256 = $3
  union all
  select blobs.key, blobs.bytes from pending_caches join blobs on blobs.key = blob_key
  where attempt_id = $4 and sha256 = $3 limit 1`;

/**
 * `PUT cache?key=K&epoch=E`. With the header `x-slipway-digest` (SHA-256 of the packed bytes, hexadecimal) and no body it
 * names bytes that are there already, or is answered 412; with a body it is checked.
 */
export async function cachePutCall(call: RunnerCall): Promise<void> {
  const { db, blobs, limits, random } = call.deps;
  const { attempt } = call;
  const epoch = checkedEpoch(call);
  const [key = ""] = checkedKeys(call);
  const files = countHeader(call, "x-slipway-files");
  const digest = digestHeader(call);
  const scopes = await cacheScopesOf(db, attempt.jobId);
  if (scopes === undefined) throw stale();
  const [room] = await db.query<{ others: number }>(roomStatement, [attempt.attemptId, key]);
  if (room!.others >= mostCachesPerJob) {
    throw wrong("too-many", `the job has sent ${room!.others} caches already`, "keep fewer of them");
  }
  const keep = async (blobKey: string, bytes: number) => {
    const kept = await keepPendingCache(
      db,
      { attemptId: attempt.attemptId, epoch },
      { key, blobKey, bytes, files },
    );
    if (kept) answerJson(call.response, 200, { location: blobKey, bytes } satisfies KeptAnswer);
    return kept;
  };
  if (digest !== undefined && call.request.headers["content-length"] === "0") {
    const [same] = await db.query<{ key: string; bytes: number }>(sameStatement, [
      scopes.projectId,
      scopes.reads,
      digest,
      attempt.attemptId,
    ]);
    if (same !== undefined && (await keep(same.key, same.bytes))) return;
    throw problem(412, "unknown-digest", "Not there", "no cache of this job has these bytes", "send them");
  }
  const place = `cache/${scopes.projectId}/${random()}`;
  const stored = await storeBody(call, place, limits.cacheBytes);
  const fits = digest === undefined || digest.equals(stored.sha256);
  if (fits) {
    await db.query("insert into blobs (key, bytes, sha256) values ($1, $2, $3)", [
      place,
      stored.bytes,
      stored.sha256,
    ]);
    if (await keep(place, stored.bytes)) return;
    throw stale();
  }
  await blobs.remove([place]);
  throw wrong("digest", "the body has another digest than the header says", "send it again");
}

function digestHeader({ request }: RunnerCall): Buffer | undefined {
  const text = request.headers["x-slipway-digest"];
  if (text === undefined) return undefined;
  if (typeof text === "string" && /^[0-9a-f]{64}$/.test(text)) return Buffer.from(text, "hex");
  throw wrong("validation", "the header x-slipway-digest is no SHA-256", "64 hexadecimal digits");
}
