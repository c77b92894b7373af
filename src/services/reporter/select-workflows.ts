// What an event starts of a file. Pure.

import type { PipelineFile, Workflow } from "../../config/pipeline-file.ts";
import { accept, type Result, refuse } from "../../core/failure.ts";
import { nearestNames } from "../../lib/nearest.ts";
import { matchesPatterns } from "../../plan/name-patterns.ts";

export interface RunTrigger {
  event: string;
  branch?: string;
  tag?: string;
  /** Asked for by name; then no `on` is looked at. */
  workflow?: string;
  pipeline?: string;
  /** Files that the push changed; undefined where that is not known. */
  changedPaths?: readonly string[];
}

/**
 * The workflows to run. A pipeline that was asked for, and `build` of a file without workflows, come as a workflow of
 * their own that is not `named`. Empty where the event starts nothing.
 */
export function selectWorkflows(
  file: PipelineFile,
  trigger: RunTrigger,
): Result<{ workflow: Workflow; named: boolean }[]> {
  if (trigger.pipeline !== undefined) return accept([alone(trigger.pipeline)]);
  if (trigger.workflow !== undefined) {
    const workflow = file.workflows.find(each => each.name === trigger.workflow);
    if (workflow !== undefined) return accept([{ workflow, named: true }]);
    return noSuchWorkflow(file, trigger.workflow);
  }
  if (file.workflows.length === 0) return accept([alone("build")]);
  return accept(
    file.workflows.filter(workflow => starts(workflow, trigger)).map(workflow => ({ workflow, named: true })),
  );
}

function alone(pipeline: string): { workflow: Workflow; named: boolean } {
  const position = { line: 1, column: 1 };
  const entry = { name: pipeline, pipelineName: pipeline, requires: [], position };
  return { workflow: { name: pipeline, pipelines: [entry], position }, named: false };
}

function noSuchWorkflow(file: PipelineFile, name: string): Result<never> {
  const names = file.workflows.map(workflow => workflow.name);
  const near = nearestNames(name, names);
  const guess = near.length === 0 ? "" : `Did you mean ${near.join(" or ")}? `;
  const known = names.length === 0 ? "The file has no workflows." : `The file has: ${names.join(", ")}.`;
  return refuse("no-such-workflow", `No workflow named ${name}`, guess + known);
}

function starts(workflow: Workflow, trigger: RunTrigger): boolean {
  const { on } = workflow;
  const { event, branch, tag } = trigger;
  if (event === "manual") return on?.manual !== false;
  // Without `on` every push to a branch counts.
  if (on === undefined) return event === "push" && branch !== undefined && tag === undefined;
  if (event === "pull-request") {
    if (on.pullRequest === undefined) return false;
    return on.pullRequest.branches === undefined || matchesPatterns(on.pullRequest.branches, branch);
  }
  if (event !== "push" || on.push === undefined) return false;
  const { branches, tags, paths } = on.push;
  const named =
    tag === undefined
      ? branches === undefined
        ? tags === undefined
        : matchesPatterns(branches, branch)
      : tags !== undefined && matchesPatterns(tags, tag);
  const changed = trigger.changedPaths;
  if (!named || paths === undefined || changed === undefined) return named;
  return changed.some(path => matchesPatterns(paths, path));
}
