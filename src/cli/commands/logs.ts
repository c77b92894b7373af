// `slipway logs RUN`: the bytes of a job's log, or with `-f` all jobs of a run as they print.

import { type Command, type CommandContext, UsageError } from "../context.ts";
import { jobOf, runOf } from "../find-run.ts";
import { calling, connect, type ServerAccess, textOf } from "../server-access.ts";

export const logs: Command = (context, [word], values) =>
  calling(context, async () => {
    const access = await connect(context, values);
    const [jobName, stepName] = [textOf(values.job), textOf(values.step)];
    const run = await runOf(context, values, access, word);
    if (values.follow === true) {
      if (stepName !== undefined)
        throw new UsageError("--step and --follow do not go together", "leave one of them out");
      const { followRemoteRun } = await import("../follow-remote-run.ts");
      const job = jobName === undefined ? {} : { jobId: (await jobOf(access.client, run, jobName)).id };
      const found = await access.client.getRun({ params: { run } });
      return followRemoteRun(context, values, access, found, job);
    }
    const job = await jobOf(access.client, run, jobName);
    const attempt = job.attempts.at(-1);
    if (attempt === undefined)
      throw new UsageError(`${job.name} has not begun: ${job.detail || job.state}`, "follow it with -f");
    const params = { job: job.id, attempt: attempt.id };
    const step = stepName === undefined ? undefined : await stepOf(access, params, stepName);
    return copy(context, access, params, step);
  });

interface LogParams {
  job: string;
  attempt: string;
}

/** The bytes as they are. */
async function copy(
  context: CommandContext,
  { client }: ServerAccess,
  params: LogParams,
  step: string | undefined,
): Promise<number> {
  const leave = new AbortController();
  context.out.onGone(() => leave.abort(new Error("the reader is gone")));
  const query = step === undefined ? {} : { step };
  try {
    const { body } = await client.stream("getLog", { params, query, signal: leave.signal });
    for await (const part of body) await context.out.write(part);
  } catch (error) {
    if (!leave.signal.aborted) throw error;
  }
  return 0;
}

/** A step's id, by its id or by the name that people read. */
async function stepOf({ client }: ServerAccess, params: LogParams, name: string): Promise<string> {
  const [{ spec }, { steps: written }] = await Promise.all([
    client.getJob({ params: { job: params.job } }),
    client.getLogSteps({ params }),
  ]);
  const steps = [...stepsIn(spec.steps), ...stepsIn(spec.afterSteps)];
  const found =
    steps.find(step => step.id === name) ??
    steps.find(step => step.displayName === name || step.name === name);
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
