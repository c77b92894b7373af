// Looks at repositories whose host tells nobody of pushes: what has moved on since the last look is run as if it had been
// pushed now. The first look at a repository only remembers. Several reporters share the projects and never look at the
// same one at the same time; a look that is older than what a webhook told meanwhile counts for nothing.

import { messageOf, type Result } from "../../core/failure.ts";
import type { Clock } from "../../lib/clock.ts";
import { createRun } from "../../queue/postgres/create-run.ts";
import type { Nudges } from "../../queue/postgres/nudges.ts";
import type { Database, Queryable } from "../../store/database.ts";
import { knownHeads, noteHead, replaceHeads } from "../../store/repository-heads.ts";

export interface PolledProject {
  id: number;
  repository: string;
}

export interface PollOptions {
  db: Database;
  nudges: Nudges;
  clock: Clock;
  /** Commits of the branches, by full name (`refs/heads/main`). Bounded in size and time by whoever looks. */
  heads(project: PolledProject, signal: AbortSignal): Promise<Result<ReadonlyMap<string, string>>>;
  /** Hears of looks that came to nothing; the next one comes in its time. */
  refused(project: PolledProject, message: string): void;
}

interface Row extends PolledProject {
  default_branch: string;
}

/** Runs that one look starts; what is left is found by the next one. */
const mostRuns = 20;
/** A reporter that died on its way is followed after so long. Seconds. */
const lookSeconds = 120;
const branches = "refs/heads/";

const dueStatement = `
  update projects set next_poll_at = now() + make_interval(secs => poll_seconds + ${lookSeconds})
  where id = (
    select id from projects
    where poll_seconds is not null and repository is not null and (next_poll_at is null or next_poll_at <= now())
    order by next_poll_at nulls first limit 1 for no key update skip locked
  ) returning id, repository, default_branch`;

/** Looks at one repository that is due. False where none is. */
export async function pollPass(options: PollOptions, signal: AbortSignal): Promise<boolean> {
  const { db, nudges, heads, refused } = options;
  const [project] = await db.query<Row>(dueStatement);
  if (project === undefined) return false;
  let left = 0;
  try {
    const before = await knownHeads(db, project.id, project.repository);
    const found = await heads({ id: project.id, repository: project.repository }, signal);
    if (found.ok) {
      const seen = new Map([...found.value].filter(([ref]) => ref.startsWith(branches)));
      const taken = await db.transact(tx => takeHeads(tx, options.clock, project, before, seen));
      left = taken.left;
      if (taken.started > 0) nudges.nudge("runs");
    } else refused(project, found.refusal.message);
  } catch (error) {
    if (signal.aborted) throw error;
    refused(project, messageOf(error));
  }
  await db.query(
    `update projects set next_poll_at = now() + make_interval(secs => case when $2 then 0 else poll_seconds end)
     where id = $1 and poll_seconds is not null`,
    [project.id, left > 0],
  );
  return true;
}

async function takeHeads(
  tx: Queryable,
  clock: Clock,
  project: Row,
  before: ReadonlyMap<string, string> | undefined,
  seen: ReadonlyMap<string, string>,
): Promise<{ started: number; left: number }> {
  const nothing = { started: 0, left: 0 };
  const [same] = await tx.query(
    "select 1 from projects where id = $1 and repository = $2 for no key update",
    [project.id, project.repository],
  );
  if (same === undefined) return nothing;
  const now = await knownHeads(tx, project.id, project.repository);
  if (now === undefined) {
    await replaceHeads(tx, project.id, project.repository, seen);
    return nothing;
  }
  // What was told meanwhile is newer than what was seen.
  const settled = [...seen].filter(([ref]) => before?.get(ref) === now.get(ref));
  const moved = settled.filter(([ref, commit]) => now.get(ref) !== commit);
  const own = branches + project.default_branch;
  const first = moved.toSorted(([a], [b]) => Number(b === own) - Number(a === own)).slice(0, mostRuns);
  for (const [ref, commit] of first) {
    await noteHead(tx, project.id, project.repository, ref, commit);
    const branch = ref.slice(branches.length);
    await createRun(tx, { projectId: project.id, event: "push", branch, commit, trusted: true }, clock);
  }
  const gone = [...now.keys()].filter(ref => ref.startsWith(branches) && !seen.has(ref));
  const goneForGood = gone.filter(ref => before?.get(ref) === now.get(ref));
  await tx.query("delete from repository_heads where project_id = $1 and ref = any($2)", [
    project.id,
    goneForGood,
  ]);
  return { started: first.length, left: moved.length - first.length };
}
