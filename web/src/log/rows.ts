// Rows of the view of a log: a head for each step, and its lines unless it is folded. Maps rows to lines and back, for millions of lines in
// no time. Pure.

export interface StepBegin {
  step: string;
  firstLine: number;
}

export interface Section {
  step: string;
  firstLine: number;
  /** The line after its last one. */
  endLine: number;
  folded: boolean;
  /** The row of its head. */
  row: number;
}

export type Row =
  | { kind: "head"; section: Section }
  | { kind: "line"; line: number; section: Section | undefined };

export interface Rows {
  count: number;
  sections: readonly Section[];
  at(row: number): Row | undefined;
  /** The row of a line; of one that is folded away, the head of its step. */
  rowOf(line: number): number;
}

/** `steps` in the order of the log. Lines before the first step stand before its head. */
export function createRows(
  steps: readonly StepBegin[],
  totalLines: number,
  folded: ReadonlySet<string>,
): Rows {
  const begins = steps.filter(({ firstLine }) => firstLine <= totalLines);
  const before = Math.min(begins[0]?.firstLine ?? totalLines, totalLines);
  const sections: Section[] = [];
  let row = before;
  for (const [index, { step, firstLine }] of begins.entries()) {
    const endLine = Math.min(begins[index + 1]?.firstLine ?? totalLines, totalLines);
    const isFolded = folded.has(step);
    sections.push({ step, firstLine, endLine, folded: isFolded, row });
    row += 1 + (isFolded ? 0 : endLine - firstLine);
  }
  return {
    count: row,
    sections,
    at(wanted) {
      if (wanted < 0 || wanted >= row) return undefined;
      if (wanted < before) return { kind: "line", line: wanted, section: undefined };
      const section = lastWith(sections, each => each.row <= wanted)!;
      if (section.row === wanted) return { kind: "head", section };
      return { kind: "line", line: section.firstLine + wanted - section.row - 1, section };
    },
    rowOf(line) {
      const section = lastWith(sections, each => each.firstLine <= line);
      if (section === undefined) return Math.min(line, before);
      if (section.folded) return section.row;
      return (
        section.row +
        1 +
        Math.min(line - section.firstLine, Math.max(0, section.endLine - section.firstLine - 1))
      );
    },
  };
}

/** The last section that fits, of a row of those that fit and then those that do not. */
function lastWith(sections: readonly Section[], fits: (section: Section) => boolean): Section | undefined {
  let low = 0;
  let high = sections.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (fits(sections[middle]!)) low = middle + 1;
    else high = middle;
  }
  return sections[low - 1];
}

export interface Range {
  from: number;
  to: number;
}

/** `#L12` or `#L3-L9`, counted from 1 as people do; lines of the api from 0. */
export function rangeOf(hash: string): Range | undefined {
  const match = /^#L([1-9]\d{0,11})(?:-L([1-9]\d{0,11}))?$/.exec(hash);
  if (match === null) return undefined;
  const [one, other] = [Number(match[1]) - 1, Number(match[2] ?? match[1]) - 1];
  return { from: Math.min(one, other), to: Math.max(one, other) };
}

export function hashOf({ from, to }: Range): string {
  return from === to ? `#L${from + 1}` : `#L${from + 1}-L${to + 1}`;
}
