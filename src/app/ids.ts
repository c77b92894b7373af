// Ids of runs and random text, from the system's source of chance.

import { randomBytes } from "node:crypto";

/** 24 hexadecimal digits, the first 8 of which grow with time, as ids of runs have always been. */
export function newRunId(now: number): string {
  const seconds = Math.floor(now / 1000)
    .toString(16)
    .padStart(8, "0")
    .slice(-8);
  return seconds + randomBytes(8).toString("hex");
}

/** 32 hexadecimal digits. */
export function randomText(): string {
  return randomBytes(16).toString("hex");
}
