// What is known of the heads of a repository: what the last look or webhook saw. Of another address than the project's
// present one it counts for nothing.

import type { Queryable } from "./database.ts";

/**
 * Notes where a ref stands, for a caller that holds the project's row. `known`: it stood there before. `first`: nothing at
 * all is known of this repository yet; then nothing is noted, for the first look is to see all of it.
 */
export async function noteHead(
  tx: Queryable,
  projectId: number,
  repository: string,
  ref: string,
  commit: string,
): Promise<"known" | "new" | "first"> {
  const [project] = await tx.query<{ begun: boolean }>(
    "select polled_repository is not distinct from $2 as begun from projects where id = $1",
    [projectId, repository],
  );
  if (project?.begun !== true) return "first";
  const [before] = await tx.query<{ commit_id: string }>(
    "select commit_id from repository_heads where project_id = $1 and ref = $2",
    [projectId, ref],
  );
  if (before?.commit_id === commit) return "known";
  await tx.query(
    `insert into repository_heads (project_id, ref, commit_id) values ($1, $2, $3)
     on conflict (project_id, ref) do update set commit_id = excluded.commit_id`,
    [projectId, ref, commit],
  );
  return "new";
}

/** All that a look has seen, in place of what was known. */
export async function replaceHeads(
  tx: Queryable,
  projectId: number,
  repository: string,
  heads: ReadonlyMap<string, string>,
): Promise<void> {
  await tx.query("delete from repository_heads where project_id = $1 and ref <> all($2)", [
    projectId,
    [...heads.keys()],
  ]);
  await tx.query(
    `insert into repository_heads (project_id, ref, commit_id)
     select $1, * from unnest($2::text[], $3::text[]) on conflict (project_id, ref) do update
       set commit_id = excluded.commit_id where repository_heads.commit_id <> excluded.commit_id`,
    [projectId, [...heads.keys()], [...heads.values()]],
  );
  await tx.query("update projects set polled_repository = $2 where id = $1", [projectId, repository]);
}

/** What is known; undefined where nothing is of this repository. */
export async function knownHeads(
  tx: Queryable,
  projectId: number,
  repository: string,
): Promise<Map<string, string> | undefined> {
  const [project] = await tx.query<{ begun: boolean }>(
    "select polled_repository is not distinct from $2 as begun from projects where id = $1",
    [projectId, repository],
  );
  if (project?.begun !== true) return undefined;
  const rows = await tx.query<{ ref: string; commit_id: string }>(
    "select ref, commit_id from repository_heads where project_id = $1",
    [projectId],
  );
  return new Map(rows.map(({ ref, commit_id }) => [ref, commit_id]));
}
