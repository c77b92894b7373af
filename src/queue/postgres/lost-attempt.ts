// The end of a try whose runner is gone. What a launcher saw of it decides, unless the runner itself has left last words that
// only it can have written: those say what the job came to, and never more than is stored of it.

import type { AttemptEnd } from "../../core/job-state.ts";
import { exitCodeOf, isGood } from "../../core/outcome.ts";
import { meanwhile } from "../../core/place-words.ts";
import type { Database } from "../../store/database.ts";
import { type LastWords, provenWords } from "../last-words.ts";
import type { LaunchEnd } from "../queue.ts";
import { endAttempt } from "./end-attempt.ts";
import { finishAttempt } from "./finish-attempt.ts";

export interface LostAttempt {
  attemptId: string;
  epoch: number;
  end: LaunchEnd;
  /** Only where this worker holds it. */
  heldBy?: string | undefined;
}

/** Answers `stale` where the try is not live any more, or not this worker's; then nothing has changed. */
export async function lostAttempt(
  db: Database,
  { attemptId, epoch, end, heldBy }: LostAttempt,
): Promise<"ok" | "stale"> {
  const words = await wordsOf(db, attemptId, end.lastWords, heldBy);
  if (words !== undefined && isGood(words.outcome)) {
    const { outcome, message, events, chunks } = words;
    const record = { outcome, exitCode: exitCodeOf(outcome), message, events, chunks };
    const finish = await finishAttempt(db, { attemptId, epoch }, record);
    if (finish.kind !== "incomplete") return finish.kind === "accepted" ? "ok" : "stale";
  }
  const became = await db.transact(async tx => {
    const ended = await endAttempt(tx, attemptId, epoch, endWith(end, words), heldBy);
    if (ended !== "stale") await tx.query(tellStatement, [attemptId]);
    return ended;
  });
  return became === "stale" ? "stale" : "ok";
}

/**
 * Of a try whose runner has told nothing, its log tells what it has waited for and why it ended. It is over: nobody else
 * numbers its events any more.
 */
const tellStatement = `
  with told as (
    select id, run_id, words.seq, words.level, words.message
    from attempts, lateral (
      select wait.seq, 'info' as level,
        case when starts_with(wait.reason, '${meanwhile}') then '' else 'The job has waited: ' end || wait.reason as message
      from unnest(waited) with ordinality as wait (reason, seq)
      union all
      select cardinality(waited) + 1, 'error', attempts.message
    ) as words
    where id = $1 and events_stored = 0 and attempts.message <> ''
  ), kept as (
    insert into events (attempt_id, seq, run_id, body)
    select id, seq, run_id, jsonb_build_object('type', 'notice', 'level', level, 'message', message, 'runId', run_id,
      'seq', seq, 'time', to_char(now() at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
    from told
    on conflict (attempt_id, seq) do nothing
  )
  update attempts set events_stored = (select max(seq) from told) where id = $1 and exists (select 1 from told)`;

/** With the key's hash, which nobody but the runner and the tables have. */
async function wordsOf(
  db: Database,
  attemptId: string,
  text: string | undefined,
  heldBy: string | undefined,
): Promise<LastWords | undefined> {
  if (text === undefined || text === "") return undefined;
  const [row] = await db.query<{ key_hash: Buffer | null }>(
    "select key_hash from attempts where id = $1 and state = 'running' and worker_id = coalesce($2, worker_id)",
    [attemptId, heldBy ?? null],
  );
  if (!row?.key_hash) return undefined;
  const words = provenWords(text, attemptId, row.key_hash);
  return words?.reason === "undelivered" || words?.reason === "finished" ? words : undefined;
}

function endWith(end: LaunchEnd, words: LastWords | undefined): AttemptEnd {
  // No evidence, no green: what only a launcher saw is never a pass, whatever it says.
  const { reason, message } = end;
  const seen = { outcome: isGood(end.outcome) ? ("broken" as const) : end.outcome, reason, message };
  if (words === undefined || isGood(words.outcome)) return seen;
  // That it broke the cluster mostly knows better than who was ended by it.
  if (words.outcome === "broken") {
    return {
      ...seen,
      message: words.message === "" ? message : `${message}\nthe runner said: ${words.message}`,
    };
  }
  return { outcome: words.outcome, reason: words.outcome, message: words.message };
}
