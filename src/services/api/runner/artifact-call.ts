// Takes an artifact, or the output that a later job gets as its source: the stream as it comes, bounded and counted.

import { createHash } from "node:crypto";
import type { Job } from "../../../core/job.ts";
import type { KeptAnswer } from "../../../endpoints/runner.ts";
import { checkedEpoch, countHeader, type RunnerCall, stale, wrong } from "./call.ts";
import { storeBody } from "./store-body.ts";
import { answerJson } from "./wire.ts";

const knownStatement = `
  select count(*) filter (where artifacts.name <> $2) as others, jobs.spec->'artifacts' as specs
  from attempts join jobs on jobs.id = job_id left join artifacts on artifacts.attempt_id = attempts.id
  where attempts.id = $1 group by jobs.id`;

const insertStatement = `
  with live as (
    select id, run_id, job_id from attempts where id = $1 and epoch = $2 and state <> 'finished' for key share
  ), stored as (
    insert into blobs (key, bytes, sha256) select $4, $5, $8 from live
  )
  insert into artifacts (run_id, job_id, attempt_id, name, blob_key, bytes, files, expires_at)
  select run_id, job_id, id, $3, $4, $5, $6, now() + make_interval(days => $7) from live
  on conflict (attempt_id, name) do update set blob_key = excluded.blob_key, bytes = excluded.bytes,
    files = excluded.files, expires_at = excluded.expires_at
  returning id`;

/** `PUT artifacts/NAME?epoch=E`: may be repeated; the last one whole counts. */
export async function artifactCall(call: RunnerCall): Promise<void> {
  const { db, blobs, limits, random } = call.deps;
  const { attemptId } = call.attempt;
  const epoch = checkedEpoch(call);
  const name = checkedName(call.name);
  const files = countHeader(call, "x-slipway-files");
  const [known] = await db.query<{ others: number; specs: Job["artifacts"] | null }>(knownStatement, [
    attemptId,
    name,
  ]);
  if (known === undefined) throw stale();
  if (known.others >= limits.artifactsPerJob) {
    throw wrong("too-many", `the job has ${known.others} artifacts already`, "keep fewer of them");
  }
  // Its own key each time: what is known stays whole while it is sent again.
  const place = `artifact/${attemptId}/${createHash("sha256").update(name).digest("hex").slice(0, 32)}-${random()}`;
  const stored = await storeBody(call, place, limits.artifactBytes);
  const days = known.specs?.find(each => each.name === name)?.retentionDays ?? limits.artifactDays ?? null;
  const rows = await db.query(insertStatement, [
    attemptId,
    epoch,
    name,
    place,
    stored.bytes,
    files,
    days,
    stored.sha256,
  ]);
  if (rows.length === 0) {
    await blobs.remove([place]);
    throw stale();
  }
  answerJson(call.response, 200, { location: place, bytes: stored.bytes } satisfies KeptAnswer);
}

/** Any text: it never becomes a path, here or in the blob store. */
function checkedName(name: string): string {
  if (name !== "" && name.length <= 255 && name.isWellFormed() && !/\p{Cc}/u.test(name)) return name;
  throw wrong(
    "artifact-name",
    `${JSON.stringify(name.slice(0, 80))} is no name of an artifact`,
    "1 to 255 characters, no control characters",
  );
}
