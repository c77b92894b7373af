// Ids of runs, jobs and attempts: their order is the order of their making.

import { randomBytes } from "node:crypto";

let last = 0;
let counter = 0;

/**
 * 24 hexadecimal digits that begin with the time (12 digits: milliseconds), then a counter within the millisecond, then
 * chance. What one process makes grows strictly; that of several does by the millisecond.
 */
export function newId(now: number): string {
  counter = now > last ? 0 : counter + 1;
  last = Math.max(now, last);
  // A full counter borrows from the time to come.
  if (counter > 0xfff) {
    last++;
    counter = 0;
  }
  const time = last.toString(16).padStart(12, "0").slice(-12);
  return time + counter.toString(16).padStart(3, "0") + randomBytes(5).toString("hex").slice(1);
}
