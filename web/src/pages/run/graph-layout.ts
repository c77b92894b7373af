// Where the jobs of a workflow stand: a column for each depth, a card for each name with a line for each of its combinations. Pure.

import type { Job } from "../../api/client.ts";

export interface Card {
  name: string;
  jobs: Job[];
  requires: string[];
  x: number;
  y: number;
  height: number;
}

export interface Edge {
  from: string;
  to: string;
  path: string;
}

export interface Layout {
  cards: Card[];
  edges: Edge[];
  width: number;
  height: number;
}

export const cardWidth = 236;
const gapX = 52;
const gapY = 16;
const headHeight = 30;
const lineHeight = 34;
export const margin = 8;

/** Of jobs in the order of the plan. What requires something that is not there stands in the first column. */
export function layOut(jobs: readonly Job[]): Layout {
  const byName = Map.groupBy(jobs, job => job.name);
  const depths = new Map<string, number>();
  const depthOf = (name: string, seen: ReadonlySet<string>): number => {
    const known = depths.get(name);
    if (known !== undefined) return known;
    // A circle cannot be planned; if one came all the same it must not hang the page.
    const next = new Set([...seen, name]);
    const above = requiresOf(byName.get(name)!).filter(each => byName.has(each) && !next.has(each));
    const depth = above.length === 0 ? 0 : 1 + Math.max(...above.map(each => depthOf(each, next)));
    depths.set(name, depth);
    return depth;
  };
  const columns: Card[][] = [];
  for (const [name, group] of byName) {
    const depth = depthOf(name, new Set());
    const height = heightOf(group.length);
    columns[depth] ??= [];
    const x = margin + depth * (cardWidth + gapX);
    columns[depth].push({ name, jobs: group, requires: requiresOf(group), x, y: 0, height });
  }
  place(columns);
  const cards = columns.flat();
  return {
    cards,
    edges: edgesOf(cards),
    width: margin * 2 + columns.length * cardWidth + Math.max(0, columns.length - 1) * gapX,
    height: margin * 2 + Math.max(0, ...cards.map(({ y, height }) => y - margin + height)),
  };
}

function requiresOf(group: readonly Job[]): string[] {
  return [...new Set(group.flatMap(job => job.requires))];
}

function heightOf(count: number): number {
  return count === 1 ? headHeight + lineHeight - 6 : headHeight + count * lineHeight - 2;
}

/** Cards of a column in the order of what they come from, so that lines cross little; columns in the middle. */
function place(columns: Card[][]): void {
  const middle = new Map<string, number>();
  const heights = columns.map(column => column.reduce((sum, card) => sum + card.height + gapY, -gapY));
  const tallest = Math.max(0, ...heights);
  columns.forEach((column, at) => {
    const from = (card: Card) => {
      const known = card.requires.map(name => middle.get(name)).filter(y => y !== undefined);
      return known.length === 0 ? 0 : known.reduce((sum, y) => sum + y, 0) / known.length;
    };
    if (at > 0) column.sort((one, other) => from(one) - from(other));
    let y = margin + (tallest - heights[at]!) / 2;
    for (const card of column) {
      card.y = y;
      middle.set(card.name, y + card.height / 2);
      y += card.height + gapY;
    }
  });
}

function edgesOf(cards: readonly Card[]): Edge[] {
  const byName = new Map(cards.map(card => [card.name, card]));
  return cards.flatMap(to =>
    to.requires.flatMap(name => {
      const from = byName.get(name);
      if (from === undefined) return [];
      const [x1, y1] = [from.x + cardWidth, from.y + from.height / 2];
      const [x2, y2] = [to.x, to.y + to.height / 2];
      const bend = Math.max(24, (x2 - x1) / 2);
      return [
        { from: name, to: to.name, path: `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}` },
      ];
    }),
  );
}

/**
 * Ids of the jobs that the run's length is due to: from the one that ended last (or still runs) back over what each waited for longest.
 * Empty for less than two jobs.
 */
export function criticalPath(jobs: readonly Job[], now: number): string[] {
  const ended = (job: Job) => (job.finishedAt === null ? now : Date.parse(job.finishedAt));
  const lastOf = (of: readonly Job[]) =>
    of.filter(job => job.startedAt !== null).toSorted((one, other) => ended(other) - ended(one))[0];
  const path: string[] = [];
  for (let job = lastOf(jobs); job !== undefined && !path.includes(job.id); ) {
    path.unshift(job.id);
    const { requires } = job;
    job = lastOf(jobs.filter(each => requires.includes(each.name)));
  }
  return path.length < 2 ? [] : path;
}
