// Why a job waits, in one sentence, as it is now: looked up when it is asked for, never stored.

import type { Queryable } from "../../store/database.ts";

export interface WaitReason {
  /** Stable: `requires`, `approval`, `concurrency-group`, `retry`, `class-without-worker`, `quota`, `capacity`, `launching`. */
  code: string;
  message: string;
}

interface Row {
  id: string;
  state: string;
  reason: string;
  message: string;
  name: string;
  class: string;
  approval: string | null;
  environment: string | null;
  requires: string[];
  concurrency_group: string | null;
  seconds: number;
  max_running_jobs: number | null;
  organisation: string;
  running: number;
  holder: string | null;
  workers: number;
  slots: number;
  busy: number;
  unmet: string[];
  launching: string | null;
}

export const waitStatement = `
  select j.id, j.state, j.reason, j.message, j.name, j.class, j.approval, j.environment, j.requires, j.concurrency_group,
    ceil(extract(epoch from j.available_at - now()))::int as seconds, o.max_running_jobs, o.name as organisation,
    (select count(*) from jobs a where a.organisation_id = j.organisation_id and a.state in ('claimed', 'running')) as running,
    (select r.number || ' (' || h.name || ')' from jobs h join runs r on r.id = h.run_id
     where j.concurrency_group is not null and h.project_id = j.project_id
       and h.concurrency_group = j.concurrency_group and h.state <> 'finished' and h.id <> j.id
       and (h.state <> 'waiting' or h.reason = 'retry') limit 1) as holder,
    w.workers, w.slots, w.busy,
    array(select distinct q.name from jobs q where q.run_id = j.run_id and q.name = any(j.requires)
      and q.outcome is distinct from 'passed') as unmet,
    case when j.state = 'claimed' then (select message from attempts where job_id = j.id and number = j.attempt) end as launching
  from jobs j join organisations o on o.id = j.organisation_id cross join lateral (
    select count(*) as workers, coalesce(sum(capacity), 0)::int as slots,
      (select count(*) from attempts where finished_at is null and worker_id = any(array_agg(workers.id)))  as busy
    from workers where lease_until > now() and not draining and j.class = any(classes)
  ) w
  where j.id = any($1)`;

/** Undefined where the job does not wait, or there is none. */
export async function waitReason(db: Queryable, jobId: string): Promise<WaitReason | undefined> {
  return (await waitReasons(db, [jobId])).get(jobId);
}

/** The reasons of those of the jobs that wait. For a page of them, not for all there are. */
export async function waitReasons(
  db: Queryable,
  jobIds: readonly string[],
): Promise<Map<string, WaitReason>> {
  const reasons = new Map<string, WaitReason>();
  for (const job of await db.query<Row>(waitStatement, [jobIds])) {
    if (job.state === "waiting") reasons.set(job.id, whileWaiting(job));
    if (job.state === "queued") reasons.set(job.id, whileQueued(job));
    // What a launcher has noted of its try.
    if (job.launching) reasons.set(job.id, { code: "launching", message: job.launching });
  }
  return reasons;
}

function whileWaiting(job: Row): WaitReason {
  if (job.reason === "retry") {
    const when = job.seconds > 0 ? `in ${job.seconds} s` : "now";
    return { code: "retry", message: `It ${job.message}; the next try begins ${when}.` };
  }
  if (job.reason === "concurrency-group") {
    const group = `the concurrency group ${job.concurrency_group}`;
    const message =
      job.holder === null
        ? `It is next in ${group}.`
        : `It waits for run ${job.holder}, which holds ${group}.`;
    return { code: "concurrency-group", message };
  }
  if (job.approval === "wanted") {
    const where = job.environment === null ? "" : ` to ${job.environment}`;
    return { code: "approval", message: `It waits until somebody approves ${job.name}${where}.` };
  }
  if (job.unmet.length > 0) {
    return { code: "requires", message: `It waits for ${job.unmet.join(", ")} to pass.` };
  }
  return { code: "starting", message: "It is about to be queued." };
}

function whileQueued(job: Row): WaitReason {
  if (job.workers === 0) {
    return {
      code: "class-without-worker",
      message: `No worker serves the class ${job.class}: start one, or let the pipeline name another class.`,
    };
  }
  if (job.max_running_jobs !== null && job.running >= job.max_running_jobs) {
    return {
      code: "quota",
      message: `${job.organisation} runs ${job.running} jobs, and its quota is ${job.max_running_jobs}.`,
    };
  }
  if (job.busy >= job.slots) {
    return {
      code: "capacity",
      message: `All ${job.slots} places of the class ${job.class} are taken (${job.workers === 1 ? "1 worker" : `${job.workers} workers`}).`,
    };
  }
  return { code: "capacity", message: `It is about to be claimed: ${job.slots - job.busy} places are free.` };
}
