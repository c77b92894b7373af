// Lists of a server, page after page, and how commands show them: a table for people, one object a line for programs.

import type { CommandContext, FlagValues } from "./context.ts";
import { tableLines } from "./print/table.ts";

export interface PageQuery {
  limit: number;
  after?: string;
}

interface Page<T> {
  items: T[];
  next?: string | undefined;
}

/** Nobody reads more in a table. */
const mostRows = 5000;

/** Every item of a list; the next page is asked for when it is needed. */
export async function* itemsOf<T>(page: (query: PageQuery) => Promise<Page<T>>): AsyncGenerator<T> {
  let after: string | undefined;
  do {
    const { items, next } = await page({ limit: 200, ...(after === undefined ? {} : { after }) });
    yield* items;
    after = next;
  } while (after !== undefined);
}

export interface Listed<T> {
  items: AsyncIterable<T>;
  head: readonly string[];
  row(item: T): string[];
  /** Said where there is nothing. */
  none: string;
}

/** With `--json` one object a line as they come; else a table. */
export async function showList<T>(
  context: CommandContext,
  values: FlagValues,
  { items, head, row, none }: Listed<T>,
): Promise<number> {
  const rows: string[][] = [];
  for await (const item of items) {
    if (context.out.gone) return 0;
    if (values.json === true) {
      await context.out.write(`${JSON.stringify(item)}\n`);
      continue;
    }
    if (rows.length === mostRows) {
      await context.err.write(`only the first ${mostRows} are shown; --json shows all\n`);
      break;
    }
    rows.push(row(item));
  }
  if (values.json === true) return 0;
  const lines = tableLines(head, rows);
  await context.out.write(lines.length === 0 ? `${none}\n` : `${lines.join("\n")}\n`);
  return 0;
}

/** With `--json` the object, else the text. */
export async function showOne(
  context: CommandContext,
  values: FlagValues,
  value: unknown,
  text: string,
): Promise<number> {
  await context.out.write(values.json === true ? `${JSON.stringify(value)}\n` : `${text}\n`);
  return 0;
}
