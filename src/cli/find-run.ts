// Which project, and which run, a person means: by name, by the checkout at hand, by number.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Client } from "../client/client.ts";
import { type CommandContext, type FlagValues, UsageError } from "./context.ts";
import { itemsOf } from "./pages.ts";
import { type ServerAccess, textOf } from "./server-access.ts";

export interface ProjectName {
  organisation: string;
  project: string;
}

const exec = promisify(execFile);

/** `--project ORG/NAME`, `SLIPWAY_PROJECT`, or the project whose repository is this directory's `origin`. */
export async function projectOf(
  context: CommandContext,
  values: FlagValues,
  { client }: ServerAccess,
  given?: string,
): Promise<ProjectName> {
  const named = given ?? textOf(values.project) ?? textOf(context.env.SLIPWAY_PROJECT);
  if (named !== undefined) return projectCalled(client, named);
  const origin = await originOf(context.cwd);
  if (origin !== undefined) {
    for await (const { organisation, name, repository } of allProjects(client)) {
      if (repository !== null && sameRepository(repository, origin)) return { organisation, project: name };
    }
  }
  throw new UsageError(
    origin === undefined ? "which project?" : `which project? None has the repository ${origin}`,
    "name it with --project ORGANISATION/PROJECT, or call this in a checkout of its repository",
  );
}

/** A name without its organisation is looked for. */
async function projectCalled(client: Client, name: string): Promise<ProjectName> {
  if (name.includes("/") || !/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name)) return readProject(name);
  const found: ProjectName[] = [];
  for await (const each of allProjects(client, name)) {
    if (each.name === name) found.push({ organisation: each.organisation, project: name });
  }
  if (found.length === 1) return found[0]!;
  const names = found.map(({ organisation, project }) => `${organisation}/${project}`);
  throw found.length === 0
    ? new UsageError(`there is no project "${name}" that you may see`, "write ORGANISATION/PROJECT")
    : new UsageError(`which "${name}"?`, `there are: ${names.join(", ")}`);
}

function allProjects(client: Client, text?: string) {
  return itemsOf(page =>
    client.listProjects({ query: { ...page, ...(text === undefined ? {} : { text }) } }),
  );
}

/** Throws UsageError for what is not ORGANISATION/PROJECT. */
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

/** The same place however it is written: with or without user, port, `.git`, https or ssh. */
export function sameRepository(one: string, other: string): boolean {
  return canonical(one) === canonical(other);
}

function canonical(address: string): string {
  const scheme = /^([a-z+]+):\/\//i.exec(address);
  const rest = address
    .slice(scheme?.[0].length ?? 0)
    .replace(/^[^@/]*@/, "")
    .replace(/(\.git)?\/*$/, "");
  const place =
    scheme === null ? rest.replace(/^([^/:]+):(?!\/\/)/, "$1/") : rest.replace(/^([^/:]+):\d+/, "$1");
  return place.replace(/^[^/]+/, host => host.toLowerCase());
}

const howToName = "write its id, ORGANISATION/PROJECT#NUMBER, PROJECT#NUMBER, a number, or latest";

export type NamedRun = { id: string } | { number: number | "latest"; project: string | undefined };

/** Reads a run's name. Throws UsageError. */
export function readRun(word: string | undefined): NamedRun {
  if (word === undefined) throw new UsageError("which run?", howToName);
  if (/^[0-9a-f]{24}$/.test(word)) return { id: word };
  const match = /^(?:([^#]+)#|#)?([1-9]\d{0,15}|latest)$/.exec(word);
  if (match === null) throw new UsageError(`"${word}" is no run`, howToName);
  return { project: match[1], number: match[2] === "latest" ? "latest" : Number(match[2]) };
}

/** The run's id. Throws UsageError, and what the client throws. */
export async function runOf(
  context: CommandContext,
  values: FlagValues,
  access: ServerAccess,
  word: string | undefined,
): Promise<string> {
  const named = readRun(word);
  if ("id" in named) return named.id;
  const project = await projectOf(context, values, access, named.project);
  const { number } = named;
  if (number !== "latest") return (await access.client.findRun({ params: { ...project, number } })).id;
  const { items } = await access.client.listRuns({ params: project, query: { limit: 1 } });
  if (items[0] !== undefined) return items[0].id;
  throw new UsageError(
    `${project.organisation}/${project.project} has no runs yet`,
    "start one: slipway trigger",
  );
}

export type Run = Awaited<ReturnType<Client["getRun"]>>;
export type Job = Run["jobs"][number];

/** A job's name with its combination, as `--job` takes it. */
export function jobName({ name, combination }: Pick<Job, "name" | "combination">): string {
  return combination === "" ? name : `${name}/${combination}`;
}

/** A job of a run by its name, with its combination where there is one. Throws UsageError. */
export async function jobOf(client: Client, run: string, name: string | undefined): Promise<Job> {
  const { jobs } = await client.getRun({ params: { run } });
  const found = jobs.filter(job => name === undefined || job.name === name || jobName(job) === name);
  if (found.length === 1) return found[0]!;
  throw new UsageError(
    name === undefined ? "which job of the run?" : `there is no one job "${name}"`,
    `name it with --job; there are: ${jobs.map(jobName).join(", ") || "none yet"}`,
  );
}
