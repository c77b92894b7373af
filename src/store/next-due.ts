// When a schedule is due next.

import { Cron } from "croner";

/** The first time after `after`; undefined where never, or where cron or time zone cannot be used. */
export function nextDue(cron: string, timeZone: string, after: Date): Date | undefined {
  try {
    return new Cron(cron, { timezone: timeZone }).nextRun(after) ?? undefined;
  } catch {
    return undefined;
  }
}
