// Finds the pipeline that was asked for, and its steps, or says in words why not.

import type { Pipeline, PipelineFile, StepDefinition } from "../config/pipeline-file.ts";
import { accept, type Result, refuse } from "../core/failure.ts";
import { nearestNames } from "../lib/nearest.ts";

/** The pipeline of that name. Refuses an unknown name with what comes close, and a malformed or empty section. */
export function selectPipeline(file: PipelineFile, name: string): Result<Pipeline> {
  const pipeline = file.pipelines.get(name);
  if (pipeline?.empty) {
    return refuse("pipeline-empty", `Pipeline ${name} is empty`, "Give it steps, or remove it.");
  }
  if (pipeline !== undefined) return accept(pipeline);
  const reason = file.malformed.get(name);
  if (reason !== undefined) {
    return refuse(
      "pipeline-malformed",
      `Pipeline ${name} cannot be used: ${reason}`,
      "`slipway check` shows the place in the file.",
    );
  }
  return refuse("no-such-pipeline", `No pipeline named ${name}`, hintFor(name, [...file.pipelines.keys()]));
}

function hintFor(name: string, known: string[]): string {
  if (known.length === 0) return "The file has no pipelines.";
  const near = nearestNames(name, known);
  const guess = near.length === 0 ? "" : `Did you mean ${near.join(" or ")}? `;
  return `${guess}The file has: ${known.join(", ")}.`;
}

/** Main steps of a pipeline: those of the deploy target where there is one of that name, else `steps`. */
export function mainStepsOf(pipeline: Pipeline, target?: string): StepDefinition[] {
  return (target === undefined ? undefined : pipeline.targets.get(target)) ?? pipeline.steps;
}

/** Every step that has to be resolved before the job can be built: main steps, then after-steps. */
export function stepDefinitionsOf(
  file: PipelineFile,
  pipelineName: string,
  target?: string,
): Result<StepDefinition[]> {
  const pipeline = selectPipeline(file, pipelineName);
  if (!pipeline.ok) return pipeline;
  return accept([...mainStepsOf(pipeline.value, target), ...pipeline.value.afterSteps]);
}
