// `slipway trigger`: starts a run on a server. `slipway run --remote` and `workflow --remote` come here too: they send the
// working tree along, and follow the run as if it went on here.

import path from "node:path";
import { type Command, type CommandContext, type FlagValues, UsageError } from "../context.ts";
import { followRemoteRun } from "../follow-remote-run.ts";
import { calling, connect, projectOf, type ServerAccess } from "../server-access.ts";

export const trigger: Command = (context, [project], values) =>
  calling(context, async () => {
    const access = connect(context, values);
    const params = await projectOf(context, values, access, project);
    const words = Object.fromEntries(
      (["branch", "tag", "commit", "workflow", "pipeline", "message"] as const)
        .map(name => [name, values[name]])
        .filter(([, value]) => typeof value === "string"),
    );
    const body = { ...words, ...priorityOf(values), variables: variablesOf(values) };
    const run = await access.client.createRun({ params, body });
    return tell(context, values, access, run, values.follow === true);
  });

export interface RemoteRun {
  directory: string;
  what: { pipeline?: string; workflow?: string };
}

/** Sends the tree, starts the run, follows it. */
export function runRemotely(
  context: CommandContext,
  values: FlagValues,
  { directory, what }: RemoteRun,
): Promise<number> {
  return calling(context, async () => {
    const { sendTree } = await import("../../app/remote/send-tree.ts");
    const access = connect(context, values);
    const root = path.resolve(context.cwd, directory);
    const params = await projectOf({ ...context, cwd: root }, values, access);
    const source = await sendTree({
      client: access.client,
      project: params,
      directory: root,
      signal: new AbortController().signal,
    });
    const body = { ...what, source, variables: variablesOf(values), ...(await branchOf(root, context.env)) };
    const run = await access.client.createRun({ params, body });
    return tell(context, values, access, run, values.detach !== true);
  });
}

type Run = Parameters<typeof followRemoteRun>[3];

async function tell(
  context: CommandContext,
  values: FlagValues,
  access: ServerAccess,
  run: Run,
  follow: boolean,
): Promise<number> {
  if (follow) return followRemoteRun(context, values, access, run, { ownRun: true });
  const line = `started ${run.organisation}/${run.project}#${run.number}  (slipway logs -f ${run.id})`;
  await context.out.write(values.json === true ? `${JSON.stringify(run)}\n` : `${line}\n`);
  return 0;
}

/** The branch that the tree is on is part of what the pipeline may ask for. */
async function branchOf(
  root: string,
  env: CommandContext["env"],
): Promise<{ branch?: string; message?: string }> {
  const { readGitInfo } = await import("../../app/git-info.ts");
  const { gitRunner } = await import("../../steps/git-command.ts");
  const git = await readGitInfo(gitRunner(env), root, new AbortController().signal).catch(() => undefined);
  return git?.branch === undefined || git.branch === "" ? {} : { branch: git.branch };
}

function priorityOf(values: FlagValues): { priority?: number } {
  if (values.priority === undefined) return {};
  const priority = Number(values.priority);
  if (!Number.isInteger(priority))
    throw new UsageError(`--priority: "${String(values.priority)}" is no whole number`);
  return { priority };
}

/** `--var KEY=VALUE`, as often as wanted. */
function variablesOf(values: FlagValues): Record<string, string> {
  const pairs = Array.isArray(values.var) ? values.var : [];
  return Object.fromEntries(
    pairs.map(pair => {
      const at = pair.indexOf("=");
      if (at < 1) throw new UsageError(`--var: "${pair}" is not KEY=VALUE`);
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}
