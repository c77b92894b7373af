// Takes jobs out of one lane of the queue and makes a try of each, in one statement. Two who take at the same time get
// different jobs: each skips what the other has locked.

import type { Database, Queryable } from "../../store/database.ts";
import { newId } from "../../store/new-id.ts";
import type { Claim, ClassSettings } from "../queue.ts";
import type { Turn } from "./fair-share.ts";
import { hashOf, newClaimToken } from "./tokens.ts";

/**
 * Put into a statement, lets its commit not wait for the disk. Only for what may be lost with the machine: a claim that is
 * lost leaves the job in the queue and a token that nobody knows, with which no runner gets as far as the user's code.
 */
export const commitsLater = "(select set_config('synchronous_commit', 'off', true)) is not null";

const boxOf = "concat_ws(':', job.spec->'box'->>'id', nullif(job.spec->'box'->>'tag', ''))";
const servicesOf = "coalesce(jsonb_path_query_array(job.spec, '$.services[*].id'), '[]')";

/**
 * What of a job a worker is told. `job` is the name in the statement, with `box` and `services` beside its columns. Each of the
 * others is one row by its key: joined, they would be read whole and hashed.
 */
const claimColumns = `
  job.run_id, job.id as job_id, job.class, job.pipeline, job.trusted, job.box, job.services,
  (select name from organisations where id = job.organisation_id) || '/' ||
    (select name from projects where id = job.project_id) as project,
  coalesce((select settings from classes where name = job.class), '{}') as settings`;

/** The first jobs of a lane. A limit that is part of the text gives one plan for all: planning costs more than taking. */
const firstOfLane = (limit: string) => `
  select id from jobs where state = 'queued' and class = $2 and organisation_id = $3
    and exists (select 1 from workers where id = $1 and lease_until > now() and not draining)
    and ${commitsLater}
  order by priority desc, id limit ${limit} for no key update skip locked`;

/** The rest of what was the job's row, wide as it is, is not carried through the statement. */
const take = `
  update jobs job set state = 'claimed', attempt = attempt + 1, reason = '', message = ''
  from picked where job.id = picked.id
  returning job.id, job.run_id, job.project_id, job.organisation_id, job.class, job.pipeline, job.trusted, job.attempt,
    job.priority, ${boxOf} as box, ${servicesOf} as services`;

const tryColumns = "(id, job_id, run_id, number, state, worker_id, claim_hash, heartbeat_at)";

/** Takes one; $4 is the id of the try, $5 the hash of its token. */
export const takeOneStatement = `
  with picked as (${firstOfLane("1")}), job as (${take}), tried as (
    insert into attempts ${tryColumns} select $4, id, run_id, attempt, 'claimed', $1, $5, now() from job
  )
  select $4::text as attempt_id, 1 as epoch, 1 as place, ${claimColumns} from job`;

/** Takes up to $6; $4 and $5 are arrays. */
export const takeManyStatement = `
  with picked as (${firstOfLane("$6")}), taken as (${take}), numbered as (
    select taken.*, row_number() over (order by priority desc, id) as place from taken
  ), tried as (
    insert into attempts ${tryColumns}
    select ($4::text[])[place], id, run_id, attempt, 'claimed', $1, ($5::bytea[])[place], now() from numbered
  )
  select ($4::text[])[job.place] as attempt_id, 1 as epoch, job.place, ${claimColumns}
  from numbered job order by job.place`;

export const adoptStatement = `
  with picked as (
    select attempts.id from attempts join workers late on late.id = attempts.worker_id
    join workers mine on mine.id = $1 and mine.lease_until > now()
    join jobs on jobs.id = attempts.job_id and jobs.class = any(mine.classes)
    where attempts.finished_at is null and late.id <> $1 and late.lease_until < now()
      and late.labels->'place' is not distinct from mine.labels->'place'
    order by attempts.id limit $2 for no key update of attempts skip locked
  ), adopted as (
    update attempts set worker_id = $1 from picked where attempts.id = picked.id
    returning attempts.id, attempts.epoch, attempts.job_id, attempts.launcher_ref, attempts.claim_nonce
  )
  select job.attempt_id, job.epoch, job.launcher_ref, job.claim_nonce, ${claimColumns}
  from (
    select adopted.id as attempt_id, adopted.epoch, adopted.launcher_ref, adopted.claim_nonce, job.*,
      ${boxOf} as box, ${servicesOf} as services
    from adopted join jobs job on job.id = adopted.job_id
  ) job order by job.attempt_id`;

export interface ClaimRow {
  attempt_id: string;
  epoch: number;
  run_id: string;
  job_id: string;
  class: string;
  project: string;
  settings: ClassSettings;
  pipeline: string;
  trusted: boolean;
  box: string;
  services: string[];
}

/** Six hours, where the class does not say. */
export const defaultJobMs = 6 * 60 * 60_000;

export function claimOf(row: ClaimRow, claimToken: string): Claim {
  return {
    runId: row.run_id,
    jobId: row.job_id,
    attemptId: row.attempt_id,
    epoch: row.epoch,
    project: row.project,
    class: row.class,
    claimToken,
    classSettings: row.settings,
    launch: {
      pipeline: row.pipeline,
      box: row.box,
      services: row.services,
      trusted: row.trusted,
      timeoutMs: row.settings.timeoutMs ?? defaultJobMs,
    },
  };
}

/** Takes up to `count` jobs of a lane for a worker whose lease is good. Keeps to the organisation's quota. */
export async function takeJobs(
  db: Database,
  workerId: string,
  { share, lane }: Turn,
  count: number,
  now: number,
): Promise<Claim[]> {
  if (share.maxRunning === null) return takeFrom(db, workerId, share.organisationId, lane.class, count, now);
  return db.transact(async tx => {
    const left = await roomOf(tx, share.organisationId);
    if (left <= 0) return [];
    return takeFrom(tx, workerId, share.organisationId, lane.class, Math.min(count, left), now);
  });
}

/** How many more jobs an organisation may run. It is locked, so that two who take at the same time do not both count on the last place. */
async function roomOf(tx: Queryable, organisationId: number): Promise<number> {
  const [organisation] = await tx.query<{ max_running_jobs: number | null }>(
    "select max_running_jobs from organisations where id = $1 for no key update",
    [organisationId],
  );
  const [active] = await tx.query<{ count: number }>(
    "select count(*) from jobs where organisation_id = $1 and state in ('claimed', 'running')",
    [organisationId],
  );
  return (organisation?.max_running_jobs ?? Number.POSITIVE_INFINITY) - active!.count;
}

async function takeFrom(
  db: Queryable,
  workerId: string,
  organisationId: number,
  className: string,
  count: number,
  now: number,
): Promise<Claim[]> {
  const ids = Array.from({ length: count }, () => newId(now));
  const tokens = ids.map(newClaimToken);
  const hashes = tokens.map(hashOf);
  const lane = [workerId, className, organisationId];
  const rows = await (count === 1
    ? db.query<TakenRow>(takeOneStatement, [...lane, ids[0], hashes[0]])
    : db.query<TakenRow>(takeManyStatement, [...lane, ids, hashes, count]));
  return rows.map(row => claimOf(row, tokens[row.place - 1]!));
}

type TakenRow = ClaimRow & { place: number };
