// Checks the workflows of a file against its pipelines: every name is known and the order has one beginning and no
// circle. What is found is told in the order in which the checks are listed in the documentation.

import { nearest } from "../lib/nearest.ts";
import type { PipelineFile, Position, Problem, Workflow, WorkflowEntry } from "./pipeline-file.ts";

/** Errors of all workflows, `invalid workflow NAME: ...`; those of one workflow in the order of the checks. */
export function validateWorkflows(file: PipelineFile): Problem[] {
  return file.workflows.flatMap(workflow => validateWorkflow(file, workflow));
}

function validateWorkflow(file: PipelineFile, workflow: Workflow): Problem[] {
  const problems: Problem[] = [];
  const add = ({ line, column }: Position, message: string, hint: string) => {
    const text = `invalid workflow ${workflow.name}: ${message}`;
    problems.push({ severity: "error", line, column, message: text, hint });
  };
  const entries = new Map<string, WorkflowEntry>();
  for (const entry of workflow.pipelines) {
    if (entries.has(entry.name)) {
      add(
        entry.position,
        `duplicate pipeline ${entry.name}`,
        "Give each entry a name of its own; pipelineName may be the same",
      );
    } else {
      entries.set(entry.name, entry);
    }
  }
  for (const entry of workflow.pipelines) {
    if (file.pipelines.has(entry.pipelineName)) continue;
    add(
      entry.position,
      `pipeline ${entry.pipelineName} is not defined`,
      undefinedHint(file, entry.pipelineName),
    );
  }
  let connected = problems.every(problem => !problem.message.includes(": duplicate pipeline "));
  for (const entry of workflow.pipelines) {
    for (const name of entry.requires.filter(name => !entries.has(name))) {
      const meant = nearest(name, entries.keys());
      const hint =
        meant === undefined ? "Add it to the workflow, or require another" : `Did you mean "${meant}"?`;
      add(entry.position, `no pipeline ${name} required by ${entry.name}`, hint);
      connected = false;
    }
  }
  // The shape says nothing new where names are wrong.
  if (connected) validateShape(workflow, entries, add);
  return problems;
}

function undefinedHint(file: PipelineFile, name: string): string {
  const reason = file.malformed.get(name);
  if (reason !== undefined) return `It is in the file, but cannot be used: ${reason}`;
  const meant = nearest(name, file.pipelines.keys());
  return meant === undefined ? "Name a pipeline of this file with pipelineName" : `Did you mean "${meant}"?`;
}

type Add = (at: Position, message: string, hint: string) => void;

function validateShape(workflow: Workflow, entries: Map<string, WorkflowEntry>, add: Add): void {
  const roots = workflow.pipelines.filter(entry => entry.requires.length === 0);
  if (roots.length === 0) {
    add(workflow.position, "no root pipeline", "One entry must require no other: it runs first");
    return;
  }
  if (roots.length > 1) {
    const names = roots.map(entry => entry.name).join(", ");
    const hint = "Only one entry may do without requires: it runs first";
    add(roots[1]!.position, `multiple root pipelines: ${names}`, hint);
    return;
  }
  const cycle = findCycle(workflow.pipelines, roots[0]!);
  if (cycle === undefined) return;
  const at = entries.get(cycle[0]!)!.position;
  add(at, `contains cycle ${cycle.join(" -> ")}`, "Take one of these out of the requires of the next");
}

/** Walks from the root to what requires it; then from all that the root does not reach. */
function findCycle(entries: WorkflowEntry[], root: WorkflowEntry): string[] | undefined {
  const followers = new Map<string, string[]>();
  for (const entry of entries) {
    for (const name of new Set(entry.requires))
      followers.set(name, [...(followers.get(name) ?? []), entry.name]);
  }
  const done = new Set<string>();
  for (const { name } of [root, ...entries]) {
    const cycle = walk(name, followers, done);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}

/** Without recursion, for a chain may be as long as the file. */
function walk(start: string, followers: Map<string, string[]>, done: Set<string>): string[] | undefined {
  const path: { name: string; next: number }[] = [{ name: start, next: 0 }];
  const onPath = new Set([start]);
  while (path.length > 0) {
    const here = path.at(-1)!;
    const follower = done.has(here.name) ? undefined : followers.get(here.name)?.[here.next];
    here.next++;
    if (follower === undefined) {
      done.add(here.name);
      onPath.delete(here.name);
      path.pop();
    } else if (onPath.has(follower)) {
      const names = path.map(step => step.name);
      return [...names.slice(names.indexOf(follower)), follower];
    } else if (!done.has(follower)) {
      path.push({ name: follower, next: 0 });
      onPath.add(follower);
    }
  }
  return undefined;
}
