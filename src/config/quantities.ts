// Times, sizes and shares of a processor as a pipeline file writes them. Pure text to number; limits are the caller's.

const durationForm = /^(?:(\d+(?:\.\d+)?)d)?(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s)?$/;
const plainNumber = /^\d+(?:\.\d+)?$/;
const minute = 60_000;

/** Milliseconds of `90s`, `5m`, `1h30m`, `2d` or of a bare number of minutes. Undefined where it is none of these. */
export function parseDuration(text: string): number | undefined {
  if (text.length > 32) return undefined;
  if (plainNumber.test(text)) return Math.round(Number(text) * minute);
  const match = durationForm.exec(text);
  if (match === null || text === "") return undefined;
  const [days = 0, hours = 0, minutes = 0, seconds = 0] = match.slice(1).map(part => Number(part ?? 0));
  return Math.round((((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000);
}

/** A duration for people: `1h30m`, `45s`. */
export function formatDuration(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  const parts = [
    [Math.floor(seconds / 3600), "h"],
    [Math.floor(seconds / 60) % 60, "m"],
    [seconds % 60, "s"],
  ] as const;
  return parts.map(([count, unit]) => (count === 0 ? "" : `${count}${unit}`)).join("") || "0s";
}

const sizeForm = /^(\d+(?:\.\d+)?) ?(Ki|Mi|Gi|Ti|k|K|M|G|T)?B?$/;
const sizeUnits: Record<string, number> = {
  k: 1e3,
  K: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

/** Bytes of `512Mi`, `1G` or a bare number of bytes. */
export function parseSize(text: string): number | undefined {
  const match = text.length > 32 ? null : sizeForm.exec(text);
  if (match === null) return undefined;
  return Math.round(Number(match[1]) * (sizeUnits[match[2] ?? ""] ?? 1));
}

/** Cores of `0.5`, `2` or `500m` (thousandths). */
export function parseCpu(text: string): number | undefined {
  if (text.length > 32) return undefined;
  if (plainNumber.test(text)) return Number(text);
  const match = /^(\d+)m$/.exec(text);
  return match === null ? undefined : Number(match[1]) / 1000;
}

/** Days of `14`, `14d` or `2w`. */
export function parseDays(text: string): number | undefined {
  const match = /^(\d{1,6})([dw]?)$/.exec(text);
  return match === null ? undefined : Number(match[1]) * (match[2] === "w" ? 7 : 1);
}
