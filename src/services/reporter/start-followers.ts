// The end of a run starts runs of other workflows of its file: at the same commit, with the same source and trust. In the
// transaction that ends the run, so that none is started twice or forgotten.

import { systemClock } from "../../lib/clock.ts";
import { matchesPatterns } from "../../plan/name-patterns.ts";
import { createRun } from "../../queue/postgres/create-run.ts";
import { type Likeness, likenessColumns, likeRun } from "../../queue/postgres/like-run.ts";
import type { Queryable } from "../../store/database.ts";

/** A workflow that starts when a run has ended in one of these ways. */
export interface Follower {
  workflow: string;
  outcomes: string[];
  branches?: string[];
}

interface EndedRun extends Likeness {
  followers: Follower[] | null;
}

/** Workflows that name each other in a circle end here: a run has at most so many before it. */
const longestChain = 10;

/** Answers how many were started. Of a run that is still under way none are. */
export async function startFollowers(tx: Queryable, runId: string, outcome: string): Promise<number> {
  const [run] = await tx.query<EndedRun>(
    `select ${likenessColumns}, plan->'followers' as followers from runs where id = $1 and state = 'finished'`,
    [runId],
  );
  const due = (run?.followers ?? []).filter(
    ({ outcomes, branches }) =>
      outcomes.includes(outcome) &&
      (branches === undefined || matchesPatterns(branches, run?.branch ?? undefined)),
  );
  if (run === undefined || due.length === 0 || (await chainLength(tx, runId)) >= longestChain) return 0;
  for (const { workflow } of due) {
    await createRun(tx, { ...likeRun(run), workflow, causedBy: runId }, systemClock);
  }
  return due.length;
}

async function chainLength(tx: Queryable, runId: string): Promise<number> {
  const [row] = await tx.query<{ length: number }>(
    `with recursive chain as (
       select id, caused_by, 1 as length from runs where id = $1
       union all select runs.id, runs.caused_by, length + 1 from runs join chain on runs.id = chain.caused_by where length < $2
     ) select max(length) as length from chain`,
    [runId, longestChain],
  );
  return row?.length ?? 1;
}
