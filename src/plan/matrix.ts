// A pipeline's matrix as jobs to run: every combination of its axes, in order.

import { accept, type Result, refuse } from "../core/failure.ts";
import type { EnvEntry } from "../core/job.ts";
import { isShellName } from "./shell-export.ts";

export interface Combination {
  /** For people and for directories: the values with `-` between them, unique in the matrix. */
  name: string;
  /** Axis to value. */
  values: Record<string, string>;
}

/** Most combinations that one matrix may have. */
export const maxCombinations = 256;

/** `MATRIX_NODE` for the axis `node`. */
function matrixVariable(axis: string): string {
  return `MATRIX_${axis.replaceAll("-", "_").toUpperCase()}`;
}

/** The variables of one combination. They may be used in images too: `box: node:$MATRIX_NODE`. */
export function matrixVariables(values: Readonly<Record<string, string>>): EnvEntry[] {
  return Object.entries(values).map(([axis, value]) => ({ name: matrixVariable(axis), value }));
}

/**
 * All combinations; the last axis changes fastest. Refuses a matrix without any combination (nothing would run, and
 * nothing is not green), one of more than 256, and axes that make no variable of their own.
 */
export function matrixCombinations(
  matrix: Readonly<Record<string, readonly string[]>>,
): Result<Combination[]> {
  const axes = Object.entries(matrix);
  const fault = axesFault(axes);
  if (fault !== undefined) return fault;
  let rows: Record<string, string>[] = [{}];
  for (const [axis, values] of axes) {
    rows = rows.flatMap(row => [...new Set(values)].map(value => ({ ...row, [axis]: value })));
  }
  const taken = new Set<string>();
  return accept(rows.map(values => ({ name: uniqueName(values, taken), values })));
}

function axesFault(axes: [string, readonly string[]][]): Result<Combination[]> | undefined {
  const variables = new Set<string>();
  let count = 1;
  for (const [axis, values] of axes) {
    const variable = matrixVariable(axis);
    if (!isShellName(variable) || variables.has(variable)) {
      const why = variables.has(variable)
        ? "another axis has the same variable"
        : "no variable can be called that";
      return bad(`The axis ${axis} would be the variable ${variable}, and ${why}.`, "Rename the axis.");
    }
    variables.add(variable);
    if (values.length === 0)
      return bad(`The axis ${axis} has no values.`, "Give it at least one, or remove it.");
    count *= new Set(values).size;
    if (count > maxCombinations) {
      return bad(`The matrix has more than ${maxCombinations} combinations.`, "Take axes or values out.");
    }
  }
  return axes.length === 0
    ? bad("The matrix has no axes.", "Give it at least one, or remove it.")
    : undefined;
}

function bad(message: string, hint: string): Result<Combination[]> {
  return refuse("bad-matrix", message, hint);
}

function uniqueName(values: Record<string, string>, taken: Set<string>): string {
  const plain = Object.values(values)
    .map(value => value.replace(/[^A-Za-z0-9._]+/g, "-").replace(/^-+|-+$/g, "") || "empty")
    .join("-")
    .slice(0, 100)
    .replace(/^\.+$/, "dots");
  let name = plain;
  for (let number = 2; taken.has(name); number++) name = `${plain}-${number}`;
  taken.add(name);
  return name;
}
