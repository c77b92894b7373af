// What runners write, as the runner listener needs it. Every write names attempt and epoch; a stale one has no effect.
// All of them may be repeated.

import type { CancelKind } from "../../core/cancel.ts";
import type { RunEvent } from "../../core/events.ts";
import type { Database, Queryable } from "../../store/database.ts";
import { commitsLater } from "./take-jobs.ts";
import { fitsHash, hashOf, keyOf, partsOf } from "./tokens.ts";

export interface AttemptRef {
  attemptId: string;
  epoch: number;
}

export type Exchange =
  /** `first`: nobody has noted that the run has begun (`noteRunBegun`). */
  | ({ kind: "ok"; key: string; jobId: string; runId: string; first: boolean; waited: string[] } & AttemptRef)
  /** No such token. */
  | { kind: "unknown" }
  /** The try is over. */
  | { kind: "stale" }
  /** Another runner has exchanged it. */
  | { kind: "claimed" };

interface TokenRow {
  job_id: string;
  run_id: string;
  epoch: number;
  state: string;
  claim_hash: Buffer;
  claim_nonce: string | null;
  key_hash: Buffer | null;
  waited: string[];
}

/** Exchanges a claim token for the runner's key; the job runs from then on. The same nonce gets the same key again. */
export async function exchangeClaim(db: Database, claimToken: string, nonce: string): Promise<Exchange> {
  const parts = partsOf(claimToken);
  if (parts?.kind !== "claim" || nonce === "") return { kind: "unknown" };
  const { attemptId } = parts;
  const key = keyOf(claimToken, attemptId, nonce);
  for (;;) {
    const begun = await begin(db, attemptId, claimToken, nonce, key);
    if (begun !== undefined) return { kind: "ok", key, attemptId, ...begun };
    const row = await tokenRow(db, attemptId);
    if (row === undefined || !fitsHash(claimToken, row.claim_hash)) return { kind: "unknown" };
    if (row.state === "finished") return { kind: "stale" };
    const { epoch, job_id: jobId, run_id: runId, waited } = row;
    if (row.claim_nonce === nonce)
      return { kind: "ok", key, attemptId, epoch, jobId, runId, waited, first: true };
    if (row.claim_nonce !== null) return { kind: "claimed" };
  }
}

async function tokenRow(db: Queryable, attemptId: string): Promise<TokenRow | undefined> {
  const [row] = await db.query<TokenRow>(
    "select job_id, run_id, epoch, state, claim_hash, claim_nonce, key_hash, waited from attempts where id = $1",
    [attemptId],
  );
  return row;
}

const beginStatement = `
  with job as (
    select id from jobs where id = (select job_id from attempts where id = $1 and claim_hash = $2)
      and ${commitsLater} for no key update
  ), begun as (
    update attempts set claim_nonce = $3, key_hash = $4, state = 'running', started_at = now(), heartbeat_at = now()
    from job where attempts.id = $1 and attempts.job_id = job.id and claim_hash = $2 and state = 'claimed'
      and claim_nonce is null
    returning attempts.job_id, attempts.run_id, attempts.epoch, attempts.waited
  )
  update jobs set state = 'running', started_at = coalesce(jobs.started_at, now())
  from begun where jobs.id = begun.job_id
  returning begun.epoch, begun.waited, begun.job_id as "jobId", begun.run_id as "runId",
    (select started_at is null from runs where id = begun.run_id) as first`;

interface Begun {
  waited: string[];
  epoch: number;
  jobId: string;
  runId: string;
  first: boolean;
}

/**
 * Undefined where there is nothing to begin. The job is locked before the try, as everywhere. It need not be on disk before
 * the first event is, whose commit brings it there: without that event no user code has run.
 */
async function begin(
  db: Database,
  attemptId: string,
  claimToken: string,
  nonce: string,
  key: string,
): Promise<Begun | undefined> {
  const [row] = await db.query<Begun>(beginStatement, [attemptId, hashOf(claimToken), nonce, hashOf(key)]);
  return row;
}

/** On its own, after the exchange: whoever plans or ends runs locks the run before its jobs. May be repeated. */
export async function noteRunBegun(db: Queryable, runId: string): Promise<void> {
  await db.query(
    `update runs set started_at = now() where id = $1 and started_at is null and ${commitsLater}`,
    [runId],
  );
}

export type Authenticated =
  | ({ kind: "ok"; jobId: string; runId: string } & AttemptRef)
  | { kind: "unknown" }
  /** The try is over. Only its terminal record may be said again. */
  | ({ kind: "stale"; jobId: string; runId: string } & AttemptRef);

/** Whose key it is. The answer for a live try may be kept for a while (`runner-keys.ts`): every write checks the epoch again. */
export async function authenticateRunner(db: Queryable, key: string): Promise<Authenticated> {
  const parts = partsOf(key);
  if (parts?.kind !== "key") return { kind: "unknown" };
  const row = await tokenRow(db, parts.attemptId);
  if (row === undefined || !fitsHash(key, row.key_hash)) return { kind: "unknown" };
  const kind = row.state === "finished" ? "stale" : "ok";
  return { kind, attemptId: parts.attemptId, epoch: row.epoch, jobId: row.job_id, runId: row.run_id };
}

/**
 * Stores events in their order without gaps: numbers that are there already are ignored, and nothing is stored behind a
 * hole. Answers the highest number that is stored, from which the runner goes on.
 */
export async function storeEvents(
  db: Queryable,
  { attemptId, epoch }: AttemptRef,
  events: readonly RunEvent[],
): Promise<{ stored: number } | "stale"> {
  const batch = withoutHoles(events);
  const first = batch[0];
  if (first !== undefined) {
    const [row] = await db.query<{ stored: number }>(
      `with live as (
         update attempts set events_stored = greatest(events_stored, $4), step_began = step_began or $5,
           heartbeat_at = now()
         where id = $1 and epoch = $2 and state <> 'finished' and events_stored >= $3 - 1
         returning id, run_id, events_stored
       ), kept as (
         insert into events (attempt_id, seq, run_id, body)
         select live.id, event.seq, live.run_id, event.body
         from live, unnest($6::bigint[], $7::jsonb[]) as event(seq, body)
         on conflict (attempt_id, seq) do nothing
       )
       select events_stored as stored from live`,
      [
        attemptId,
        epoch,
        first.seq,
        batch.at(-1)!.seq,
        batch.some(beginsStep),
        batch.map(event => event.seq),
        batch.map(event => JSON.stringify(event)),
      ],
    );
    if (row !== undefined) return row;
  }
  const [row] = await db.query<{ stored: number }>(
    "select events_stored as stored from attempts where id = $1 and epoch = $2 and state <> 'finished'",
    [attemptId, epoch],
  );
  return row ?? "stale";
}

function withoutHoles(events: readonly RunEvent[]): RunEvent[] {
  const sorted = events.toSorted((a, b) => a.seq - b.seq);
  const batch: RunEvent[] = [];
  for (const event of sorted) {
    const next = batch.at(-1)?.seq;
    if (next === event.seq) continue;
    if (next !== undefined && event.seq !== next + 1) break;
    batch.push(event);
  }
  return batch;
}

/** From here on user code may have run. */
function beginsStep(event: RunEvent): boolean {
  return event.type === "step-started" && event.phase !== "setup";
}

export interface CancelWord {
  kind: CancelKind;
  message: string;
}

export interface HeartbeatWord {
  /** Why it is to stop. */
  cancel: CancelWord | null;
  /** What its containers have waited for so far, oldest first; absent where nothing. */
  waited?: string[];
  /** Its containers wait for something now, or nobody is there who would know. */
  waits?: true;
}

/** Notes that the runner lives. Answers what it should know. */
export async function heartbeat(
  db: Queryable,
  { attemptId, epoch }: AttemptRef,
): Promise<HeartbeatWord | "stale"> {
  const [row] = await db.query<Required<Pick<HeartbeatWord, "cancel" | "waited">> & { waits: boolean }>(
    `update attempts set heartbeat_at = now() where id = $1 and epoch = $2 and state <> 'finished'
       and ${commitsLater}
     returning cancel_reason as cancel, waited, message <> '' or not exists (
       select 1 from workers where workers.id = attempts.worker_id and lease_until > now()
     ) as waits`,
    [attemptId, epoch],
  );
  if (row === undefined) return "stale";
  const { cancel, waited, waits } = row;
  return { cancel, ...(waited.length > 0 ? { waited } : {}), ...(waits ? { waits: true as const } : {}) };
}
