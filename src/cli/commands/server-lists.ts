// `slipway queue`, `workers`, `classes`, `tests`: lists of what a server has.

import { type Command, UsageError } from "../context.ts";
import { runOf } from "../find-run.ts";
import { itemsOf, showList, showOne } from "../pages.ts";
import { formatDuration } from "../print/format.ts";
import { calling, connect, textOf } from "../server-access.ts";

export const queue: Command = (context, _args, values) =>
  calling(context, async () => {
    const { client } = await connect(context, values);
    const name = textOf(values.class);
    const only = name === undefined ? {} : { class: name };
    return showList(context, values, {
      items: itemsOf(page => client.listQueue({ query: { ...page, ...only } })),
      head: ["PROJECT", "JOB", "CLASS", "STATE", "SINCE", "WHY"],
      row: job => [
        `${job.organisation}/${job.project}`,
        job.name,
        job.class,
        job.state,
        formatDuration(Math.max(0, Date.now() - Date.parse(job.queuedAt ?? job.createdAt))),
        job.detail,
      ],
      none: "nothing waits or runs",
    });
  });

export const workers: Command = (context, _args, values) =>
  calling(context, async () => {
    const { client } = await connect(context, values);
    return showList(context, values, {
      items: itemsOf(query => client.listWorkers({ query })),
      head: ["WORKER", "STATE", "JOBS", "CLASSES", "LABELS", "VERSION", "ID"],
      row: each => [
        each.name,
        each.alive ? (each.draining ? "draining" : "alive") : "gone",
        `${each.running}/${each.capacity}`,
        each.classes.join(","),
        Object.entries(each.labels)
          .map(([name, value]) => `${name}=${value}`)
          .join(","),
        each.version,
        each.id,
      ],
      none: "no workers",
    });
  });

export const classes: Command = (context, [verb = "list", name, ...settings], values) =>
  calling(context, async () => {
    const { client } = await connect(context, values);
    if (verb === "set") {
      if (name === undefined) throw new UsageError("which class?", "write set NAME KEY=VALUE...");
      const set = await client.setClass({ params: { class: name }, body: settingsOf(settings) });
      return showOne(context, values, set, `${set.name}: ${textOfSettings(set.settings)}`);
    }
    if (verb !== "list")
      throw new UsageError(`"${verb}" is not known`, "there are: list, set NAME KEY=VALUE...");
    return showList(context, values, {
      items: itemsOf(query => client.listClasses({ query })),
      head: ["CLASS", "WORKERS", "SETTINGS"],
      row: each => [each.name, String(each.workers), textOfSettings(each.settings)],
      none: "no classes",
    });
  });

function textOfSettings(settings: object): string {
  const pairs = Object.entries(settings).map(([key, value]) => `${key}=${String(value)}`);
  return pairs.join(" ") || "as usual";
}

/** `engine=host memoryBytes=1000000 allowDocker=true`; the server says what is not known. */
function settingsOf(words: string[]): Record<string, string | number | boolean> {
  return Object.fromEntries(
    words.map(word => {
      const at = word.indexOf("=");
      if (at < 1) throw new UsageError(`"${word}" is no setting`, "write KEY=VALUE");
      return [word.slice(0, at), settingValue(word.slice(at + 1))];
    }),
  );
}

function settingValue(text: string): string | number | boolean {
  if (text === "true" || text === "false") return text === "true";
  return /^\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}

export const tests: Command = (context, [word], values) =>
  calling(context, async () => {
    const access = await connect(context, values);
    const run = await runOf(context, values, access, word);
    return showList(context, values, {
      items: itemsOf(query => access.client.listTests({ params: { run }, query })),
      head: ["OUTCOME", "TOOK", "SUITE", "TEST", "MESSAGE"],
      row: each => [
        each.outcome,
        each.durationMs === null ? "" : formatDuration(each.durationMs),
        each.suite,
        each.name,
        each.message.split("\n")[0]!.slice(0, 120),
      ],
      none: "no test results",
    });
  });
