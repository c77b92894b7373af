// Details of a change, in words. Pure.

/** `cron: 0 4 * * *, enabled: true`; nothing where there is nothing. */
export function detailsOf(details: Record<string, unknown>): string {
  return Object.entries(details)
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => `${name}: ${typeof value === "object" ? JSON.stringify(value) : String(value)}`)
    .join(", ");
}
