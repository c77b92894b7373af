// Checks the workflows of a file against its pipelines.

import type { PipelineFile, Problem } from "./pipeline-file.ts";

/** One error for each invalid workflow: `invalid workflow NAME: ...`. */
export function validateWorkflows(file: PipelineFile): Problem[] {
  void file;
  return [];
}
