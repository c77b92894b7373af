// Makes a run that is still to be planned: the one way in which runs come to be, whoever starts them.

import { SlipwayError } from "../../core/failure.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Queryable } from "../../store/database.ts";
import { newId } from "../../store/new-id.ts";

export interface NewRun {
  projectId: number;
  /** `push`, `pull-request`, `schedule`, `manual`. */
  event: string;
  /** One workflow of the file, or one pipeline; neither: every workflow that the event starts. */
  workflow?: string;
  pipeline?: string;
  branch?: string;
  tag?: string;
  commit?: string;
  message?: string;
  person?: string;
  trusted: boolean;
  /** Encrypted. */
  variables?: Uint8Array;
  priority?: number;
  /** Blob of a source that was sent. */
  sourceKey?: string;
  rerunOf?: string;
  causedBy?: string;
}

export interface CreatedRun {
  id: string;
  number: number;
}

/** Inserts the run and wakes nobody: nudge `runs` after the commit. Throws `project-gone` where the project was deleted meanwhile. */
export async function createRun(tx: Queryable, run: NewRun, clock: Clock): Promise<CreatedRun> {
  const [row] = await tx.query<CreatedRun>(
    `with project as (
       update projects set next_number = next_number + 1 where id = $2 and deleted_at is null
       returning id, organisation_id, next_number - 1 as number
     )
     insert into runs (id, project_id, organisation_id, number, workflow, pipeline, event, branch, tag, commit_id,
       message, person, trusted, trigger_variables, priority, source_key, rerun_of, caused_by)
     select $1, id, organisation_id, number, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16
     from project returning id, number`,
    [
      newId(clock.now()),
      run.projectId,
      run.workflow ?? null,
      run.pipeline ?? null,
      run.event,
      run.branch ?? null,
      run.tag ?? null,
      run.commit ?? null,
      run.message ?? "",
      run.person ?? null,
      run.trusted,
      run.variables === undefined ? null : Buffer.from(run.variables),
      run.priority ?? 0,
      run.sourceKey ?? null,
      run.rerunOf ?? null,
      run.causedBy ?? null,
    ],
  );
  if (row === undefined)
    throw new SlipwayError("project-gone", `project ${run.projectId} is not there any more`);
  return row;
}
