// Where an axis of time has its marks: at lengths that people think in, and at most six of them.

const minute = 60;
const hour = 3600;
const day = 86_400;
const lengths = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30]
  .concat([1, 2, 5, 10, 15, 30].map(each => each * minute))
  .concat([1, 2, 4, 6, 12].map(each => each * hour))
  .concat([1, 2, 5, 10, 20, 50].map(each => each * day));
const mostMarks = 5;

/** Seconds, from 0 up to `most` seconds. */
export function timeTicks(most: number): number[] {
  const length = lengths.find(each => most / each <= mostMarks) ?? Math.ceil(most / mostMarks / day) * day;
  const count = Math.floor(most / length + 1e-9);
  return Array.from({ length: count + 1 }, (_, at) => at * length);
}

/** `0`, `200 ms`, `15 s`, `1 min 30 s`, `2 h`: parts that are nothing are left out. */
export function tickText(seconds: number): string {
  if (seconds === 0) return "0";
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  const parts: [number, string][] = [
    [Math.floor(seconds / day), "d"],
    [Math.floor((seconds % day) / hour), "h"],
    [Math.floor((seconds % hour) / minute), "min"],
    [Math.round(seconds % minute), "s"],
  ];
  const there = parts.filter(([count]) => count > 0);
  return there.map(([count, unit]) => `${count} ${unit}`).join(" ");
}
