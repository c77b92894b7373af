// What jobs have kept.

import type { QueryOf } from "../../../endpoints/endpoint.ts";
import type { listArtifacts } from "../../../endpoints/results.ts";
import { notFound } from "../../../http/problem.ts";
import type { Queryable } from "../../../store/database.ts";
import { afterNumber, pageFrom } from "../page.ts";

interface ArtifactRow {
  id: number;
  job_id: string;
  attempt_id: string;
  job: string;
  combination: string;
  name: string;
  files: number;
  bytes: number;
  expires_at: Date | null;
  created_at: Date;
}

export const artifactsStatement = `
  select a.id, a.job_id, a.attempt_id, j.name as job, j.combination, a.name, a.files, a.bytes, a.created_at,
    least(a.expires_at, r.finished_at + make_interval(days => least(p.log_days, p.run_days, $4))) as expires_at
  from artifacts a join jobs j on j.id = a.job_id join runs r on r.id = a.run_id join projects p on p.id = r.project_id where a.run_id = $1 and a.id > $2 order by a.run_id, a.id limit $3`;

export async function artifactPage(
  db: Queryable,
  runId: string,
  { after, limit }: QueryOf<typeof listArtifacts>,
  runDays: number,
) {
  const rows = await db.query<ArtifactRow>(artifactsStatement, [
    runId,
    afterNumber(after),
    limit + 1,
    runDays,
  ]);
  return pageFrom(
    rows,
    limit,
    row => ({
      id: row.id,
      jobId: row.job_id,
      attemptId: row.attempt_id,
      job: jobName(row),
      name: row.name,
      files: row.files,
      bytes: row.bytes,
      expiresAt: row.expires_at?.toISOString() ?? null,
      createdAt: row.created_at.toISOString(),
    }),
    ({ id }) => String(id),
  );
}

/** Where an artifact lies, and what to call it. Throws 404 for one that is not this job's. */
export async function findArtifact(
  db: Queryable,
  jobId: string,
  artifactId: number,
): Promise<{ blobKey: string; fileName: string }> {
  const [row] = await db.query<{ blob_key: string; job: string; combination: string; name: string }>(
    `select a.blob_key, a.name, j.name as job, j.combination from artifacts a join jobs j on j.id = a.job_id
     where a.id = $2 and a.job_id = $1`,
    [jobId, artifactId],
  );
  if (row === undefined) {
    throw notFound(
      `job ${jobId} has no artifact ${artifactId}`,
      "its time may be over: list what the run has",
    );
  }
  return { blobKey: row.blob_key, fileName: `${jobName(row)}-${row.name}.tar.zst` };
}

function jobName({ job, combination }: { job: string; combination: string }): string {
  return combination === "" ? job : `${job} ${combination}`;
}
