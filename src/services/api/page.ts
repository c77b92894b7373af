// Pages of lists: where the next one begins. What a caller hands back is checked like any other input.

import { invalid } from "../../http/problem.ts";

/** The items of a page of rows of which one more than `limit` was asked for. */
export function pageFrom<Row, Item>(
  rows: readonly Row[],
  limit: number,
  itemOf: (row: Row) => Item,
  keyOf: (row: Row) => string,
): { items: Item[]; next?: string } {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const items = shown.map(itemOf);
  return rows.length > limit && last !== undefined ? { items, next: keyOf(last) } : { items };
}

/** `after` as an id. Throws 422. */
export function afterId(after: string | undefined): string | undefined {
  if (after === undefined || /^[0-9a-f]{24}$/.test(after)) return after;
  throw badPage(after);
}

/** `after` as a number; 0 where there is none. Throws 422. */
export function afterNumber(after: string | undefined): number {
  if (after === undefined) return 0;
  if (/^\d{1,15}$/.test(after)) return Number(after);
  throw badPage(after);
}

/** Several texts as one. */
export function packedKey(parts: readonly string[]): string {
  return Buffer.from(JSON.stringify(parts)).toString("base64url");
}

/** The texts of `packedKey`; undefined where there is no `after`. Throws 422 for anything else. */
export function afterParts(after: string | undefined, count: number): string[] | undefined {
  if (after === undefined) return undefined;
  try {
    const parts: unknown = JSON.parse(Buffer.from(after, "base64url").toString("utf8"));
    const texts = Array.isArray(parts) && parts.length === count && parts.every(isText);
    if (texts) return parts as string[];
  } catch {
    // Told below.
  }
  throw badPage(after);
}

function isText(value: unknown): boolean {
  return typeof value === "string" && !value.includes("\0") && value.isWellFormed();
}

function badPage(after: string) {
  return invalid(
    "bad-page",
    `${JSON.stringify(after.slice(0, 80))} is no page of this list`,
    "hand back `next` of the page before, as it is",
  );
}
