// The end of a try whose runner is gone. What a launcher saw of it decides, unless the runner itself has left last words that
// only it can have written: those say what the job came to, and never more than is stored of it.

import type { AttemptEnd } from "../../core/job-state.ts";
import { exitCodeOf, isGood } from "../../core/outcome.ts";
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
  const became = await db.transact(tx => endAttempt(tx, attemptId, epoch, endWith(end, words), heldBy));
  return became === "stale" ? "stale" : "ok";
}

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
