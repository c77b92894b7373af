// What Slipway adds to a step: limits, retries, conditions, variables. Only read in the slipway dialect.

import type { EnvEntry, When } from "../core/job.ts";
import type { StepDefinition } from "./pipeline-file.ts";
import { formatDuration, parseDuration } from "./quantities.ts";
import { wholeNumber } from "./read-box.ts";
import {
  describeNode,
  isNull,
  type Reading,
  readBool,
  readKeys,
  readMap,
  readQuantity,
  readText,
  readTexts,
  shown,
} from "./reading.ts";
import type { TreeNode } from "./yaml-tree.ts";

const day = 86_400_000;
const variableName = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** The form of a time that limits something. */
export const timeLimit = {
  parse: parseDuration,
  range: { least: 1000, most: day },
  example: "90s, 5m or 1h30m",
  show: formatDuration,
};

/** What may start a run; a `!` in front excludes. */
export const eventNames = ["push", "pull-request", "schedule", "manual"].flatMap(name => [name, `!${name}`]);
const resultNames = ["passed", "failed", "always"] as const;

/** Reads one of our keys into the step; false where the key is none of them. */
export function readStepSetting(
  reading: Reading,
  step: StepDefinition,
  key: string,
  node: TreeNode,
): boolean {
  const what = `"${key}"`;
  if (key === "timeout") {
    const timeout = readQuantity(reading, node, what, timeLimit);
    if (timeout !== undefined) step.timeoutMs = timeout;
  } else if (key === "retry") {
    readRetry(reading, step, node);
  } else if (key === "when") {
    readWhen(reading, step, node);
  } else if (key === "env") {
    const env = readVariables(reading, node, what);
    if (env !== undefined) step.env = env;
  } else if (key === "allow-failure") {
    const allowed = readBool(reading, node, what);
    if (allowed !== undefined) step.allowFailure = allowed;
  } else {
    return false;
  }
  return true;
}

function readRetry(reading: Reading, step: StepDefinition, node: TreeNode): void {
  const tries = { parse: wholeNumber, range: { least: 1, most: 10 }, example: "3 (tries in all)" };
  if (node.kind === "text") {
    const attempts = readQuantity(reading, node, '"retry"', tries);
    if (attempts !== undefined) step.retry = { attempts, delayMs: 0 };
    return;
  }
  const map = readMap(reading, node, '"retry"');
  if (map === undefined) return;
  const retry = { attempts: 2, delayMs: 0 };
  readKeys(reading, map, "retry", {
    attempts: (value, what) => {
      retry.attempts = readQuantity(reading, value, what, tries) ?? retry.attempts;
    },
    delay: (value, what) => {
      const form = { ...timeLimit, range: { least: 0, most: 3_600_000 }, example: "10s" };
      retry.delayMs = readQuantity(reading, value, what, form) ?? 0;
    },
  });
  step.retry = retry;
}

function readWhen(reading: Reading, step: StepDefinition, node: TreeNode): void {
  const when: When = {};
  if (node.kind === "text") {
    const result = readWords(reading, node, '"when"', resultNames);
    if (result !== undefined) step.when = { result };
    return;
  }
  const map = readMap(reading, node, '"when"');
  if (map === undefined) return;
  readKeys(reading, map, "when", {
    branch: (value, what) => {
      when.branch = readTexts(reading, value, what) ?? [];
    },
    tag: (value, what) => {
      when.tag = readTexts(reading, value, what) ?? [];
    },
    event: (value, what) => {
      when.event = readWords(reading, value, what, eventNames) ?? [];
    },
    result: (value, what) => {
      when.result = readWords(reading, value, what, resultNames) ?? [];
    },
  });
  step.when = when;
}

/** One or several of a few known words. */
function readWords<T extends string>(
  reading: Reading,
  node: TreeNode,
  what: string,
  known: readonly T[],
): T[] | undefined {
  const texts = readTexts(reading, node, what);
  if (texts === undefined) return undefined;
  const items = node.kind === "list" ? node.items : [node];
  const words: T[] = [];
  texts.forEach((text, at) => {
    const word = known.find(it => it === text);
    if (word !== undefined) words.push(word);
    else
      reading.fault(
        (items[at] ?? node).at,
        `${what} cannot be ${shown(text)}`,
        `It is one of ${known.filter(it => !it.startsWith("!")).join(", ")}`,
      );
  });
  return words;
}

/** A map of variables, names as a shell takes them, values as they are written. */
function readVariables(reading: Reading, node: TreeNode, what: string): EnvEntry[] | undefined {
  if (isNull(node)) return [];
  if (node.kind !== "map") {
    const hint = "Write NAME: value, one a line; an option of the step that is called so belongs under with:";
    reading.fault(node.at, `${what} must be a map of variables, not ${describeNode(node)}`, hint);
    return undefined;
  }
  const variables: EnvEntry[] = [];
  for (const { key, keyAt, value } of node.entries) {
    if (!variableName.test(key)) {
      reading.fault(
        keyAt,
        `${shown(key)} is not the name of a variable`,
        "Use letters, digits and _, no digit first",
      );
    }
    const text = readText(reading, value, `the variable "${key}"`);
    if (text !== undefined) variables.push({ name: key, value: text });
  }
  return variables;
}
