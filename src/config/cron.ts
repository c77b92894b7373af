// Checks the times of a schedule. It says whether they can be used, not when they are due.

const fields = [
  { name: "minute", least: 0, most: 59, words: [] as string[] },
  { name: "hour", least: 0, most: 23, words: [] },
  { name: "day of month", least: 1, most: 31, words: [] },
  { name: "month", least: 1, most: 12, words: "jan feb mar apr may jun jul aug sep oct nov dec".split(" ") },
  { name: "day of week", least: 0, most: 7, words: "sun mon tue wed thu fri sat".split(" ") },
];

type Field = (typeof fields)[number];

/** What is wrong with a cron expression of five fields, if anything. */
export function cronFault(text: string): string | undefined {
  const parts = text.trim().split(/\s+/);
  if (text.length > 200 || parts.length !== fields.length) return "it needs five fields";
  for (const [at, field] of fields.entries()) {
    const fault = fieldFault(field, parts[at]!);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function fieldFault(field: Field, text: string): string | undefined {
  for (const item of text.split(",")) {
    const match = /^(?:\*|(\w+)(?:-(\w+))?)(?:\/(\d{1,2}))?$/.exec(item);
    if (match === null) return `the ${field.name} cannot be "${item}"`;
    const [, first, last, step] = match;
    const from = fieldValue(field, first);
    const to = fieldValue(field, last);
    if (Number.isNaN(from) || Number.isNaN(to) || from > to) return `the ${field.name} cannot be "${item}"`;
    if (step !== undefined && Number(step) === 0) return `the ${field.name} cannot be "${item}"`;
  }
  return undefined;
}

/** NaN for what is out of range; infinite for a part that is not there, which cannot be wrong. */
function fieldValue(field: Field, text: string | undefined): number {
  if (text === undefined) return Number.POSITIVE_INFINITY;
  const word = field.words.indexOf(text.toLowerCase());
  const value =
    word >= 0 ? word + (field.name === "month" ? 1 : 0) : /^\d{1,2}$/.test(text) ? Number(text) : Number.NaN;
  return value >= field.least && value <= field.most ? value : Number.NaN;
}
