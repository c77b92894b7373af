// What `slipway check` says about a file: everything that reading it says, and what would go wrong in a run.

import { parseImageReference } from "../core/image-reference.ts";
import type { BoxSpec, Dialect } from "../core/job.ts";
import { type CheckReport, checkReport } from "./check-report.ts";
import type { Pipeline, PipelineFile, Position, Problem } from "./pipeline-file.ts";
import { orderedProblems } from "./problem-list.ts";
import { type ReadFile, readFile } from "./read-file.ts";
import { shown } from "./reading.ts";
import { validateWorkflows } from "./validate-workflows.ts";

export type {
  CheckedBox,
  CheckedPipeline,
  CheckedStep,
  CheckedWorkflow,
  CheckReport,
} from "./check-report.ts";

export interface Checked {
  /** In the order of the file; the command exits 1 if one of them is an error. */
  problems: Problem[];
  /** The object that `--json` prints. */
  report: CheckReport;
  /** The file as text, for code frames; empty when the bytes are no text. */
  text: string;
}

/** Everything there is to say about a file. Pure: the same bytes give the same answer. */
export function checkFile(bytes: Uint8Array, options: { dialect: Dialect; name: string }): Checked {
  const read = readFile(bytes, options);
  const problems = orderedProblems(read.file === undefined ? read.problems : checkContent(read, read.file));
  return { problems, text: read.text, report: checkReport(read.file, problems, read.boxes) };
}

type Add = (severity: Problem["severity"], at: Position, message: string, hint: string) => void;

function checkContent(read: ReadFile, file: PipelineFile): Problem[] {
  const problems = withUsedAsErrors(read, file);
  const add: Add = (severity, { line, column }, message, hint) => {
    problems.push({ severity, line, column, message, hint });
  };
  for (const pipeline of file.pipelines.values()) {
    if (!read.templates.has(pipeline.name)) checkPipeline(file, pipeline, add);
  }
  checkBoxes(read, file, add);
  checkServiceNames(file, read, add);
  problems.push(...validateWorkflows(file));
  checkArtifactSources(file, add);
  return problems;
}

/**
 * A pipeline that cannot be used does no harm where nobody asks for it. It is an error where a workflow names it and, in
 * a file of our own dialect, where it is the one that runs by default or there is no other.
 */
function withUsedAsErrors(read: ReadFile, file: PipelineFile): Problem[] {
  const used = new Set(
    file.workflows.flatMap(workflow => workflow.pipelines.map(entry => entry.pipelineName)),
  );
  if (file.dialect === "slipway") {
    used.add("build");
    if (file.pipelines.size === 0) for (const name of file.malformed.keys()) used.add(name);
  }
  return read.problems.map(problem => {
    const owner = read.malformedBy.get(problem);
    return owner !== undefined && used.has(owner) ? { ...problem, severity: "error" } : problem;
  });
}

function checkPipeline(file: PipelineFile, pipeline: Pipeline, add: Add): void {
  if (pipeline.empty) {
    add("warning", pipeline.position, `Pipeline ${pipeline.name} is empty`, "Give it steps, or remove it");
    return;
  }
  if ((pipeline.box ?? file.box) === undefined) {
    const hint = "Write box: and the name of an image, at the top of the file or in the pipeline";
    add("error", pipeline.position, `No box definition found for pipeline ${pipeline.name}`, hint);
  }
  const lists = [pipeline.steps, pipeline.afterSteps, ...pipeline.targets.values()];
  if (lists.every(list => list.length === 0)) {
    add("warning", pipeline.position, `Pipeline ${pipeline.name} has no steps`, "List them under steps:");
  }
}

const portForm = /^(?:(?:(?:\[[0-9A-Fa-f:.]+\]|[0-9.]+):)?\d*:)?\d+(?:\/(?:tcp|udp))?$/i;

/** Each box and service once, with what is wrong in those that no pipeline uses as a warning. */
function checkBoxes(read: ReadFile, file: PipelineFile, add: Add): void {
  const used = new Set<BoxSpec>();
  for (const pipeline of file.pipelines.values()) {
    if (read.templates.has(pipeline.name)) continue;
    const box = pipeline.box ?? file.box;
    if (box !== undefined) used.add(box);
    for (const service of pipeline.services ?? file.services) used.add(service);
  }
  for (const [box, { at }] of read.boxes) {
    const severity = used.has(box) ? "error" : "warning";
    checkBox(box, (message, hint) => add("warning", at, message, hint));
    checkImage(box, (message, hint) => add(severity, at, message, hint));
  }
}

function checkBox(box: BoxSpec, warn: (message: string, hint: string) => void): void {
  for (const port of box.ports) {
    if (portForm.test(port.trim())) continue;
    warn(
      `${shown(port)} is not a port`,
      "Write [[host ip:]host port:]container port[/proto], such as 8080:80",
    );
  }
  for (const key of ["password", "aws-secret-key", "azure-client-secret"]) {
    const secret = box.auth[key];
    if (secret === undefined || secret.includes("$")) continue;
    warn(
      `"${key}" stands in the file, for all to read`,
      "Put it into a protected variable and write $NAME here",
    );
  }
}

function checkImage(box: BoxSpec, report: (message: string, hint: string) => void): void {
  // What holds a variable is known in a run only, and what is built from a project has no image yet.
  if (box.id === "" || box.id.includes("$") || box.url !== undefined) return;
  const image = parseImageReference(box.id);
  if (image.ok) return;
  const tag = /^([^@]+)@(?!sha\d+:)([^@:]+)$/.exec(box.id);
  if (tag === null) {
    report(image.refusal.message, image.refusal.hint ?? "");
  } else {
    const message = `Invalid box name, '@' is not allowed in docker repositories: ${shown(box.id)}`;
    report(message, `Write ${tag[1]}:${tag[2]} for a tag; only a digest (sha256:...) stands behind an @`);
  }
}

/** Two services of one name would answer for each other. */
function checkServiceNames(file: PipelineFile, read: ReadFile, add: Add): void {
  const lists = [file.services, ...[...file.pipelines.values()].map(pipeline => pipeline.services ?? [])];
  for (const services of lists) {
    const names = new Set<string>();
    for (const service of services) {
      const name = service.name ?? imageName(service.id);
      if (name === "" || name.includes("$")) continue;
      if (names.has(name)) {
        const at = read.boxes.get(service)?.at ?? { line: 1, column: 1 };
        add(
          "warning",
          at,
          `two services are called ${shown(name)}`,
          "Give one of them another name with the key name",
        );
      }
      names.add(name);
    }
  }
}

function imageName(id: string): string {
  const last = id.split("@")[0]!.split("/").at(-1)!;
  return last.split(":")[0]!;
}

function checkArtifactSources(file: PipelineFile, add: Add): void {
  for (const entry of file.workflows.flatMap(workflow => workflow.pipelines)) {
    if (entry.artifactPipeline === undefined || entry.requires.includes(entry.artifactPipeline)) continue;
    const message = `artifactPipeline ${shown(entry.artifactPipeline)} is not among what ${shown(entry.name)} requires`;
    add("warning", entry.position, message, "Add it to requires, or leave it out");
  }
}
