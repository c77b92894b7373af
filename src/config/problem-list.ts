// Problems as they are handed out: in the order of the file, and no more than anyone reads.

import type { Problem } from "./pipeline-file.ts";

/** More than this many are told by their number. */
const most = 500;

/** The problems in the order of the file. Of very many, errors go before warnings, and the last one says how many are left. */
export function orderedProblems(problems: readonly Problem[]): Problem[] {
  const ordered = problems.toSorted(byPlace);
  if (ordered.length <= most) return ordered;
  const errors = ordered.filter(problem => problem.severity === "error");
  const warnings = ordered.filter(problem => problem.severity === "warning");
  const kept = [...errors, ...warnings].slice(0, most - 1).sort(byPlace);
  const last = ordered.at(-1)!;
  const message = `there are ${problems.length - kept.length} more problems`;
  return [
    ...kept,
    { ...last, severity: errors.length > 0 ? "error" : "warning", message, hint: "Solve the first ones" },
  ];
}

function byPlace(a: Problem, b: Problem): number {
  return a.line - b.line || a.column - b.column;
}
