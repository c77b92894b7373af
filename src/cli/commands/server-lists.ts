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
  const pairs = Object.entries(settings).map(
    ([key, value]) => `${key}=${typeof value === "object" ? JSON.stringify(value) : String(value)}`,
  );
  return pairs.join(" ") || "as usual";
}

interface Settings {
  [key: string]: string | number | boolean | object;
}

/** `engine=host pod.runtimeClassName=gvisor pod.nodeSelector={"disk":"ssd"}`; the server says what is not known. */
export function settingsOf(words: readonly string[]): Settings {
  const settings: Settings = {};
  for (const word of words) {
    const at = word.indexOf("=");
    const path = word.slice(0, Math.max(at, 0)).split(".");
    if (at < 1 || path.some(key => key === "" || key === "__proto__"))
      throw new UsageError(`"${word}" is no setting`, "write KEY=VALUE, or pod.KEY=VALUE");
    let inner: Settings = settings;
    for (const key of path.slice(0, -1)) {
      if (typeof inner[key] !== "object") inner[key] = {};
      inner = inner[key] as Settings;
    }
    inner[path.at(-1)!] = settingValue(word.slice(at + 1), word);
  }
  return settings;
}

function settingValue(text: string, word: string): string | number | boolean | object {
  if (text === "true" || text === "false") return text === "true";
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  if (!/^[[{]/.test(text)) return text;
  try {
    return JSON.parse(text) as object;
  } catch (error) {
    throw new UsageError(`"${word}" is no JSON: ${(error as Error).message}`, "lists and maps are JSON");
  }
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
