// `slipway runs`, `show`, `cancel`, `rerun`, `approve`: runs of a server, seen and steered.

import type { Client } from "../../client/client.ts";
import { type Command, UsageError } from "../context.ts";
import { jobName, jobOf, projectOf, runOf } from "../find-run.ts";
import { showOne } from "../pages.ts";
import { describeRun, stateOf, tookOf } from "../print/run-facts.ts";
import { tableLines } from "../print/table.ts";
import { calling, connect, textOf } from "../server-access.ts";

type Query = NonNullable<Parameters<Client["listRuns"]>[0]["query"]>;

const filters = ["branch", "workflow", "outcome", "state", "person", "event", "commit"] as const;

export const runs: Command = (context, [project], values) =>
  calling(context, async () => {
    const access = await connect(context, values);
    const limit = wholeOf("--limit", values.limit, { usual: 20, most: 200 });
    const params = await projectOf(context, values, access, project);
    const asked = filters.map(name => [name, values[name]]).filter(([, value]) => value !== undefined);
    const after = textOf(values.after);
    const query = { ...Object.fromEntries(asked), limit, ...(after === undefined ? {} : { after }) } as Query;
    const page = await access.client.listRuns({ params, query });
    if (values.json === true) return showOne(context, values, page, "");
    const rows = page.items.map(run => [
      `#${run.number}`,
      stateOf(run),
      run.event,
      run.branch ?? run.tag ?? "",
      (run.commit ?? "").slice(0, 10),
      run.workflow ?? run.pipeline ?? "",
      tookOf(run, Date.now()),
      run.person ?? "",
      run.message.split("\n")[0]!.slice(0, 60),
    ]);
    const head = ["RUN", "STATE", "EVENT", "BRANCH", "COMMIT", "WORKFLOW", "TOOK", "BY", "MESSAGE"];
    const lines = tableLines(head, rows);
    await context.out.write(lines.length === 0 ? "no runs\n" : `${lines.join("\n")}\n`);
    if (page.next !== undefined) await context.err.write(`more: --after ${page.next}\n`);
    return 0;
  });

export const show: Command = (context, [word], values) =>
  calling(context, async () => {
    const access = await connect(context, values);
    const id = await runOf(context, values, access, word);
    const run = await access.client.getRun({ params: { run: id } });
    return showOne(context, values, run, describeRun(run, Date.now()).join("\n"));
  });

export const cancel: Command = (context, [word], values) =>
  calling(context, async () => {
    const access = await connect(context, values);
    const run = await runOf(context, values, access, word);
    const reason = textOf(values.reason);
    const body = reason === undefined ? {} : { reason };
    const name = textOf(values.job);
    if (name === undefined) {
      const answer = await access.client.cancelRun({ params: { run }, body });
      const ended = answer.state === "finished";
      return showOne(
        context,
        values,
        answer,
        ended ? `the run has ended: ${stateOf(answer)}` : `canceling ${nameOf(answer)}`,
      );
    }
    const job = await jobOf(access.client, run, name);
    const answer = await access.client.cancelJob({ params: { job: job.id }, body });
    return showOne(context, values, answer, `canceling ${jobName(job)}`);
  });

export const rerun: Command = (context, [word], values) =>
  calling(context, async () => {
    const access = await connect(context, values);
    const earlier = await runOf(context, values, access, word);
    const run = await access.client.rerun({ params: { run: earlier }, body: {} });
    if (values.follow === true) {
      const { followRemoteRun } = await import("../follow-remote-run.ts");
      return followRemoteRun(context, values, access, run, { ownRun: true });
    }
    return showOne(context, values, run, `started ${nameOf(run)}`);
  });

export const approve: Command = (context, [word, name], values) =>
  calling(context, async () => {
    const access = await connect(context, values);
    const run = await runOf(context, values, access, word);
    const { jobs } = await access.client.getRun({ params: { run } });
    const waiting = jobs.filter(
      job => job.approval === "wanted" && (name === undefined || job.name === name || jobName(job) === name),
    );
    if (waiting.length === 0) {
      throw new UsageError(
        name === undefined
          ? "no job of the run waits for an approval"
          : `${name} does not wait for an approval`,
        "`slipway show RUN` says what its jobs wait for",
      );
    }
    const decision = values.refuse === true ? ("refuse" as const) : ("approve" as const);
    for (const job of waiting) {
      const answer = await access.client.approveJob({ params: { job: job.id }, body: { decision } });
      await showOne(
        context,
        values,
        answer,
        `${decision === "approve" ? "approved" : "refused"} ${jobName(job)}`,
      );
    }
    return 0;
  });

function nameOf(run: { organisation: string; project: string; number: number }): string {
  return `${run.organisation}/${run.project}#${run.number}`;
}

/** A whole number of a flag. Throws UsageError. */
export function wholeOf(
  name: string,
  value: unknown,
  { usual, least = 1, most }: { usual: number; least?: number; most: number },
): number {
  if (value === undefined) return usual;
  const number = typeof value === "string" && /^-?\d+$/.test(value) ? Number(value) : Number.NaN;
  if (number >= least && number <= most) return number;
  throw new UsageError(`${name}: "${String(value)}" is no whole number from ${least} to ${most}`);
}
