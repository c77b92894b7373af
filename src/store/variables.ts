// The variables and secrets that a job gets from its organisation, its project and its pipeline. The narrowest scope wins.

import type { EnvEntry } from "../core/job.ts";
import { matchesPatterns } from "../plan/name-patterns.ts";
import type { Queryable } from "./database.ts";
import type { SecretBox } from "./secret-box.ts";

export interface JobVariables {
  plain: EnvEntry[];
  protected: EnvEntry[];
}

/** A variable that the job's scopes have, and the run that it is asked for. */
export interface VariableRow {
  name: string;
  protected: boolean;
  value: Buffer;
  branches: string[] | null;
  events: string[] | null;
  branch: string | null;
  event: string;
}

/** Widest scope first, so that later ones override. */
const variablesStatement = `
  select variables.name, variables.protected, variables.value, variables.branches, variables.events, runs.branch, runs.event
  from jobs join runs on runs.id = jobs.run_id
  join variables on variables.organisation_id = jobs.organisation_id
    and (variables.project_id is null or variables.project_id = jobs.project_id)
    and (variables.pipeline is null or variables.pipeline = jobs.pipeline)
  where jobs.id = $1
  order by variables.project_id is not null, variables.pipeline is not null, variables.name`;

/**
 * Asked for trusted jobs only. A variable that is not for the run's branch or event is as if it were not there: a wider
 * one of that name counts then.
 */
export async function variablesFor(db: Queryable, box: SecretBox, jobId: string): Promise<JobVariables> {
  return chosenVariables(await db.query<VariableRow>(variablesStatement, [jobId]), box);
}

/** Of all that the scopes have, widest first, what a job gets. Throws SlipwayError where a value cannot be opened. */
export function chosenVariables(rows: readonly VariableRow[], box: SecretBox): JobVariables {
  const found = new Map<string, { value: string; protected: boolean }>();
  for (const row of rows) {
    if (row.events !== null && !row.events.includes(row.event)) continue;
    if (row.branches !== null && (row.branch === null || !matchesPatterns(row.branches, row.branch)))
      continue;
    found.set(row.name, {
      value: Buffer.from(box.open(row.value)).toString("utf8"),
      protected: row.protected,
    });
  }
  const entries = (which: boolean) =>
    [...found].filter(([, each]) => each.protected === which).map(([name, { value }]) => ({ name, value }));
  return { plain: entries(false), protected: entries(true) };
}
