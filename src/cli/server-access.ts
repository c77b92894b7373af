// What every command that speaks to a server begins with: which server, with which token, about which project and run; and
// how its answers that say no are told.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { listContexts } from "../app/server-contexts.ts";
import { ApiProblem, type Client, createClient } from "../client/client.ts";
import { type CommandContext, type FlagValues, UsageError } from "./context.ts";

export interface ServerAccess {
  client: Client;
  url: string;
}

const exec = promisify(execFile);

/** Flags win, then `SLIPWAY_SERVER` and `SLIPWAY_TOKEN`, then the current context. Throws UsageError where there is none. */
export function connect(context: CommandContext, values: FlagValues): ServerAccess {
  const { env } = context;
  const wanted = text(values.server) ?? env.SLIPWAY_SERVER;
  const { current, servers } = listContexts(env);
  const known = servers.find(({ name, url }) => name === (wanted ?? current) || url === wanted);
  const url =
    known?.url ??
    (wanted !== undefined && /^https?:\/\//.test(wanted) ? wanted.replace(/\/+$/, "") : undefined);
  if (url === undefined) {
    throw wanted === undefined
      ? new UsageError(
          "no server is chosen",
          "run `slipway login URL`, or name one with --server or SLIPWAY_SERVER",
        )
      : new UsageError(
          `there is no server "${wanted}"`,
          `there are: ${servers.map(({ name }) => name).join(", ") || "none; run `slipway login URL`"}`,
        );
  }
  const token = env.SLIPWAY_TOKEN || known?.token.reveal();
  return { url, client: createClient({ url, ...(token === undefined ? {} : { token }) }) };
}

/** Runs a command's calls; what the server refuses is told, with 1, and 3 where it does not answer (by the caller). */
export async function calling(context: CommandContext, work: () => Promise<number>): Promise<number> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof ApiProblem)) throw error;
    const hint = error.status === 401 ? "sign in with `slipway login URL`, or set SLIPWAY_TOKEN" : error.hint;
    await context.err.write(
      `${context.name}: ${plainText(error.message)}\n${hint === undefined ? "" : `  ${plainText(hint)}\n`}`,
    );
    return error.status >= 500 ? 3 : 1;
  }
}

export interface ProjectName {
  organisation: string;
  project: string;
}

/** `--project ORG/NAME`, `SLIPWAY_PROJECT`, or the project whose repository is this directory's `origin`. */
export async function projectOf(
  context: CommandContext,
  values: FlagValues,
  { client }: ServerAccess,
  given?: string,
): Promise<ProjectName> {
  const named = given ?? text(values.project) ?? context.env.SLIPWAY_PROJECT;
  if (named !== undefined) return readProject(named);
  const origin = await originOf(context.cwd);
  if (origin !== undefined) {
    let after: string | undefined;
    do {
      const page = await client.listProjects({
        query: { limit: 200, ...(after === undefined ? {} : { after }) },
      });
      const found = page.items.find(
        ({ repository }) => repository !== null && sameRepository(repository, origin),
      );
      if (found !== undefined) return { organisation: found.organisation, project: found.name };
      after = page.next;
    } while (after !== undefined);
  }
  throw new UsageError(
    "which project?",
    "name it with --project ORGANISATION/PROJECT, or call this in a checkout of its repository",
  );
}

export function readProject(name: string): ProjectName {
  const match = /^([a-z0-9][a-z0-9-]*)\/([A-Za-z0-9][A-Za-z0-9._-]*)$/.exec(name);
  if (match === null) throw new UsageError(`"${name}" is no project`, "write ORGANISATION/PROJECT");
  return { organisation: match[1]!, project: match[2]! };
}

async function originOf(cwd: string): Promise<string | undefined> {
  try {
    const { stdout } = await exec("git", ["config", "--get", "remote.origin.url"], { cwd });
    return stdout.trim() || undefined;
  } catch {
    return undefined;
  }
}

/** The same place however it is written: with or without user, `.git`, https or ssh. */
function sameRepository(one: string, other: string): boolean {
  return canonical(one) === canonical(other);
}

function canonical(address: string): string {
  return address
    .replace(/^[a-z+]+:\/\//i, "")
    .replace(/^[^@/]*@/, "")
    .replace(/^([^/:]+):(?!\d)/, "$1/")
    .replace(/(\.git)?\/*$/, "")
    .toLowerCase();
}

/** An id, `PROJECT#NUMBER`, `ORG/PROJECT#NUMBER`, `#NUMBER`, or `latest` of the project. Answers the run's id. */
export async function runOf(
  context: CommandContext,
  values: FlagValues,
  access: ServerAccess,
  word: string,
): Promise<string> {
  if (/^[0-9a-f]{24}$/.test(word)) return word;
  const match = /^(.*?)#?(\d+|latest)$/.exec(word);
  if (match === null)
    throw new UsageError(
      `"${word}" is no run`,
      "write its id, ORGANISATION/PROJECT#NUMBER, a number, or latest",
    );
  const [, place = "", which = ""] = match;
  const project = await projectOf(context, values, access, place === "" ? undefined : place);
  if (which !== "latest")
    return (await access.client.findRun({ params: { ...project, number: Number(which) } })).id;
  const { items } = await access.client.listRuns({ params: project, query: { limit: 1 } });
  if (items[0] === undefined)
    throw new UsageError(`${project.organisation}/${project.project} has no runs yet`);
  return items[0].id;
}

function text(value: FlagValues[string]): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** Texts of others, as a terminal may be shown them: without control characters. */
export function plainText(value: string): string {
  return value.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, letter =>
    letter === "\n" || letter === "\t" ? letter : "\ufffd",
  );
}
