// `slipway check`: every problem of a pipeline file at once, for people or (`--json`) for editors. It never starts
// or fetches anything.

import { readFile } from "node:fs/promises";
import path from "node:path";
import { withoutValues } from "../../app/host-environment.ts";
import type { CheckedPipeline, CheckReport } from "../../config/check.ts";
import { checkFile } from "../../config/check.ts";
import { renderProblems } from "../../config/code-frame.ts";
import { parseEnvironmentFile } from "../../config/environment-file.ts";
import { dialectOf, type FoundFile, findPipelineFile } from "../../config/find-file.ts";
import type { Problem } from "../../config/pipeline-file.ts";
import type { Command, CommandContext, FlagValues } from "../context.ts";
import { count } from "../print/format.ts";
import { wantsColors } from "../wants-colors.ts";

export const check: Command = async (context, args, values) => {
  const found = await findPipelineFile(context.cwd, args[0] && path.resolve(context.cwd, args[0]));
  if (!found.ok) {
    if (values.json === true)
      await context.out.write(`${JSON.stringify(notFound(found.refusal.message, found.refusal.hint))}\n`);
    else await context.err.write(`slipway: ${found.refusal.message}\n  ${found.refusal.hint ?? ""}\n`);
    return 1;
  }
  const file = found.value;
  const { problems, report, text } = checkFile(await readFile(file.path), {
    dialect: dialectOf(file.path),
    name: file.name,
  });
  if (values.json === true) await context.out.write(`${JSON.stringify(report)}\n`);
  else await tell(context, values, file, problems, report, text);
  return problems.some(problem => problem.severity === "error") ? 1 : 0;
};

async function tell(
  context: CommandContext,
  values: FlagValues,
  file: FoundFile,
  problems: Problem[],
  report: CheckReport,
  text: string,
): Promise<void> {
  const color = wantsColors(context, values, context.out);
  const shown = path.relative(context.cwd, file.path) || file.name;
  await context.out.write(renderProblems(problems, text, { color, name: shown }));
  const environment = await environmentProblems(context, values);
  if (environment !== undefined) {
    await context.out.write(
      renderProblems(environment.problems, environment.text, { color, name: environment.name }),
    );
  }
  const errors = problems.filter(problem => problem.severity === "error").length;
  const warnings = problems.length - errors + (environment?.problems.length ?? 0);
  const tail = warnings === 0 ? "" : `, ${count(warnings, "warning")}`;
  if (errors > 0) return void (await context.out.write(`${shown}: ${count(errors, "error")}${tail}\n`));
  await context.out.write(`${shown}: no errors${tail}; ${pipelineList(report.pipelines)}\n`);
}

function pipelineList(pipelines: Record<string, CheckedPipeline>): string {
  const names = Object.keys(pipelines);
  return names.length === 0
    ? "it has no pipelines"
    : `${count(names.length, "pipeline")}: ${names.join(", ")}`;
}

/** What is of no use in the environment file that a run would read. */
async function environmentProblems(
  context: CommandContext,
  values: FlagValues,
): Promise<{ name: string; text: string; problems: Problem[] } | undefined> {
  const name = typeof values.environment === "string" ? values.environment : "ENVIRONMENT";
  let text: string;
  try {
    text = await readFile(path.resolve(context.cwd, name), "utf8");
  } catch {
    // No such file is the usual case, and a run goes on without it too.
    return undefined;
  }
  return { name, text: withoutValues(text), problems: parseEnvironmentFile(text, context.env).problems };
}

function notFound(message: string, hint: string | undefined): CheckReport {
  return {
    problems: [{ severity: "error", line: 1, column: 1, message, hint: hint ?? "" }],
    box: null,
    services: [],
    pipelines: {},
    workflows: [],
  };
}
