// A measured figure and how it is told. Goals are ratios or differences within one run, so that they hold on any
// machine.

export interface Figure {
  bench: string;
  metric: string;
  value: number;
  unit: string;
  /** As `<= 5` or `>= 0.5`; empty where a figure is only there to be read beside another. */
  goal: string;
}

/** Whether the value meets the goal; a figure without a goal always does. */
export function isMet({ value, goal }: Figure): boolean {
  if (goal === "") return true;
  const [, sign, limit] = /^(<=|>=) ([\d.]+)$/.exec(goal) ?? [];
  if (sign === undefined) throw new Error(`cannot read the goal "${goal}"`);
  // A value that is no number (nothing was measured) meets nothing.
  return sign === "<=" ? value <= Number(limit) : value >= Number(limit);
}

/** One line of JSON. */
export function figureAsJson(figure: Figure): string {
  const { bench, metric, value, unit, goal } = figure;
  return JSON.stringify({ bench, metric, value: rounded(value), unit, goal, met: isMet(figure) });
}

/** One line for people. */
export function figureAsText(figure: Figure): string {
  const verdict =
    figure.goal === "" ? "" : isMet(figure) ? `  met (${figure.goal})` : `  NOT MET (${figure.goal})`;
  return `${figure.bench.padEnd(14)} ${figure.metric.padEnd(44)} ${rounded(figure.value)} ${figure.unit}${verdict}`;
}

export function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  if (sorted.length === 0) return Number.NaN;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

function rounded(value: number): number {
  return Number(value.toPrecision(4));
}
