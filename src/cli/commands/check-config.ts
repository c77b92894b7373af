// `check-config`: the pipelines of the file of the current directory with their boxes, in the words of the wercker
// program; the first error ends it.

import { readFile } from "node:fs/promises";
import path from "node:path";
import { checkFile } from "../../config/check.ts";
import type { CheckedBox } from "../../config/check-report.ts";
import { renderProblems } from "../../config/code-frame.ts";
import { findPipelineFile } from "../../config/find-file.ts";
import type { Command } from "../context.ts";

export const checkConfig: Command = async (context, _args, values) => {
  const named = values.file ?? values.werckerYml ?? context.env.WERCKER_YML_FILE;
  const explicit = typeof named === "string" && named !== "" ? path.resolve(context.cwd, named) : undefined;
  const found = await findPipelineFile(context.cwd, explicit);
  if (!found.ok) {
    const text =
      explicit === undefined && context.name === "wercker" ? "No wercker.yml found" : found.refusal.message;
    await context.err.write(`ERROR ${text}\nFATAL Exiting.\n`);
    return 1;
  }
  const { problems, report, text } = checkFile(await readFile(found.value.path), found.value);
  const errors = problems.filter(problem => problem.severity === "error");
  if (errors.length > 0) {
    const shown = renderProblems(errors.slice(0, 1), text, { color: false, name: found.value.name });
    await context.err.write(`ERROR ${shown}FATAL Exiting.\n`);
    return 1;
  }
  const lines: string[] = [];
  for (const [name, pipeline] of Object.entries(report.pipelines)) {
    lines.push(`Found pipeline section: ${name}`);
    if (pipeline.box !== null) lines.push(`  with box: ${imageOf(pipeline.box)}`);
  }
  for (const workflow of report.workflows) lines.push(`Found workflow: ${workflow.name}`);
  await context.err.write(lines.map(line => `${line}\n`).join(""));
  return 0;
};

/** As the program shows it: always with a tag. */
function imageOf({ id, tag }: CheckedBox): string {
  const tagged = id.lastIndexOf(":") > id.lastIndexOf("/");
  return tagged && tag === undefined ? id : `${id}:${tag ?? "latest"}`;
}
