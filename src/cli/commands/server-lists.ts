// `slipway queue`, `workers`, `classes`, `tests`: lists of what a server has.

import { type Command, UsageError } from "../context.ts";
import { tableLines } from "../print/table.ts";
import { calling, connect, runOf } from "../server-access.ts";
import { needed } from "./runs.ts";

interface Page<T> {
  items: T[];
  next?: string | undefined;
}

/** Every item of a list: page after page, at most so many. */
export async function allOf<T>(
  page: (after: string | undefined) => Promise<Page<T>>,
  most = 10_000,
): Promise<T[]> {
  const items: T[] = [];
  let after: string | undefined;
  do {
    const { items: more, next } = await page(after);
    items.push(...more);
    after = next;
  } while (after !== undefined && items.length < most);
  return items;
}

export const pageOf = (after: string | undefined) => ({
  limit: 200,
  ...(after === undefined ? {} : { after }),
});

export const queue: Command = (context, _args, values) =>
  calling(context, async () => {
    const { client } = connect(context, values);
    const only = typeof values.class === "string" ? { class: values.class } : {};
    const jobs = await allOf(after => client.listQueue({ query: { ...pageOf(after), ...only } }));
    if (values.json === true) return print(context, jobs);
    const rows = jobs.map(job => [
      `${job.organisation}/${job.project}`,
      job.name,
      job.class,
      job.state,
      since(job.queuedAt ?? job.createdAt),
      job.detail,
    ]);
    return table(
      context,
      ["PROJECT", "JOB", "CLASS", "STATE", "SINCE", "WHY"],
      rows,
      "nothing waits or runs",
    );
  });

export const workers: Command = (context, _args, values) =>
  calling(context, async () => {
    const { client } = connect(context, values);
    const all = await allOf(after => client.listWorkers({ query: pageOf(after) }));
    if (values.json === true) return print(context, all);
    const rows = all.map(each => [
      each.name,
      each.alive ? (each.draining ? "draining" : "alive") : "gone",
      `${each.running}/${each.capacity}`,
      each.classes.join(","),
      each.version,
      each.id,
    ]);
    return table(context, ["WORKER", "STATE", "JOBS", "CLASSES", "VERSION", "ID"], rows, "no workers");
  });

export const classes: Command = (context, [verb = "list", name, ...settings], values) =>
  calling(context, async () => {
    const { client } = connect(context, values);
    if (verb === "set") {
      if (name === undefined) throw new UsageError("which class?");
      return print(context, await client.setClass({ params: { class: name }, body: settingsOf(settings) }));
    }
    if (verb !== "list")
      throw new UsageError(`"${verb}" is not known`, "there are: list, set NAME KEY=VALUE...");
    const all = await allOf(after => client.listClasses({ query: pageOf(after) }));
    if (values.json === true) return print(context, all);
    const rows = all.map(each => [each.name, String(each.workers), JSON.stringify(each.settings)]);
    return table(context, ["CLASS", "WORKERS", "SETTINGS"], rows, "no classes");
  });

/** `engine=host memoryBytes=1000000 allowDocker=true`; the server says what is not known. */
function settingsOf(words: string[]): Record<string, string | number | boolean> {
  return Object.fromEntries(
    words.map(word => {
      const at = word.indexOf("=");
      if (at < 1) throw new UsageError(`"${word}" is no setting`, "write KEY=VALUE");
      const value = word.slice(at + 1);
      const number = Number(value);
      const read =
        value === "true"
          ? true
          : value === "false"
            ? false
            : value !== "" && Number.isFinite(number)
              ? number
              : value;
      return [word.slice(0, at), read];
    }),
  );
}

export const tests: Command = (context, [word], values) =>
  calling(context, async () => {
    const access = connect(context, values);
    const run = await runOf(context, values, access, needed(word));
    const all = await allOf(after => access.client.listTests({ params: { run }, query: pageOf(after) }));
    if (values.json === true) return print(context, all);
    const rows = all.map(each => [
      each.outcome,
      each.durationMs === null ? "" : `${each.durationMs} ms`,
      each.suite,
      each.name,
      each.message.split("\n")[0]!.slice(0, 120),
    ]);
    return table(context, ["OUTCOME", "TOOK", "SUITE", "TEST", "MESSAGE"], rows, "no test results");
  });

type Context = Parameters<Command>[0];

export async function print(context: Context, value: unknown): Promise<number> {
  await context.out.write(`${JSON.stringify(value)}\n`);
  return 0;
}

export async function table(
  context: Context,
  head: string[],
  rows: string[][],
  none: string,
): Promise<number> {
  const lines = tableLines(head, rows);
  await context.out.write(lines.length === 0 ? `${none}\n` : `${lines.join("\n")}\n`);
  return 0;
}

function since(time: string): string {
  const seconds = Math.max(0, Math.round((Date.now() - Date.parse(time)) / 1000));
  return seconds < 120
    ? `${seconds}s`
    : seconds < 7200
      ? `${Math.round(seconds / 60)}m`
      : `${Math.round(seconds / 3600)}h`;
}
