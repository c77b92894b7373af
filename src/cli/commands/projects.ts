// `slipway projects`, `slipway hook`: projects of a server, and how a git host tells it of pushes.

import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import type { Client } from "../../client/client.ts";
import { messageOf } from "../../core/failure.ts";
import { type Command, type CommandContext, type FlagValues, UsageError } from "../context.ts";
import { projectOf, readProject } from "../find-run.ts";
import { itemsOf, showList, showOne } from "../pages.ts";
import { factLines } from "../print/facts.ts";
import { stateOf } from "../print/run-facts.ts";
import { calling, connect, textOf } from "../server-access.ts";
import { wholeOf } from "./runs.ts";

type Project = Awaited<ReturnType<Client["getProject"]>>;

export const projects: Command = (context, [verb = "list", name], values) =>
  calling(context, async () => {
    const { client } = await connect(context, values);
    if (verb === "list") return list(context, values, client);
    const verbs = ["show", "create", "set", "delete", "new-secret"];
    if (!verbs.includes(verb))
      throw new UsageError(`"${verb}" is not known`, `there are: list, ${verbs.join(", ")}`);
    if (name === undefined) throw new UsageError("which project?", "write ORGANISATION/PROJECT");
    const params = readProject(name);
    if (verb === "show") return show(context, values, await client.getProject({ params }));
    if (verb === "set") {
      const body = changesOf(context, values);
      return show(context, values, await client.changeProject({ params, body }));
    }
    if (verb === "delete") {
      if (values.yes !== true) throw new UsageError(`this deletes ${name} with all its runs`, "say --yes");
      await client.deleteProject({ params });
      return showOne(context, values, { deleted: name }, `deleted ${name}`);
    }
    if (verb === "new-secret") {
      const answer = await client.rotateWebhookSecret({ params });
      return showOne(context, values, answer, `webhook secret, shown this once: ${answer.webhookSecret}`);
    }
    const made = await client.createProject({
      params: { organisation: params.organisation },
      body: { name: params.project, ...changesOf(context, values) },
    });
    const text = `created ${name}\nwebhook: ${made.webhookUrl}\nwebhook secret, shown this once: ${made.webhookSecret}`;
    return showOne(context, values, made, text);
  });

function list(context: CommandContext, values: FlagValues, client: Client): Promise<number> {
  return showList(context, values, {
    items: itemsOf(query => client.listProjects({ query })),
    head: ["PROJECT", "LAST RUN", "REPOSITORY"],
    row: each => [
      `${each.organisation}/${each.name}`,
      each.lastRun === null ? "" : `#${each.lastRun.number} ${stateOf(each.lastRun)}`,
      each.repository ?? "(sources are sent)",
    ],
    none: "no projects that you may see",
  });
}

function show(context: CommandContext, values: FlagValues, project: Project): Promise<number> {
  const { lastRun, pollSeconds, runDays, logDays, serverRunDays } = project;
  const facts = factLines([
    ["project", `${project.organisation}/${project.name}`],
    ["repository", project.repository ?? "none: sources are sent"],
    ["credential", project.hasCredential ? "kept" : ""],
    ["default branch", project.defaultBranch],
    ["readable by", project.public ? "anyone" : "members"],
    ["looks for pushes", pollSeconds === null ? "" : `every ${pollSeconds} s`],
    ["keeps runs", daysText(Math.min(runDays ?? serverRunDays, serverRunDays))],
    ["keeps logs and artifacts", logDays === null ? "as long as their run" : daysText(logDays)],
    ["last run", lastRun === null ? "" : `#${lastRun.number} ${stateOf(lastRun)}`],
    ["webhook", project.webhookUrl],
    ["badge", project.badgeUrl],
  ]);
  return showOne(context, values, project, facts.join("\n"));
}

function daysText(days: number): string {
  return days === 1 ? "1 day" : `${days} days`;
}

/** An empty address takes the repository away, 0 seconds the looking, 0 days a limit. */
function changesOf(context: CommandContext, values: FlagValues) {
  const repository = values.repository;
  const [defaultBranch, credential] = [textOf(values.defaultBranch), textOf(values.credentialFile)];
  const poll = wholeOf("--poll-seconds", values.pollSeconds, { usual: 0, least: 0, most: 86_400 });
  const days = (flag: string, value: FlagValues[string]) =>
    wholeOf(flag, value, { usual: 0, least: 0, most: 36_500 }) || null;
  return {
    ...(typeof repository === "string" ? { repository: repository === "" ? null : repository } : {}),
    ...(defaultBranch === undefined ? {} : { defaultBranch }),
    ...(values.pollSeconds === undefined ? {} : { pollSeconds: poll === 0 ? null : poll }),
    ...(values.runDays === undefined ? {} : { runDays: days("--run-days", values.runDays) }),
    ...(values.logDays === undefined ? {} : { logDays: days("--log-days", values.logDays) }),
    ...(credential === undefined ? {} : { credential: contentOf(context, "--credential-file", credential) }),
    ...(values.public === undefined ? {} : { public: values.public === true }),
  };
}

/** A file's text, without the end of its last line where it has only one. Throws UsageError. */
export function contentOf(context: CommandContext, flag: string, file: string): string {
  try {
    const text = readFileSync(path.resolve(context.cwd, file), "utf8");
    return /^[^\n]*\r?\n$/.test(text) ? text.replace(/\r?\n$/, "") : text;
  } catch (error) {
    throw new UsageError(`${flag}: ${messageOf(error)}`);
  }
}

export const hook: Command = (context, [name], values) =>
  calling(context, async () => {
    const access = await connect(context, values);
    const params = await projectOf(context, values, access, name);
    const { webhookUrl } = await access.client.getProject({ params });
    const script = readFileSync(hookFile(), "utf8");
    if (values.json === true) return showOne(context, values, { webhookUrl, script }, "");
    await context.out.write(script);
    await context.err.write(
      [
        `# Save it as hooks/post-receive of the bare repository, make it executable, and there:`,
        `#   git config slipway.url ${webhookUrl}`,
        `#   git config slipway.secretFile FILE   (with the webhook secret: slipway projects new-secret ${params.organisation}/${params.project})`,
        "",
      ].join("\n"),
    );
    return 0;
  });

function hookFile(): string {
  for (let above = import.meta.dirname; above !== path.dirname(above); above = path.dirname(above)) {
    const file = path.join(above, "deploy", "hooks", "post-receive");
    if (existsSync(file)) return file;
  }
  throw new UsageError(
    "the hook is not part of this installation",
    "it is deploy/hooks/post-receive of the source",
  );
}
