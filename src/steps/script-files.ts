// The files of a script step, made from the text in the pipeline file.

import type { StepFile } from "../core/step-file.ts";

/**
 * `run.sh` of a script step. Code without a shebang stops at its first failing command; code with one is taken as
 * it is, and since it is sourced the shebang says no more than that.
 */
export function scriptFiles(code: string): StepFile[] {
  const text = code.startsWith("#!") ? code : `set -e\n${code}`;
  return [{ path: "run.sh", mode: 0o755, content: Buffer.from(text.endsWith("\n") ? text : `${text}\n`) }];
}
