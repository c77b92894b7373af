// `slipway logs RUN`: the bytes of a job's log, or with `-f` all jobs of a run as they print.

import { type Command, type CommandContext, UsageError } from "../context.ts";
import { calling, connect, runOf, type ServerAccess } from "../server-access.ts";
import { jobOf, needed } from "./runs.ts";

export const logs: Command = (context, [word], values) =>
  calling(context, async () => {
    const access = connect(context, values);
    const run = await runOf(context, values, access, needed(word));
    if (values.follow === true) {
      const { followRemoteRun } = await import("../follow-remote-run.ts");
      return followRemoteRun(context, values, access, await access.client.getRun({ params: { run } }));
    }
    const job = await jobOf(access.client, run, typeof values.job === "string" ? values.job : undefined);
    const attempt = job.attempts.at(-1);
    if (attempt === undefined)
      throw new UsageError(`${job.name} has not begun: ${job.detail || job.state}`, "follow it with -f");
    const step =
      typeof values.step === "string" ? await stepOf(access, job.id, attempt.id, values.step) : undefined;
    return copy(context, access, { job: job.id, attempt: attempt.id }, step);
  });

async function copy(
  context: CommandContext,
  { client }: ServerAccess,
  params: { job: string; attempt: string },
  step: string | undefined,
): Promise<number> {
  const { body } = await client.stream("getLog", { params, query: step === undefined ? {} : { step } });
  for await (const part of body) {
    if (context.out.gone) break;
    await context.out.write(part);
  }
  return 0;
}

/** A step's id, by its id or by the name that people read. */
async function stepOf({ client }: ServerAccess, job: string, attempt: string, name: string): Promise<string> {
  const { spec } = await client.getJob({ params: { job } });
  const { steps: written } = await client.getLogSteps({ params: { job, attempt } });
  const steps = [...stepsIn(spec.steps), ...stepsIn(spec.afterSteps)];
  const found = steps.find(step => step.id === name || step.displayName === name || step.name === name);
  const id = found?.id ?? written.find(each => each.step === name)?.step;
  if (id !== undefined) return id;
  throw new UsageError(
    `the job has no step "${name}"`,
    `there are: ${steps.map(step => step.displayName).join(", ")}`,
  );
}

function stepsIn(value: unknown): { id: string; name: string; displayName: string }[] {
  return Array.isArray(value) ? value : [];
}
