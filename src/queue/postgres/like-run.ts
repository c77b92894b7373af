// A run once more, or a further one of the same: at the same commit, with the same source, variables and trust.

import type { NewRun } from "./create-run.ts";

/** Columns of `runs`, as `likeRun` takes them. */
export const likenessColumns =
  "project_id, event, branch, tag, commit_id, message, person, trusted, priority, source_key, trigger_variables";

export interface Likeness {
  project_id: number;
  event: string;
  branch: string | null;
  tag: string | null;
  commit_id: string | null;
  message: string;
  person: string | null;
  trusted: boolean;
  priority: number;
  source_key: string | null;
  trigger_variables: Buffer | null;
}

/** What is to be run of it, a workflow or a pipeline, is not taken over. */
export function likeRun(run: Likeness): NewRun {
  return {
    projectId: run.project_id,
    event: run.event,
    ...(run.branch === null ? {} : { branch: run.branch }),
    ...(run.tag === null ? {} : { tag: run.tag }),
    ...(run.commit_id === null ? {} : { commit: run.commit_id }),
    message: run.message,
    ...(run.person === null ? {} : { person: run.person }),
    trusted: run.trusted,
    priority: run.priority,
    ...(run.source_key === null ? {} : { sourceKey: run.source_key }),
    ...(run.trigger_variables === null ? {} : { variables: run.trigger_variables }),
  };
}
