// Finds the runs of a page, newest first, for any filters together. Whatever is asked for, the work is that of a page: the
// values that `facets` (outcome or state, event, workflow) takes in what the other filters leave are few, and the newest
// runs of each are read from an index in order and merged. The statements are constants, and written so that only one
// index gives their order: left to estimates, a filter that matches nothing recent is looked for through all of history.

import type { Queryable } from "./database.ts";

export interface RunFilters {
  projectId: number;
  branch?: string;
  /** `""`: runs of single pipelines. */
  workflow?: string;
  outcome?: string;
  state?: "planning" | "running" | "finished";
  person?: string;
  event?: string;
  /** First digits of the commit's id. */
  commit?: string;
}

export interface RunPage {
  /** Only runs older than this one. */
  after?: string;
  limit: number;
}

const outcomes = ["passed", "failed", "timed-out", "canceled", "skipped", "broken"];
const events = ["push", "pull-request", "schedule", "manual"];
const unfinished = ["planning", "running"];
/** Greater than every id, and than every commit that begins with what stands before it. */
const last = "g";

/** Columns that narrow a project's runs before `facets` do; each list has an index that goes on with facets and id. */
type Slice = "project" | "branch" | "person" | "both" | "commit";
const sliceColumns: Record<Slice, string[]> = {
  project: [],
  branch: ["branch"],
  person: ["person"],
  both: ["branch", "person"],
  commit: ["commit_id"],
};

interface SliceStatements {
  /** Of project, values of the slice, lowest and highest facets: the facets there are. */
  facets: string;
  /** Of project, values of the slice, facets, the id before, limit: ids. */
  page: string;
}

function statementsOf(columns: string[]): SliceStatements {
  const values = columns.map((_, index) => `$${index + 2}`);
  const next = values.length + 2;
  // The indexes hold no row without a value, and a comparison of rows does not tell the planner that it wants none.
  const given = columns.map(column => ` and ${column} is not null`).join("");
  const row = (names: string[]) => `(${names.join(", ")})`;
  const from = (facet: string, sign: string) =>
    `${row([...columns, "facets"])} ${sign} ${row([...values, facet])}`;
  const until = `${row([...columns, "facets"])} < ${row([...values, `$${next + 1}`])}`;
  const order = [...columns, "facets"].join(", ");
  const first = (facet: string, sign: string) => `select facets from runs
    where project_id = $1${given} and ${from(facet, sign)} and ${until} order by ${order} limit 1`;
  const backwards = [...columns, "facets", "id"].map(column => `${column} desc`).join(", ");
  return {
    facets: `
      with recursive seen as (
        (${first(`$${next}`, ">=")})
        union all
        select (${first("seen.facets", ">")}) from seen where seen.facets is not null
      )
      select facets from seen where facets is not null`,
    page: `
      select found.id from unnest($${next}::text[]) as wanted(facet) cross join lateral (
        select id from runs
        where project_id = $1${given} and ${row([...columns, "facets", "id"])} < ${row([...values, "wanted.facet", `$${next + 1}`])}
          and ${from("wanted.facet", ">=")}
        order by ${backwards} limit $${next + 2}
      ) found order by found.id desc limit $${next + 2}`,
  };
}

export const sliceStatements: Record<Slice, SliceStatements> = {
  project: statementsOf(sliceColumns.project),
  branch: statementsOf(sliceColumns.branch),
  person: statementsOf(sliceColumns.person),
  both: statementsOf(sliceColumns.both),
  commit: statementsOf(sliceColumns.commit),
};

export const allStatement = `
  select id from runs where (project_id, id) < ($1, $2) and project_id >= $1
  order by project_id desc, id desc limit $3`;

export const branchStatement = `
  select id from runs where project_id = $1 and branch is not null and (branch, id) < ($2, $3) and branch >= $2
  order by branch desc, id desc limit $4`;

/** Commits that begin so: their number is small, each is found by itself. */
export const commitsStatement = `
  with recursive seen as (
    (select commit_id from runs where project_id = $1 and commit_id >= $2 and commit_id < $3 order by commit_id limit 1)
    union all
    select (
      select commit_id from runs where project_id = $1 and commit_id > seen.commit_id and commit_id < $3
      order by commit_id limit 1
    ) from seen where seen.commit_id is not null
  )
  select commit_id from seen where commit_id is not null limit 100`;

/** As a page of the slice `commit`, with the filters that a commit leaves little of. */
export const commitPageStatement = `
  select found.id from unnest($3::text[]) as wanted(facet) cross join lateral (
    select id from runs
    where project_id = $1 and commit_id is not null and (commit_id, facets, id) < ($2, wanted.facet, $4)
      and (commit_id, facets) >= ($2, wanted.facet)
      and ($6::text is null or branch = $6) and ($7::text is null or person = $7)
    order by commit_id desc, facets desc, id desc limit $5
  ) found order by found.id desc limit $5`;

/** The ids of a page and, where there are more runs, of one run beyond it. */
export async function listRunIds(db: Queryable, filters: RunFilters, page: RunPage): Promise<string[]> {
  const { projectId, branch, person, commit } = filters;
  const after = page.after ?? last;
  const limit = page.limit + 1;
  const standing = standingsOf(filters);
  if (standing?.length === 0) return [];
  if (commit !== undefined) return byCommit(db, filters, commit, { standing, after, limit });
  const unfaceted = standing === undefined && filters.event === undefined && filters.workflow === undefined;
  if (unfaceted && person === undefined) {
    return idsOf(
      branch === undefined
        ? await db.query(allStatement, [projectId, after, limit])
        : await db.query(branchStatement, [projectId, branch, after, limit]),
    );
  }
  const values = [branch, person].filter(value => value !== undefined);
  const slice = branch === undefined ? (person === undefined ? "project" : "person") : undefined;
  const { facets, page: statement } = sliceStatements[slice ?? (person === undefined ? "branch" : "both")];
  const wanted = await facetsOf(db, facets, [projectId, ...values], filters, standing);
  if (wanted.length === 0) return [];
  return idsOf(await db.query(statement, [projectId, ...values, wanted, after, limit]));
}

async function byCommit(
  db: Queryable,
  filters: RunFilters,
  prefix: string,
  { standing, after, limit }: { standing: string[] | undefined; after: string; limit: number },
): Promise<string[]> {
  const { projectId, branch, person } = filters;
  const commits = await db.query<{ commit_id: string }>(commitsStatement, [
    projectId,
    prefix,
    `${prefix}${last}`,
  ]);
  const found: string[] = [];
  for (const { commit_id: commit } of commits) {
    const slice = [projectId, commit];
    const wanted = await facetsOf(db, sliceStatements.commit.facets, slice, filters, standing);
    const rows = await db.query(commitPageStatement, [
      ...slice,
      wanted,
      after,
      limit,
      branch ?? null,
      person ?? null,
    ]);
    found.push(...idsOf(rows));
  }
  return found.sort((a, b) => (a < b ? 1 : -1)).slice(0, limit);
}

function idsOf(rows: Record<string, unknown>[]): string[] {
  return rows.map(({ id }) => id as string);
}

/** What facets may begin with; undefined: anything. Empty where outcome and state exclude each other. */
function standingsOf({ outcome, state }: RunFilters): string[] | undefined {
  if (outcome !== undefined) return state === undefined || state === "finished" ? [outcome] : [];
  if (state === undefined) return undefined;
  return state === "finished" ? outcomes : [state];
}

/** The facets that match. With a workflow they can be counted up; otherwise those that there are are looked for. */
async function facetsOf(
  db: Queryable,
  statement: string,
  slice: unknown[],
  { event, workflow }: RunFilters,
  standing: string[] | undefined,
): Promise<string[]> {
  const standings = standing ?? [...unfinished, ...outcomes];
  if (workflow !== undefined) {
    const of = event === undefined ? events : [event];
    return standings.flatMap(each => of.map(one => `${each} ${one} ${workflow}`));
  }
  // `!` is the character behind the space.
  const only = standings.length === 1 ? `${standings[0]} ${event === undefined ? "" : `${event} `}` : "";
  const bounds = only === "" ? ["", "~"] : [only, `${only.slice(0, -1)}!`];
  const there = await db.query<{ facets: string }>(statement, [...slice, ...bounds]);
  return there
    .map(({ facets }) => facets)
    .filter(facets => {
      const [standsSo, startedBy] = facets.split(" ", 2);
      return standings.includes(standsSo!) && (event === undefined || event === startedBy);
    });
}
