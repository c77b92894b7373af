// The tables of the platform, in an order in which each may be filled, and their columns.

import type { Queryable } from "../store/database.ts";

export interface TableShape {
  name: string;
  columns: string[];
}

/** State of processes, not of the platform: it is made anew where the platform runs. */
const left = ["hearing", "left_behind", "schema_migrations"];

export async function tablesInOrder(db: Queryable): Promise<TableShape[]> {
  const tables = await db.query<TableShape & { needs: string[] }>(`
    select c.relname as name,
      (select array_agg(a.attname::text order by a.attnum) from pg_attribute a
       where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '') as columns,
      coalesce((select array_agg(distinct f.relname::text) from pg_constraint k join pg_class f on f.oid = k.confrelid
       where k.conrelid = c.oid and k.contype = 'f' and k.confrelid <> c.oid), '{}') as needs
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = current_schema() and c.relkind = 'r' order by c.relname`);
  const wanted = tables.filter(({ name }) => !left.includes(name));
  const ordered: TableShape[] = [];
  const done = new Set<string>(left);
  while (ordered.length < wanted.length) {
    const ready = wanted.filter(({ name, needs }) => !done.has(name) && needs.every(need => done.has(need)));
    // Tables that name each other in a circle could not be filled one after the other.
    if (ready.length === 0) throw new Error("the tables name each other in a circle");
    for (const { name, columns } of ready) {
      done.add(name);
      ordered.push({ name, columns });
    }
  }
  return ordered;
}

/** `"runs" ("id", "state")`, as COPY takes it. */
export function copyTarget({ name, columns }: TableShape): string {
  return `${quoted(name)} (${columns.map(quoted).join(", ")})`;
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
