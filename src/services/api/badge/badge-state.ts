// What a badge shows of a project: how the newest commit of a branch has ended, over all workflows that ran on it.

import { outcomeOfJobs } from "../../../core/job-state.ts";
import type { Outcome } from "../../../core/outcome.ts";
import type { Queryable } from "../../../store/database.ts";
import { listRunIds, type RunFilters } from "../../../store/run-list.ts";
import type { Badge } from "./badge-svg.ts";

export interface BadgeQuestion {
  projectId: number;
  branch: string;
  /** Of this workflow alone. */
  workflow?: string;
}

const looks: Record<Outcome, { text: string; color: string }> = {
  passed: { text: "passed", color: "#2da44e" },
  failed: { text: "failed", color: "#cf222e" },
  "timed-out": { text: "timed out", color: "#bc4c00" },
  broken: { text: "broken", color: "#8250df" },
  canceled: { text: "canceled", color: "#6e7781" },
  skipped: { text: "skipped", color: "#6e7781" },
};
const none = { text: "no runs", color: "#6e7781" };
const mostRuns = 50;

interface Row {
  commit_id: string | null;
  outcome: Outcome;
  entry: string;
  event: string;
}

/** Only runs that have ended count; those of pull requests are not the branch's. */
export async function badgeState(db: Queryable, question: BadgeQuestion): Promise<Omit<Badge, "label">> {
  const { projectId, branch, workflow } = question;
  const filters: RunFilters = {
    projectId,
    branch,
    state: "finished",
    ...(workflow === undefined ? {} : { workflow }),
  };
  const ids = await listRunIds(db, filters, { limit: mostRuns });
  const rows = await db.query<Row>(
    `select commit_id, outcome, event, coalesce('w:' || workflow, 'p:' || pipeline, '') as entry from runs
     where id = any($1) order by id desc`,
    [ids],
  );
  const counted = rows.filter(({ event, outcome }) => event !== "pull-request" && outcome !== "skipped");
  const [newest] = counted;
  if (newest === undefined) return none;
  const latest = new Map<string, Outcome>();
  for (const { commit_id, entry, outcome } of counted) {
    if (commit_id === newest.commit_id && !latest.has(entry)) latest.set(entry, outcome);
  }
  return looks[outcomeOfJobs([...latest.values()])];
}
