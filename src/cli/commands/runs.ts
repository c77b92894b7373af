// `slipway runs`, `show`, `cancel`, `rerun`, `approve`: runs of a server, seen and steered.

import type { Client } from "../../client/client.ts";
import { type Command, UsageError } from "../context.ts";
import { tableLines } from "../print/table.ts";
import { calling, connect, plainText, projectOf, runOf } from "../server-access.ts";

type Run = Awaited<ReturnType<Client["getRun"]>>;
type Job = Run["jobs"][number];
type Summary = Awaited<ReturnType<Client["listRuns"]>>["items"][number];

const filters = ["branch", "workflow", "outcome", "state", "person", "event", "commit"] as const;

export const runs: Command = (context, [project], values) =>
  calling(context, async () => {
    const access = connect(context, values);
    const params = await projectOf(context, values, access, project);
    const query = Object.fromEntries(
      filters.map(name => [name, values[name]]).filter(([, value]) => value !== undefined),
    );
    const limit = wholeOf(values.limit, 20, 200);
    const after = typeof values.after === "string" ? { after: values.after } : {};
    const page = await access.client.listRuns({ params, query: { ...query, limit, ...after } });
    if (values.json === true) {
      await context.out.write(`${JSON.stringify(page)}\n`);
      return 0;
    }
    const rows = page.items.map(run => [
      `#${run.number}`,
      stateOf(run),
      run.event,
      run.branch ?? run.tag ?? "",
      (run.commit ?? "").slice(0, 10),
      run.workflow ?? run.pipeline ?? "",
      durationOf(run),
      run.person ?? "",
      run.message.split("\n")[0]!.slice(0, 60),
    ]);
    const lines = tableLines(
      ["RUN", "STATE", "EVENT", "BRANCH", "COMMIT", "WORKFLOW", "TOOK", "BY", "MESSAGE"],
      rows,
    );
    await context.out.write(lines.length === 0 ? "no runs\n" : `${lines.join("\n")}\n`);
    if (page.next !== undefined) await context.err.write(`more: --after ${page.next}\n`);
    return 0;
  });

export const show: Command = (context, [word], values) =>
  calling(context, async () => {
    const access = connect(context, values);
    const run = await access.client.getRun({
      params: { run: await runOf(context, values, access, needed(word)) },
    });
    await context.out.write(
      values.json === true ? `${JSON.stringify(run)}\n` : `${describe(run).join("\n")}\n`,
    );
    return 0;
  });

/** A run for people: what it is, its jobs, why they wait or how they ended. */
function describe(run: Run): string[] {
  const facts: [string, string][] = [
    ["run", `${run.organisation}/${run.project}#${run.number}  ${run.id}`],
    ["state", `${stateOf(run)}${run.detail === "" ? "" : ` - ${run.detail}`}`],
    [
      "source",
      [run.event, run.branch ?? run.tag, run.commit?.slice(0, 12), run.trusted ? "" : "(not trusted)"]
        .filter(Boolean)
        .join(" "),
    ],
    ["message", run.message.split("\n")[0]!],
    ["by", run.person ?? ""],
    ["took", durationOf(run)],
  ];
  const lines = facts
    .filter(([, value]) => value !== "")
    .map(([name, value]) => `${name.padEnd(8)} ${plainText(value)}`);
  for (const { message, hint } of run.problems)
    lines.push(`problem  ${plainText(message)}${hint === undefined ? "" : ` (${plainText(hint)})`}`);
  const rows = run.jobs.map(job => [
    job.name + (job.combination === "" ? "" : ` [${job.combination}]`),
    job.outcome ?? job.state,
    durationOf(job),
    job.attempts.length > 1 ? `try ${job.attempts.length}` : "",
    job.requires.length === 0 ? "" : `after ${job.requires.join(", ")}`,
    job.detail,
  ]);
  return [...lines, "", ...tableLines(["JOB", "STATE", "TOOK", "TRIES", "REQUIRES", ""], rows)];
}

export const cancel: Command = (context, [word], values) =>
  calling(context, async () => {
    const access = connect(context, values);
    const run = await runOf(context, values, access, needed(word));
    const reason = typeof values.reason === "string" ? { reason: values.reason } : {};
    const job = typeof values.job === "string" ? await jobOf(access.client, run, values.job) : undefined;
    const answer =
      job === undefined
        ? await access.client.cancelRun({ params: { run }, body: reason })
        : await access.client.cancelJob({ params: { job: job.id }, body: reason });
    await context.out.write(values.json === true ? `${JSON.stringify(answer)}\n` : "cancel was asked for\n");
    return 0;
  });

export const rerun: Command = (context, [word], values) =>
  calling(context, async () => {
    const access = connect(context, values);
    const run = await access.client.rerun({
      params: { run: await runOf(context, values, access, needed(word)) },
      body: {},
    });
    if (values.follow === true) {
      const { followRemoteRun } = await import("../follow-remote-run.ts");
      return followRemoteRun(context, values, access, run);
    }
    await context.out.write(
      values.json === true
        ? `${JSON.stringify(run)}\n`
        : `started ${run.organisation}/${run.project}#${run.number}\n`,
    );
    return 0;
  });

export const approve: Command = (context, [word, name], values) =>
  calling(context, async () => {
    const access = connect(context, values);
    const run = await runOf(context, values, access, needed(word));
    const { jobs } = await access.client.getRun({ params: { run } });
    const waiting = jobs.filter(
      job => job.approval === "wanted" && (name === undefined || job.name === name),
    );
    if (waiting.length === 0)
      throw new UsageError(
        name === undefined
          ? "no job of the run waits for an approval"
          : `${name} does not wait for an approval`,
      );
    const decision = values.refuse === true ? ("refuse" as const) : ("approve" as const);
    const answers = [];
    for (const job of waiting)
      answers.push(await access.client.approveJob({ params: { job: job.id }, body: { decision } }));
    const said = waiting
      .map(job => `${decision === "approve" ? "approved" : "refused"} ${job.name}\n`)
      .join("");
    await context.out.write(values.json === true ? `${JSON.stringify(answers)}\n` : said);
    return 0;
  });

/** A job of a run by its name, with its combination where there is one. Throws UsageError. */
export async function jobOf(client: Client, run: string, name: string | undefined): Promise<Job> {
  const { jobs } = await client.getRun({ params: { run } });
  const found = jobs.filter(
    job => name === undefined || job.name === name || `${job.name}/${job.combination}` === name,
  );
  if (found.length === 1) return found[0]!;
  const names = jobs
    .map(job => (job.combination === "" ? job.name : `${job.name}/${job.combination}`))
    .join(", ");
  throw new UsageError(
    name === undefined ? "which job of the run?" : `there is no one job "${name}"`,
    `name it with --job; there are: ${names || "none"}`,
  );
}

function stateOf({ state, outcome }: Summary): string {
  return outcome ?? state;
}

export function durationOf({
  startedAt,
  finishedAt,
}: {
  startedAt: string | null;
  finishedAt: string | null;
}): string {
  if (startedAt === null) return "";
  const seconds = Math.max(
    0,
    ((finishedAt === null ? Date.now() : Date.parse(finishedAt)) - Date.parse(startedAt)) / 1000,
  );
  return seconds < 60 ? `${seconds.toFixed(1)}s` : `${Math.floor(seconds / 60)}m${Math.round(seconds % 60)}s`;
}

export function needed(word: string | undefined): string {
  if (word !== undefined) return word;
  throw new UsageError("which run?", "write its id, ORGANISATION/PROJECT#NUMBER, a number, or latest");
}

export function wholeOf(value: unknown, usual: number, most: number): number {
  if (value === undefined) return usual;
  const number = Number(value);
  if (Number.isInteger(number) && number >= 1 && number <= most) return number;
  throw new UsageError(`"${String(value)}" is no whole number from 1 to ${most}`);
}
