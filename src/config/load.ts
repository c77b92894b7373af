// Bytes of a pipeline file to data, with every problem at once. It never throws on what the bytes are.

import type { Dialect } from "../core/job.ts";
import type { PipelineFile, Problem } from "./pipeline-file.ts";
import { readFile } from "./read-file.ts";

export interface LoadOptions {
  dialect: Dialect;
  /** What messages call the file. */
  name: string;
}

export interface Loaded {
  /** Absent when the file as a whole cannot be used; `problems` then has at least one error. */
  file?: PipelineFile;
  problems: Problem[];
  /** The file as text, for code frames; empty when the bytes are no text. */
  text: string;
}

/**
 * Reads a pipeline file. Problems stand in the order of the file. An error among them means that nothing of the
 * file may run; what is wrong inside one pipeline is a warning, and that pipeline stands in `file.malformed`.
 */
export function loadPipelineFile(bytes: Uint8Array, options: LoadOptions): Loaded {
  const { file, problems, text } = readFile(bytes, options);
  return file === undefined ? { problems, text } : { file, problems, text };
}
