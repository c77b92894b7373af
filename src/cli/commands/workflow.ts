// `slipway workflow NAME`: pipelines in order, independent ones side by side. Under the name wercker one after the
// other, with that program's last words.

import { createInterface } from "node:readline/promises";
import { runWorkflow, type WorkflowResult } from "../../app/run-workflow.ts";
import type { Command, CommandContext } from "../context.ts";
import { formatDuration } from "../print/format.ts";
import { runWatched } from "../run-command.ts";

export const workflow: Command = async (context, args, values) => {
  const [name = "", target] = args;
  if (values.remote === true) {
    const { runRemotely } = await import("./trigger.ts");
    return runRemotely(context, values, { directory: target ?? ".", what: { workflow: name } });
  }
  const approve = Array.isArray(values.approve) ? { approve: values.approve } : {};
  const startedAt = performance.now();
  const command = [context.name, "workflow", ...args].join(" ");
  return runWatched(
    {
      context,
      values,
      dropIn: context.name === "wercker",
      command,
      set: options => ({ ...options, ...(target === undefined ? {} : { target }) }),
    },
    async (options, watch) => {
      const result = await runWorkflow(
        { ...options, workflow: name, ...approve },
        { ...watch, ...(canAsk(context) ? { ask: question => ask(context, question, watch.signal) } : {}) },
      );
      await tell(context, values.json === true, name, result, performance.now() - startedAt);
      return result;
    },
  );
};

async function tell(
  context: CommandContext,
  json: boolean,
  name: string,
  result: WorkflowResult,
  ms: number,
): Promise<void> {
  if (context.name === "wercker") {
    if (result.outcome !== "passed")
      await context.err.write(`FATAL Unable to run workflow: ${result.message}\n`);
    return;
  }
  const lines = result.pipelines.map(each => {
    const reason = each.reason === undefined ? "" : ` (${each.reason})`;
    return `  ${each.outcome.padEnd(9)} ${each.name}${reason}`;
  });
  const text = `\nworkflow ${name} ${result.outcome} in ${formatDuration(ms)}\n${lines.map(line => `${line}\n`).join("")}`;
  await (json ? context.err : context.out).write(text);
}

function canAsk(context: CommandContext): boolean {
  return context.stdin.isTTY === true && context.stdout.isTTY === true;
}

async function ask(context: CommandContext, question: string, signal: AbortSignal): Promise<boolean> {
  const lines = createInterface({ input: context.stdin, output: context.stdout });
  try {
    const answer = await lines.question(`${question} [y/N] `, { signal });
    return /^y(es)?$/i.test(answer.trim());
  } catch {
    // Ctrl-C and Ctrl-D are no.
    return false;
  } finally {
    lines.close();
  }
}
