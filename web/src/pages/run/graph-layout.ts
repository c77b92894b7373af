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

/** A card, or a lane of a line that passes a column. */
interface Place extends Card {
  key: string;
  /** Keys of what its lines come from in the column before. */
  after: string[];
}

export const cardWidth = 236;
const gapX = 52;
const gapY = 16;
const headHeight = 30;
const lineHeight = 34;
export const margin = 8;
/** Of the lane that a line runs through in a column that it only passes. */
const laneHeight = 14;

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
  const columns: Place[][] = [];
  const put = (depth: number, place: Omit<Place, "x" | "y">) => {
    columns[depth] ??= [];
    columns[depth].push({ ...place, x: margin + depth * (cardWidth + gapX), y: 0 });
  };
  for (const [name, group] of byName) {
    const requires = requiresOf(group);
    const depth = depthOf(name, new Set());
    put(depth, { key: name, name, jobs: group, requires, after: requires, height: heightOf(group.length) });
  }
  for (const card of columns.flat()) {
    for (const from of card.requires) {
      // A line never crosses a card that has nothing to do with it: it gets a lane in each column between.
      const steps = lanesOf(from, card.name, depths);
      steps.forEach(({ depth, key, after }) => {
        put(depth, { key, name: "", jobs: [], requires: [], after: [after], height: laneHeight });
      });
      if (steps.length > 0) card.after = card.after.map(each => (each === from ? steps.at(-1)!.key : each));
    }
  }
  place(columns);
  const places = columns.flat();
  const cards = places.filter(({ jobs }) => jobs.length > 0);
  return {
    cards,
    edges: edgesOf(cards, new Map(places.map(each => [each.key, each])), depths),
    width: margin * 2 + columns.length * cardWidth + Math.max(0, columns.length - 1) * gapX,
    height: margin * 2 + Math.max(0, ...places.map(({ y, height }) => y - margin + height)),
  };
}

function requiresOf(group: readonly Job[]): string[] {
  return [...new Set(group.flatMap(job => job.requires))];
}

function heightOf(count: number): number {
  return count === 1 ? headHeight + lineHeight - 6 : headHeight + count * lineHeight - 2;
}

/** One for each column between two cards. */
function lanesOf(from: string, to: string, depths: ReadonlyMap<string, number>) {
  const first = depths.get(from) ?? Number.POSITIVE_INFINITY;
  const last = depths.get(to)!;
  const lanes: { depth: number; key: string; after: string }[] = [];
  for (let depth = first + 1; depth < last; depth++) {
    lanes.push({ depth, key: laneKey(from, to, depth), after: lanes.at(-1)?.key ?? from });
  }
  return lanes;
}

function laneKey(from: string, to: string, depth: number): string {
  return JSON.stringify([from, to, depth]);
}

/** Places of a column in the order of what they come from, so that lines cross little; columns in the middle. */
function place(columns: Place[][]): void {
  const middle = new Map<string, number>();
  const heights = columns.map(column => column.reduce((sum, each) => sum + each.height + gapY, -gapY));
  const tallest = Math.max(0, ...heights);
  columns.forEach((column, at) => {
    const from = ({ after }: Place) => {
      const known = after.map(key => middle.get(key)).filter(y => y !== undefined);
      return known.length === 0 ? 0 : known.reduce((sum, y) => sum + y, 0) / known.length;
    };
    if (at > 0) column.sort((one, other) => from(one) - from(other));
    let y = margin + (tallest - heights[at]!) / 2;
    for (const each of column) {
      each.y = y;
      middle.set(each.key, y + each.height / 2);
      y += each.height + gapY;
    }
  });
}

function edgesOf(
  cards: readonly Place[],
  places: ReadonlyMap<string, Place>,
  depths: ReadonlyMap<string, number>,
): Edge[] {
  const byName = new Map(cards.map(card => [card.name, card]));
  return cards.flatMap(to =>
    to.requires.flatMap(name => {
      const from = byName.get(name);
      if (from === undefined) return [];
      const lanes = lanesOf(name, to.name, depths).map(({ key }) => places.get(key)!);
      let [x, y] = [from.x + cardWidth, from.y + from.height / 2];
      let path = `M${x} ${y}`;
      for (const next of [...lanes, to]) {
        const middle = next.y + next.height / 2;
        const bend = Math.max(24, (next.x - x) / 2);
        path += `C${x + bend} ${y} ${next.x - bend} ${middle} ${next.x} ${middle}`;
        [x, y] = [next.x, middle];
        if (next === to) break;
        x += cardWidth;
        path += `H${x}`;
      }
      return [{ from: name, to: to.name, path }];
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
