// A workflow by its name, and what has to be known of it before anything of it runs.

import type { PipelineFile, Workflow } from "../config/pipeline-file.ts";
import { accept, type Result, refuse } from "../core/failure.ts";
import { nearestNames } from "../lib/nearest.ts";
import { matchesPatterns } from "../plan/name-patterns.ts";
import { type FileContext, loadContextFile, openRunContext } from "./run-context.ts";
import type { RunOptions } from "./run-options.ts";
import type { RunWatch } from "./run-pipeline.ts";

export interface WorkflowOptions extends RunOptions {
  workflow: string;
  /** Names of entries that are approved beforehand; `all` approves every one. */
  approve?: string[];
}

export interface WorkflowWatch extends RunWatch {
  /** Asks a person; undefined where there is none. */
  ask?(question: string): Promise<boolean>;
}

export interface OpenWorkflow {
  context: FileContext;
  workflow: Workflow;
  /** Names of entries that need not be asked for. */
  approved: Set<string>;
}

/** Refuses an unknown name, and with `usage` a workflow that wants approval where nobody can give it. */
export async function openWorkflow(
  options: WorkflowOptions,
  watch: WorkflowWatch,
): Promise<Result<OpenWorkflow>> {
  const opened = await openRunContext(options, watch.observer, watch.signal);
  if (!opened.ok) return opened;
  const context = await loadContextFile(opened.value);
  if (!context.ok) return context;
  const workflow = workflowOf(context.value.file, options.workflow);
  if (!workflow.ok) return workflow;
  const approved = approvedOf(workflow.value, options.approve ?? []);
  if (watch.ask === undefined) {
    const open = unapproved(workflow.value, approved, context.value.git.branch);
    if (open.length > 0) {
      return refuse(
        "usage",
        `${open.join(", ")} must be approved, and there is no terminal to ask at`,
        `approve beforehand: ${open.map(name => `--approve ${name}`).join(" ")}`,
      );
    }
  }
  return accept({ context: context.value, workflow: workflow.value, approved });
}

/** Entries that somebody will have to approve on this branch. */
function unapproved(workflow: Workflow, approved: ReadonlySet<string>, branch: string): string[] {
  return workflow.pipelines
    .filter(({ approval, name }) => approval && !approved.has(name))
    .filter(({ branches }) => branches === undefined || matchesPatterns(branches, branch))
    .map(entry => entry.name);
}

function workflowOf(file: PipelineFile, name: string): Result<Workflow> {
  const found = file.workflows.find(workflow => workflow.name === name);
  if (found !== undefined) return accept(found);
  const names = file.workflows.map(workflow => workflow.name);
  const near = nearestNames(name, names);
  const guess = near.length === 0 ? "" : `Did you mean ${near.join(" or ")}? `;
  const known = names.length === 0 ? "The file has no workflows." : `The file has: ${names.join(", ")}.`;
  return refuse("no-such-workflow", `No workflow named ${name}`, guess + known);
}

function approvedOf(workflow: Workflow, names: string[]): Set<string> {
  return new Set(names.includes("all") ? workflow.pipelines.map(entry => entry.name) : names);
}
