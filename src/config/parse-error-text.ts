// A file that cannot be read, in the words of the program that such files were written for: scripts look for them.

import type { Problem } from "./pipeline-file.ts";

/**
 * `Error parsing your wercker.yml:` and, indented below it, the first error; of the YAML itself with the number of its
 * line. Undefined where there is no error.
 */
export function parseErrorText(problems: readonly Problem[]): string | undefined {
  const first = problems.find(problem => problem.severity === "error");
  if (first === undefined) return undefined;
  const plain = /^(?:Your |Step |A step )/.test(first.message);
  return `Error parsing your wercker.yml:\n  ${plain ? "" : `yaml: line ${first.line}: `}${first.message}`;
}
