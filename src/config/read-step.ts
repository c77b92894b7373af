// Steps in their three shapes: a text; a map of one key, whose value holds the options; and the flat form, in which the
// first key names the step and the others are its options.

import type { EnvEntry } from "../core/job.ts";
import { nearest } from "../lib/nearest.ts";
import { knownKeys } from "./file-keys.ts";
import type { StepDefinition } from "./pipeline-file.ts";
import { readStepSetting } from "./read-step-settings.ts";
import { describeNode, isNull, type Reading, shown } from "./reading.ts";
import { keepsNameOption, stepIdFault } from "./step-name.ts";
import type { MapEntry, MapNode, TextNode, TreeNode } from "./yaml-tree.ts";

/** A list of steps. Null is an empty one; anything else is reported and gives undefined. */
export function readSteps(reading: Reading, node: TreeNode, what: string): StepDefinition[] | undefined {
  if (isNull(node)) return [];
  if (node.kind !== "list") {
    const hint = "Write one step a line, each behind a dash: - script:";
    reading.fault(node.at, `${what} must be a list of steps, not ${describeNode(node)}`, hint);
    return undefined;
  }
  const steps: StepDefinition[] = [];
  for (const item of node.items) {
    const step = readStep(reading, item);
    if (step !== undefined) steps.push(step);
  }
  return steps;
}

function readStep(reading: Reading, node: TreeNode): StepDefinition | undefined {
  if (node.kind === "list") {
    reading.fault(node.at, "a step must be a name or a map, not a list", "Take one of the two dashes away");
    return undefined;
  }
  if (node.kind === "text") return readNamedStep(reading, node);
  const first = node.entries[0];
  if (first === undefined) {
    reading.fail(node.at, "A step is empty: {}", "Name the step, or remove the braces");
    return undefined;
  }
  if (node.entries.length === 1) return readNestedStep(reading, node, first);
  return readFlatStep(reading, node, first);
}

function readNamedStep(reading: Reading, node: TextNode): StepDefinition | undefined {
  const ref = isNull(node) ? "" : node.text;
  if (ref.trim() === "") {
    reading.fail(node.at, "A step is empty", "Name the step, or remove the dash");
    return undefined;
  }
  const step: StepDefinition = { ref, options: [], position: node.at };
  checkStepId(reading, step);
  checkCode(reading, step, node);
  return step;
}

function readNestedStep(reading: Reading, node: MapNode, only: MapEntry): StepDefinition | undefined {
  if (only.value.kind !== "map") {
    reading.fail(only.keyAt, `Step ${only.key} is empty`, emptyStepHint(only));
    return undefined;
  }
  const step: StepDefinition = { ref: only.key, options: [], position: only.keyAt };
  readOptions(reading, step, only.value.entries);
  checkStepId(reading, step);
  checkCode(reading, step, node);
  return step;
}

function emptyStepHint({ key, value }: MapEntry): string {
  if (key === "run")
    return "Commands belong to a step script, under code: (- script: and, indented below it, code:)";
  if (isNull(value)) return `Write options below ${key}:, or the step without its colon`;
  if (key === "script")
    return "Put the commands under code: on a line of its own, indented further than script";
  return "Put the step's options below it as a map";
}

function readFlatStep(reading: Reading, node: MapNode, first: MapEntry): StepDefinition {
  const step: StepDefinition = { ref: first.key, options: [], position: first.keyAt };
  const twoShapes = !isNull(first.value);
  if (twoShapes) {
    const second = node.entries[1]!;
    const message = `what stands below ${shown(first.key)} is not used, for ${shown(second.key)} stands beside it`;
    const hint = `Give ${shown(second.key)} the same indent as the other options of ${first.key}`;
    // Without its code a script does nothing and passes. Older files must run as they always have.
    if (reading.dialect === "slipway") reading.fault(second.keyAt, message, hint);
    else reading.warn(second.keyAt, message, hint);
  }
  readOptions(reading, step, node.entries.slice(1));
  checkStepId(reading, step);
  if (!twoShapes) checkCode(reading, step, node);
  return step;
}

function readOptions(reading: Reading, step: StepDefinition, entries: MapEntry[]): void {
  const options = new Map<string, EnvEntry>();
  for (const { key, keyAt, value } of entries) {
    if (key === "name" || key === "cwd" || key === "checkpoint") {
      const text = optionText(reading, key, value);
      if (text !== "") step[key === "name" ? "displayName" : key] = text;
      if (key === "name" && keepsNameOption(step.ref)) options.set(key, { name: key, value: text });
    } else if (reading.dialect === "slipway" && key === "with") {
      readWith(reading, options, value);
    } else if (reading.dialect !== "slipway" || !readStepSetting(reading, step, key, value)) {
      warnOfSlip(reading, key, keyAt);
      options.set(key, { name: key, value: optionText(reading, key, value) });
    }
  }
  step.options = [...options.values()];
}

function readWith(reading: Reading, options: Map<string, EnvEntry>, node: TreeNode): void {
  if (isNull(node)) return;
  if (node.kind !== "map") {
    reading.fault(
      node.at,
      `"with" must be a map of options, not ${describeNode(node)}`,
      "Write option: value, one a line",
    );
    return;
  }
  for (const { key, keyAt, value } of node.entries) {
    if (options.has(key))
      reading.warn(keyAt, `option ${shown(key)} is given twice: the one under with counts`, "Remove one");
    options.set(key, { name: key, value: optionText(reading, key, value) });
  }
}

/** Of our own keys only the long ones: short ones are too near to options that steps really have. */
function warnOfSlip(reading: Reading, key: string, at: MapEntry["keyAt"]): void {
  if (reading.dialect !== "slipway" || key.length < 5) return;
  const meant = nearest(
    key,
    knownKeys("step", "slipway").filter(known => known.length > 4),
  );
  if (meant === undefined) return;
  reading.warn(
    at,
    `${shown(key)} is taken for an option of the step`,
    `Did you mean "${meant}"? Else put it under with:`,
  );
}

/** The text that a step gets for an option. Warns where that is not what stands in the file. */
function optionText(reading: Reading, key: string, node: TreeNode): string {
  const option = `option ${shown(key)}`;
  if (node.kind !== "text") {
    const hint = "Steps know texts only: write it as one text, in quotes or behind a |";
    reading.warn(node.at, `${option} is ${describeNode(node)}, of which the step gets an empty text`, hint);
    return "";
  }
  const { type, text } = node.resolved;
  if (type === "string" || !node.plain) return text;
  if (type === "null") {
    reading.warn(node.at, `${option} has no value: the step gets an empty text`, 'Write "" if that is meant');
  } else if (type === "unsigned") {
    const message = `${option} is too large a number: the step gets an empty text`;
    reading.warn(node.at, message, `Put it in quotes: "${node.text}"`);
  } else if (type === "float") {
    warnOfFloat(reading, option, node);
  } else if (text !== node.text && text !== node.text.toLowerCase()) {
    reading.warn(
      node.at,
      `YAML makes ${shown(text)} of ${node.text}, so that is what ${option} is`,
      `Put it in quotes: "${node.text}"`,
    );
  }
  return text;
}

/** The text is kept here, but not by every reader of such files. */
function warnOfFloat(reading: Reading, option: string, node: TextNode): void {
  const round = String(Number(node.text));
  if (reading.dialect === "slipway" && round === node.text) return;
  const message = `${option} is a number to YAML: its text ${node.text} is kept here, but not by other readers of the file`;
  reading.warn(node.at, message, `Put it in quotes: "${node.text}"`);
}

function checkStepId(reading: Reading, step: StepDefinition): void {
  const fault = stepIdFault(step.ref);
  if (fault === undefined) return;
  const hint = /\s/.test(step.ref.trim())
    ? "Commands belong to a step script, under code:; a step's id is owner/name@version"
    : "Write owner/name@version";
  reading.warn(step.position, `${shown(step.ref)} is not the id of a step: ${fault}`, hint);
}

function checkCode(reading: Reading, step: StepDefinition, node: TextNode | MapNode): void {
  if (step.ref !== "script" || step.options.some(option => option.name === "code")) return;
  const other = step.options.find(option =>
    ["run", "cmd", "command", "commands", "script"].includes(option.name),
  );
  const hint =
    other === undefined ? "Put the commands under code:" : `Write code: in place of ${other.name}:`;
  reading.warn(node.at, "this script has no code: it does nothing and passes", hint);
}
