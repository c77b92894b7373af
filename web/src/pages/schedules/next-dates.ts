// When a schedule would be due, by the same reading of cron as the server's. Pure.

import { Cron } from "croner";
import { cronFault } from "../../../../src/config/cron.ts";

/** The next times after `after`, the soonest first; or what is wrong. */
export function nextDates(cron: string, timeZone: string, count: number, after: Date): Date[] | string {
  const fault = cronFault(cron);
  if (fault !== undefined) return fault;
  try {
    const dates = new Cron(cron, { timezone: timeZone }).nextRuns(count, after);
    return dates.length === 0 ? "it is never due" : dates;
  } catch (error) {
    return (error as Error).message;
  }
}
