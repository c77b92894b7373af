// A pipeline file's text to data: the keys of the top level, and who is told what about them.

import type { BoxSpec, Dialect } from "../core/job.ts";
import { nearest } from "../lib/nearest.ts";
import { decodeText } from "./decode-text.ts";
import { knownKeys } from "./file-keys.ts";
import type { PipelineFile, Problem } from "./pipeline-file.ts";
import { orderedProblems } from "./problem-list.ts";
import { parseDuration } from "./quantities.ts";
import { readBox, readServices } from "./read-box.ts";
import { emptyPipeline, readPipeline } from "./read-pipeline.ts";
import { readWorkflows } from "./read-workflow.ts";
import {
  type BoxNotes,
  describeNode,
  isNull,
  type Reading,
  type Report,
  readText,
  shown,
} from "./reading.ts";
import { type MapEntry, type MapNode, parseTree, type TreeNode } from "./yaml-tree.ts";

/** A file as read, with what only `check` wants to know. */
export interface ReadFile {
  file?: PipelineFile;
  problems: Problem[];
  /** Empty where the bytes are no text. */
  text: string;
  boxes: Map<BoxSpec, BoxNotes>;
  /** Which pipeline a problem makes unusable. */
  malformedBy: Map<Problem, string>;
  /** Sections that exist for their anchors: nobody means to run them. */
  templates: Set<string>;
}

const mostMinutes = 60;

/** Reads a whole file. Never throws on what the bytes are. */
export function readFile(bytes: Uint8Array, options: { dialect: Dialect; name: string }): ReadFile {
  const name = options.dialect === "wercker" ? "wercker.yml" : options.name;
  const result: ReadFile = {
    problems: [],
    text: "",
    boxes: new Map(),
    malformedBy: new Map(),
    templates: new Set(),
  };
  const decoded = decodeText(bytes, name);
  if ("problem" in decoded) return { ...result, problems: [decoded.problem] };
  result.text = decoded.text;
  const { tree, problems } = parseTree(decoded.text);
  result.problems = problems;
  if (tree === undefined) return result;
  const reading = fileReading(options.dialect, result);
  if (isNull(tree)) {
    reading.fail({ line: 1, column: 1 }, `Your ${name} is empty.`, "Write a first file with `slipway init`");
    return result;
  }
  const file = readTop(reading, tree, result);
  result.problems = orderedProblems(result.problems);
  if (!result.problems.some(problem => problem.severity === "error")) result.file = file;
  return result;
}

function fileReading(dialect: Dialect, result: ReadFile): Reading {
  const report =
    (severity: Problem["severity"]): Report =>
    ({ line, column }, message, hint) => {
      result.problems.push({ severity, line, column, message, hint });
    };
  const [fail, warn] = [report("error"), report("warning")];
  const ignored: Report = (at, message, hint) => warn(at, `${message}: it is ignored`, hint);
  return {
    dialect,
    fail,
    warn,
    fault: dialect === "slipway" ? fail : ignored,
    boxes: result.boxes,
  };
}

function readTop(reading: Reading, tree: TreeNode, result: ReadFile): PipelineFile {
  const file: PipelineFile = {
    dialect: reading.dialect,
    services: [],
    pipelines: new Map(),
    malformed: new Map(),
    workflows: [],
  };
  if (tree.kind !== "map") {
    const message = `the file holds ${describeNode(tree)}, not a map: there is no pipeline in it`;
    reading.warn(tree.at, message, "Write the name of a pipeline and a colon, and steps: below it");
    return file;
  }
  for (const entry of tree.entries) {
    if (!readFileKey(reading, file, entry)) readSection(reading, file, entry, result);
  }
  if (file.pipelines.size === 0 && file.malformed.size === 0) {
    reading.warn(
      tree.at,
      "there is no pipeline in the file",
      "Write the name of a pipeline and a colon, and steps: below it",
    );
  }
  return file;
}

function readFileKey(reading: Reading, file: PipelineFile, { key, value }: MapEntry): boolean {
  if (key === "box") {
    const box = readBox(reading, value);
    if (box !== undefined) file.box = box;
  } else if (key === "services") {
    file.services = readServices(reading, value) ?? [];
  } else if (key === "command-timeout" || key === "no-response-timeout") {
    const limit = readMinutes(reading, value, `"${key}"`);
    if (limit !== undefined)
      file[key === "command-timeout" ? "commandTimeoutMs" : "noResponseTimeoutMs"] = limit;
  } else if (key === "source-dir" || key === "ignore-file") {
    const text = readText(reading, value, `"${key}"`);
    if (text) file[key === "source-dir" ? "sourceDir" : "ignoreFile"] = text;
  } else if (key === "workflows") {
    file.workflows = readWorkflows(reading, value);
  } else {
    return false;
  }
  return true;
}

/** Milliseconds of a limit in minutes; what is not above zero is as good as absent. */
function readMinutes(reading: Reading, node: TreeNode, what: string): number | undefined {
  if (isNull(node)) return undefined;
  let limit: number | undefined;
  if (node.kind === "text" && ["int", "float"].includes(node.resolved.type)) {
    const minutes = Number(node.resolved.type === "int" ? node.resolved.text : node.text.replaceAll("_", ""));
    limit = Math.trunc(minutes) * 60_000;
    if (limit !== minutes * 60_000) {
      reading.warn(
        node.at,
        `${what} takes whole minutes: ${node.text} becomes ${Math.trunc(minutes)}`,
        "Write a whole number",
      );
    }
  } else if (node.kind === "text" && reading.dialect === "slipway") {
    limit = parseDuration(node.text);
  }
  if (limit === undefined || Number.isNaN(limit)) {
    reading.fault(
      node.at,
      `${what} must be a number of minutes, not ${describeNode(node)}`,
      "Write a whole number without quotes",
    );
    return undefined;
  }
  if (limit <= 0) {
    reading.warn(node.at, `${what} must be above zero to have an effect`, "Leave it out, or give it a limit");
    return undefined;
  }
  if (limit > mostMinutes * 60_000) {
    reading.warn(
      node.at,
      `${what} cannot be above ${mostMinutes} minutes: that is what counts`,
      `Write ${mostMinutes}`,
    );
  }
  return Math.min(limit, mostMinutes * 60_000);
}

/** Whatever is no key of the file is a pipeline. */
function readSection(reading: Reading, file: PipelineFile, entry: MapEntry, result: ReadFile): void {
  const { key, keyAt, value } = entry;
  if (isTemplate(key, value)) result.templates.add(key);
  if (isNull(value)) {
    file.pipelines.set(key, emptyPipeline(key, keyAt));
    const meant = nearest(key, knownKeys("file", reading.dialect));
    if (meant !== undefined)
      reading.warn(keyAt, `${shown(key)} is taken for a pipeline`, `Did you mean "${meant}"?`);
  } else if (value.kind === "map") {
    readPipelineSection(reading, file, { name: key, at: keyAt, map: value }, result);
  } else {
    file.malformed.set(key, `${shown(key)} is ${describeNode(value)}, not a map`);
    if (!result.templates.has(key)) warnOfNoPipeline(reading, entry);
  }
}

interface Section {
  name: string;
  at: MapEntry["keyAt"];
  map: MapNode;
}

function readPipelineSection(reading: Reading, file: PipelineFile, section: Section, result: ReadFile): void {
  const { name, at, map } = section;
  const faults: string[] = [];
  const fault: Report = (place, message, hint) => {
    faults.push(`${message} (line ${place.line})`);
    if (result.templates.has(name)) return;
    const problem: Problem = {
      severity: "warning",
      line: place.line,
      column: place.column,
      message: `pipeline ${shown(name)} cannot be used: ${message}`,
      hint,
    };
    result.problems.push(problem);
    result.malformedBy.set(problem, name);
  };
  const pipeline = readPipeline({ ...reading, fault }, name, map, at);
  if (faults.length === 0) file.pipelines.set(name, pipeline);
  else file.malformed.set(name, faults.join("; "));
}

/** A section by the names that other tools use for such, or an anchor without any key of a pipeline. */
function isTemplate(name: string, node: TreeNode): boolean {
  if (/^(?:\.|x-)/.test(name)) return true;
  if (node.kind === "list") return node.anchored || node.items.some(item => item.anchored);
  if (node.kind === "text") return node.anchored;
  const keys = knownKeys("pipeline", "wercker");
  const anchored = node.anchored || node.entries.some(entry => entry.value.anchored);
  return anchored && !node.entries.some(entry => keys.includes(entry.key));
}

function warnOfNoPipeline(reading: Reading, { key, keyAt, value }: MapEntry): void {
  const message = `${shown(key)} is ${describeNode(value)}, so it is no pipeline and is ignored`;
  if (knownKeys("pipeline", reading.dialect).includes(key)) {
    reading.warn(keyAt, message, `"${key}" belongs into a pipeline: indent it below the pipeline's name`);
    return;
  }
  const meant = nearest(key, knownKeys("file", reading.dialect));
  if (meant !== undefined) {
    reading.warn(keyAt, message, `Did you mean "${meant}"?`);
  } else if (value.kind === "list") {
    reading.warn(keyAt, message, `If these are steps, put them under steps: below ${key}:`);
  } else if (reading.dialect === "slipway" || ["build", "deploy", "dev"].includes(key)) {
    reading.warn(
      keyAt,
      message,
      `A pipeline is a map with the key steps; keys of the file are ${knownKeys("file", reading.dialect).join(", ")}`,
    );
  }
}
