// Looks after tries that nobody ends: silent ones, those that do not heed a cancel, those that take too long, and jobs
// whose next try is due. All of it by the database's clock; several may look at the same time.

import type { AttemptEnd, CancelRequest } from "../../core/job-state.ts";
import { cancelJobs } from "../../queue/postgres/cancel-jobs.ts";
import { endAttempt } from "../../queue/postgres/end-attempt.ts";
import { releaseGroup } from "../../queue/postgres/finish-job.ts";
import type { Nudges } from "../../queue/postgres/nudges.ts";
import { defaultJobMs } from "../../queue/postgres/take-jobs.ts";
import type { Database } from "../../store/database.ts";

export interface WatchTimes {
  /** After so much silence a try is looked at. */
  lookMs: number;
  /** A try that is silent, but whose runner a worker sees alive, is given up after so long. */
  giveUpMs: number;
  /** Time that a runner has to end after a cancel. */
  cancelMs: number;
}

export const watchTimes: WatchTimes = { lookMs: 30_000, giveUpMs: 600_000, cancelMs: 180_000 };

/** A worker that renewed within this time would have said that the runner lives. Seconds. */
const seenSeconds = 10;
/** Without a sign of the api for so long, nobody can have been heard. Seconds. */
const deafSeconds = 8;

export const silentStatement = `
  select a.id, a.epoch, a.seen_alive_at > now() - make_interval(secs => ${seenSeconds}) as seen
  from attempts a, hearing h
  where a.finished_at is null and h.at > now() - make_interval(secs => ${deafSeconds})
    and a.heartbeat_at < now() - make_interval(secs => $1) and h.since < now() - make_interval(secs => $1)
    and (a.seen_alive_at is null or a.seen_alive_at < now() - make_interval(secs => ${seenSeconds})
      or (a.heartbeat_at < now() - make_interval(secs => $2) and h.since < now() - make_interval(secs => $2)))`;

export const unheededStatement = `
  select a.id, a.epoch, j.cancel from jobs j join attempts a on a.job_id = j.id and a.state <> 'finished'
  where j.state in ('claimed', 'running') and j.cancel_requested
    and (j.cancel->>'at')::timestamptz < now() - make_interval(secs => $1)`;

export const tooLongStatement = `
  select j.id, coalesce((c.settings->>'timeoutMs')::float8, ${defaultJobMs}) / 60000 as minutes
  from jobs j join attempts a on a.job_id = j.id and a.state = 'running' left join classes c on c.name = j.class
  where j.state = 'running' and not j.cancel_requested
    and a.started_at < now() - make_interval(secs => coalesce((c.settings->>'timeoutMs')::float8, ${defaultJobMs}) / 1000)`;

/** Gives up what is silent. Answers how many tries. */
export async function giveUpSilent(
  db: Database,
  nudges: Nudges,
  times: WatchTimes = watchTimes,
): Promise<number> {
  const silent = await db.query<{ id: string; epoch: number; seen: boolean | null }>(silentStatement, [
    times.lookMs / 1000,
    times.giveUpMs / 1000,
  ]);
  for (const { id, epoch, seen } of silent) {
    const message = seen
      ? `its runner is alive, but was not heard for ${times.giveUpMs / 1000} s`
      : `its runner was not heard for ${times.lookMs / 1000} s, and no worker sees it`;
    await giveUp(db, nudges, id, epoch, { outcome: "broken", reason: "silent", message });
  }
  return silent.length;
}

/** Ends tries whose runner was told to stop long ago. */
export async function giveUpUnheeded(
  db: Database,
  nudges: Nudges,
  times: WatchTimes = watchTimes,
): Promise<number> {
  const rows = await db.query<{ id: string; epoch: number; cancel: CancelRequest }>(unheededStatement, [
    times.cancelMs / 1000,
  ]);
  for (const { id, epoch, cancel } of rows) {
    const { kind, reason, message } = cancel;
    await giveUp(db, nudges, id, epoch, { outcome: kind, reason, message });
  }
  return rows.length;
}

async function giveUp(
  db: Database,
  nudges: Nudges,
  attemptId: string,
  epoch: number,
  end: AttemptEnd,
): Promise<void> {
  const became = await db.transact(tx => endAttempt(tx, attemptId, epoch, end));
  if (became === "stale") return;
  nudges.nudge("runs");
  nudges.nudge("attempts", attemptId);
}

/** Asks jobs to end that run longer than their class allows. */
export async function stopTooLong(db: Database, nudges: Nudges): Promise<number> {
  const rows = await db.query<{ id: string; minutes: number }>(tooLongStatement);
  for (const { id, minutes } of rows) {
    const message = `took longer than the ${Math.round(minutes * 10) / 10} minutes that its class allows`;
    const request: CancelRequest = { kind: "timed-out", reason: "time-limit", message };
    const { told } = await db.transact(tx => cancelJobs(tx, [id], request));
    for (const attemptId of told) nudges.nudge("attempts", attemptId);
  }
  return rows.length;
}

/** Queues jobs whose next try is due. */
export async function requeueDue(db: Database, nudges: Nudges): Promise<number> {
  const rows = await db.query(
    `update jobs set state = 'queued', queued_at = now(), reason = '', message = ''
     where id in (
       select id from jobs where state = 'waiting' and reason = 'retry' and available_at <= now()
       order by available_at limit 500 for no key update skip locked
     ) returning id`,
  );
  if (rows.length > 0) nudges.nudge("jobs");
  return rows.length;
}

/** Groups in which somebody stands in line behind nobody: read from the index of open jobs in groups. */
export const heldStatement = `
  select distinct project_id, concurrency_group from jobs held
  where concurrency_group is not null and state = 'waiting' and reason = 'concurrency-group' and not exists (
    select 1 from jobs holder where holder.project_id = held.project_id
      and holder.concurrency_group = held.concurrency_group and holder.state <> 'finished'
      and (holder.state in ('queued', 'claimed', 'running') or (holder.state = 'waiting' and holder.reason = 'retry')))`;

/** Lets go on who waits for a concurrency group that nobody holds: a net below what the ends of jobs do themselves. */
export async function releaseGroups(db: Database, nudges: Nudges): Promise<number> {
  const groups = await db.query<{ project_id: number; concurrency_group: string }>(heldStatement);
  let released = 0;
  for (const { project_id, concurrency_group } of groups) {
    const key = `${project_id}/${concurrency_group}`;
    const one = await db.transact(async tx => {
      await tx.query("select pg_advisory_xact_lock(hashtextextended($1, 1))", [key]);
      return releaseGroup(tx, project_id, concurrency_group);
    });
    if (one) released++;
  }
  if (released > 0) nudges.nudge("jobs");
  return released;
}
