// `slipway trigger`: starts a run on a server. `slipway run --remote` and `workflow --remote` come here too: they send the
// working tree along, and follow the run as if it went on here.

import { readFile } from "node:fs/promises";
import path from "node:path";
import type { Client } from "../../client/client.ts";
import { type Command, type CommandContext, type FlagValues, UsageError } from "../context.ts";
import { projectOf } from "../find-run.ts";
import { type Flag, flagKey, runFlags, workflowFlags } from "../flags.ts";
import { followRemoteRun } from "../follow-remote-run.ts";
import { showOne } from "../pages.ts";
import { calling, connect, type ServerAccess, textOf } from "../server-access.ts";
import { wholeOf } from "./runs.ts";

export const trigger: Command = (context, [project], values) =>
  calling(context, async () => {
    const priority =
      values.priority === undefined
        ? {}
        : { priority: wholeOf("--priority", values.priority, { usual: 0, least: -100, most: 100 }) };
    const words = Object.fromEntries(
      (["branch", "tag", "commit", "workflow", "pipeline", "message"] as const)
        .map(name => [name, values[name]])
        .filter(([, value]) => typeof value === "string"),
    );
    const body = { ...words, ...priority, variables: variablesOf(values) };
    const access = await connect(context, values);
    const params = await projectOf(context, values, access, project);
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
  refuseFlagsOfHere(values);
  return calling(context, async () => {
    const root = path.resolve(context.cwd, directory);
    const variables = variablesOf(values);
    const ignoreFile = await ignoreFileOf(root, values);
    const access = await connect(context, values);
    const params = await projectOf({ ...context, cwd: root }, values, access);
    const { sendTree } = await import("../../app/remote/send-tree.ts");
    // A person's Ctrl-C ends the program here, and nothing has been started yet.
    const { signal } = new AbortController();
    const source = await sendTree({
      client: access.client,
      project: params,
      directory: root,
      ignoreFile,
      signal,
    });
    const body = { ...what, source, variables, ...(await branchOf(root, context.env)) };
    const run = await access.client.createRun({ params, body });
    return tell(context, values, access, run, values.detach !== true);
  });
}

/** What the server decides cannot be asked for here; better said than passed over. Throws UsageError. */
function refuseFlagsOfHere(values: FlagValues): void {
  const meant = new Set(["json", "pipeline", "ignore-file"]);
  const given = [...runFlags, ...workflowFlags].filter(
    flag => !meant.has(flag.name) && isGiven(flag, values),
  );
  if (given.length === 0) return;
  const names = given.map(flag => `--${flag.name}`).join(", ");
  throw new UsageError(`${names} has no effect on a server`, "leave it out, or run without --remote");
}

function isGiven(flag: Flag, values: FlagValues): boolean {
  const value = values[flagKey(flag)];
  return flag.value === undefined && flag.name.startsWith("no-") ? value === false : value !== undefined;
}

/** The same one that a run on this machine goes by: of the flag, of the pipeline file, or the usual ones. */
async function ignoreFileOf(root: string, values: FlagValues): Promise<string | undefined> {
  const named = textOf(values.ignoreFile);
  if (named !== undefined) return path.resolve(root, named);
  const { findPipelineFile } = await import("../../config/find-file.ts");
  const found = await findPipelineFile(root);
  if (!found.ok) throw new UsageError(found.refusal.message, found.refusal.hint);
  const { loadPipelineFile } = await import("../../config/load.ts");
  const { file, problems } = loadPipelineFile(await readFile(found.value.path), found.value);
  if (file === undefined) {
    const first = problems.find(({ severity }) => severity === "error");
    throw new UsageError(
      `${found.value.name} is wrong${first === undefined ? "" : `: line ${first.line}: ${first.message}`}`,
      "`slipway check` tells everything that is wrong with it",
    );
  }
  return file.ignoreFile === undefined ? undefined : path.resolve(root, file.ignoreFile);
}

type Run = Awaited<ReturnType<Client["createRun"]>>;

async function tell(
  context: CommandContext,
  values: FlagValues,
  access: ServerAccess,
  run: Run,
  follow: boolean,
): Promise<number> {
  if (!run.trusted) {
    await context.err.write(
      "note: this run gets no protected values: its source is not a maintainer's, nor what stands on a branch of the repository\n",
    );
  }
  if (follow) return followRemoteRun(context, values, access, run, { ownRun: true });
  const name = `${run.organisation}/${run.project}#${run.number}`;
  return showOne(context, values, run, `started ${name}  (slipway logs -f ${name})`);
}

/** The branch that the tree is on is part of what the pipeline may ask for. */
async function branchOf(root: string, env: CommandContext["env"]): Promise<{ branch?: string }> {
  const { readGitInfo } = await import("../../app/git-info.ts");
  const { gitRunner } = await import("../../steps/git-command.ts");
  const git = await readGitInfo(gitRunner(env), root, new AbortController().signal);
  return git.branch === "" ? {} : { branch: git.branch };
}

/** `--var KEY=VALUE`, as often as wanted. Throws UsageError. */
export function variablesOf(values: FlagValues): Record<string, string> {
  const pairs = Array.isArray(values.var) ? values.var : [];
  return Object.fromEntries(
    pairs.map(pair => {
      const match = /^([A-Za-z_][A-Za-z0-9_]*)=([\s\S]*)$/.exec(pair);
      // What stands there may be a value alone, and a secret one.
      if (match === null) throw new UsageError("--var: this is not KEY=VALUE", "write --var NAME=value");
      return [match[1]!, match[2]!];
    }),
  );
}
