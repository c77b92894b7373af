// One commit of a repository to look into, without a checkout: only what is asked for is fetched, where the host can do
// that. For planning, which needs one file of a project and perhaps a few of its directories.

import { mkdir } from "node:fs/promises";
import path from "node:path";
import { accept, type Result, refuse, SlipwayError } from "../core/failure.ts";
import { TooLarge, watchBounds } from "./directory-size.ts";
import type { FetchCommitOptions } from "./fetch-commit.ts";
import { fetchObjects, initRepository, must } from "./fetch-objects.ts";
import { type GitAccess, openGitAccess } from "./git-access.ts";
import { lineOf, refusalOf } from "./git-failure.ts";
import { isCommit } from "./repository-address.ts";

export interface OpenCommitOptions
  extends Omit<FetchCommitOptions, "depth" | "submodules" | "lfs" | "tags" | "commit"> {
  /** Its id, or the beginning of it. Absent: the one that `ref` has now. */
  commit?: string;
}

export interface OpenCommit extends AsyncDisposable {
  readonly commit: string;
  /** The first line of what its author wrote. */
  readonly message: string;
  /** Names in the top directory, with what they are. */
  readonly top: ReadonlyMap<string, "file" | "directory" | "link" | "other">;
  /** A file of the commit. Refuses one that is not there or larger than `maxBytes`. */
  readFile(name: string, maxBytes: number): Promise<Result<Buffer>>;
  /** Writes what lies below `name` under the same name into `target`. False where nothing is there. */
  extract(name: string, target: string): Promise<boolean>;
  /** Files that differ from another commit; undefined where that one cannot be had, or they are very many. */
  changedSince(base: string): Promise<string[] | undefined>;
}

const kinds: Record<string, "file" | "directory" | "link" | "other"> = {
  "100644": "file",
  "100755": "file",
  "040000": "directory",
  "120000": "link",
};
const mostChanged = 20_000;
const changedBytes = 8 * 1024 * 1024;

/** As `fetchCommit` refuses and throws. Time and size are bounded until it is disposed of. */
export async function openCommit(options: OpenCommitOptions): Promise<Result<OpenCommit>> {
  const { directory, limits, clock, signal } = options;
  const opened = await openGitAccess({ ...options, directory: options.privateDirectory });
  if (!opened.ok) return opened;
  const access = opened.value;
  await mkdir(directory, { recursive: true });
  const bounds = watchBounds({ root: directory, ...limits, clock, signal });
  const dispose = async () => {
    bounds[Symbol.dispose]();
    await access[Symbol.asyncDispose]();
  };
  try {
    const commit = await fetched(access, options, bounds.signal);
    if (!commit.ok) {
      await dispose();
      return commit;
    }
    return accept(await lookInto(access, commit.value, options, bounds.signal, dispose));
  } catch (error) {
    await dispose();
    if (error instanceof TooLarge) return tooLarge(options);
    throw error;
  }
}

async function fetched(
  access: GitAccess,
  options: OpenCommitOptions,
  signal: AbortSignal,
): Promise<Result<string>> {
  const { directory, ref } = options;
  await initRepository(access, directory, signal);
  const commit = await wholeCommit(access, options, signal);
  if (!commit.ok) return commit;
  const wanted = {
    commit: commit.value,
    depth: 1,
    withoutFiles: true,
    ...(ref === undefined ? {} : { ref }),
  };
  const got = await fetchObjects(access, directory, wanted, signal);
  return got.ok ? commit : got;
}

async function wholeCommit(
  access: GitAccess,
  options: OpenCommitOptions,
  signal: AbortSignal,
): Promise<Result<string>> {
  const { commit } = options;
  if (commit === undefined) return newest(access, options, signal);
  if (isCommit(commit) || !/^[0-9a-f]{4,63}$/.test(commit)) return accept(commit);
  return completed(access, commit, options, signal);
}

/** The commit of the repository's branches and tags whose id begins like this. */
async function completed(
  access: GitAccess,
  beginning: string,
  { directory: cwd, repository }: OpenCommitOptions,
  signal: AbortSignal,
): Promise<Result<string>> {
  const refs = ["+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*"];
  const args = ["fetch", "--quiet", "--no-recurse-submodules", "--filter=blob:none", "--", "origin", ...refs];
  const output = await access.run(args, { cwd, signal });
  if (output.status !== 0) return { ok: false, refusal: refusalOf(output, repository) };
  const found = await access.run(["rev-parse", "--verify", `${beginning}^{commit}`], { cwd, signal });
  if (found.status === 0) return accept(found.stdout.toString("utf8").trim());
  return refuse(
    "git-no-commit",
    `${repository} has no commit, or several, whose id begins with ${beginning}`,
    "give the whole id",
  );
}

async function newest(
  access: GitAccess,
  { ref = "HEAD", limits, clock }: OpenCommitOptions,
  signal: AbortSignal,
): Promise<Result<string>> {
  const { listRefs } = await import("./list-remote.ts");
  const listed = await listRefs(access, { only: [ref], seconds: limits.seconds, clock, signal });
  if (!listed.ok) return listed;
  const commit = listed.value.refs.find(each => each.ref === ref)?.commit;
  if (commit !== undefined) return accept(commit);
  return refuse("git-no-ref", `${access.address.url} has no ${ref}`, "it may have been deleted");
}

async function lookInto(
  access: GitAccess,
  commit: string,
  options: OpenCommitOptions,
  signal: AbortSignal,
  dispose: () => Promise<void>,
): Promise<OpenCommit> {
  const { directory } = options;
  const cwd = directory;
  const run = (args: string[], mostBytes?: number) =>
    access.run(args, { cwd, signal, ...(mostBytes === undefined ? {} : { mostBytes }) });
  const listing = await must(run(["ls-tree", "-z", commit], changedBytes), "ls-tree");
  const subject = await must(run(["log", "-1", "--format=%s", commit]), "log");
  return {
    commit,
    message: subject.stdout.toString("utf8").trim().slice(0, 500),
    top: topOf(listing.stdout.toString("utf8")),
    async readFile(name, maxBytes) {
      const output = await boundedFile(access, { cwd, signal, commit, name, maxBytes });
      return output;
    },
    async extract(name, target) {
      await mkdir(target, { recursive: true });
      const args = [`--work-tree=${target}`, "checkout", "--quiet", commit, "--", `:(literal,top)${name}`];
      const output = await access.run(args, { cwd: path.join(directory, ".git"), signal });
      if (output.status === 0) return true;
      if (/did not match any file/.test(output.stderr)) return false;
      throw new SlipwayError("git-failed", `git checkout: ${lineOf(output)}`);
    },
    async changedSince(base) {
      const known = await fetchObjects(
        access,
        directory,
        { commit: base, depth: 1, withoutFiles: true },
        signal,
      );
      if (!known.ok) return undefined;
      return changedPaths(access, directory, base, commit, signal);
    },
    [Symbol.asyncDispose]: dispose,
  };
}

function topOf(listing: string): OpenCommit["top"] {
  const entries = listing.split("\0").filter(line => line !== "");
  return new Map(
    entries.map(line => {
      const [about = "", name = ""] = line.split(/\t(.*)/s);
      return [name, kinds[about.split(" ", 1)[0]!] ?? "other"];
    }),
  );
}

async function boundedFile(
  access: GitAccess,
  file: { cwd: string; signal: AbortSignal; commit: string; name: string; maxBytes: number },
): Promise<Result<Buffer>> {
  const { cwd, signal, commit, name, maxBytes } = file;
  try {
    const args = ["cat-file", "blob", `${commit}:${name}`];
    const output = await access.run(args, { cwd, signal, mostBytes: maxBytes });
    if (output.status === 0) return accept(output.stdout);
    if (/does not exist|not a valid object name|bad file/i.test(output.stderr)) {
      return refuse("git-no-file", `the commit ${commit.slice(0, 12)} has no file ${name}`);
    }
    throw new SlipwayError("git-failed", `git cat-file: ${lineOf(output)}`);
  } catch (error) {
    if (!(error instanceof SlipwayError) || error.code !== "git-output") throw error;
    return refuse("git-too-large", `${name} has more than ${maxBytes} bytes`);
  }
}

/** Files that differ between two commits that are there; undefined where they are more than is worth listing. */
async function changedPaths(
  access: GitAccess,
  directory: string,
  base: string,
  head: string,
  signal: AbortSignal,
): Promise<string[] | undefined> {
  const args = ["diff-tree", "-r", "-z", "--name-only", "--no-renames", "--no-commit-id", base, head];
  try {
    const output = await must(
      access.run(args, { cwd: directory, signal, mostBytes: changedBytes }),
      "diff-tree",
    );
    const paths = output.stdout
      .toString("utf8")
      .split("\0")
      .filter(name => name !== "");
    return paths.length > mostChanged ? undefined : paths;
  } catch (error) {
    if (error instanceof SlipwayError && error.code === "git-output") return undefined;
    throw error;
  }
}

function tooLarge({ repository, limits }: OpenCommitOptions): Result<never> {
  const most = Math.floor(limits.bytes / 2 ** 20);
  return refuse("git-too-large", `what planning needs of ${repository} is more than ${most} MiB`);
}
