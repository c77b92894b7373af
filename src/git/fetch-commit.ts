// A checkout of one commit, as a job gets it: bounded in size and time, with its `.git` directory and without a trace of
// the credential. Nothing of the repository is executed: no hooks, no filters, no helpers.

import { mkdir } from "node:fs/promises";
import { accept, type Result, refuse, SlipwayError } from "../core/failure.ts";
import type { Clock } from "../lib/clock.ts";
import { fsFailure } from "../lib/fs-failure.ts";
import { TooLarge, watchBounds } from "./directory-size.ts";
import { fetchObjects, initRepository, must } from "./fetch-objects.ts";
import { type GitAccess, type GitAccessOptions, openGitAccess } from "./git-access.ts";
import { lineOf, refusalOf } from "./git-failure.ts";
import { pullLargeFiles } from "./pull-large-files.ts";

export interface FetchCommitOptions extends Omit<GitAccessOptions, "directory"> {
  commit: string;
  /** In full: `refs/heads/main`, `refs/tags/v1`. A branch is what HEAD is on then. */
  ref?: string;
  /** Commits of history: 1 unless told, 0 for all. */
  depth?: number;
  submodules?: boolean;
  lfs?: boolean;
  tags?: boolean;
  /** Where the checkout goes; made, and left half filled when it fails. */
  directory: string;
  /** Existing, private: for keys and the like. */
  privateDirectory: string;
  limits: { bytes: number; seconds: number };
  clock: Clock;
  signal: AbortSignal;
}

/** Of files in a checkout. */
const mostFiles = 2_000_000;

/**
 * Fetches and checks out. Refuses what the repository's side got wrong (`git-auth`, `git-not-found`, `git-no-commit`,
 * `git-too-large`, ...). Throws SlipwayError for a network or host in trouble, a full disk, a missing git, and the signal's reason.
 */
export async function fetchCommit(options: FetchCommitOptions): Promise<Result<void>> {
  const { directory, limits, clock, signal } = options;
  const opened = await openGitAccess({ ...options, directory: options.privateDirectory });
  if (!opened.ok) return opened;
  await using access = opened.value;
  await mkdir(directory, { recursive: true }).catch((error: unknown) => {
    throw fsFailure("make", directory, error);
  });
  using bounds = watchBounds({ root: directory, ...limits, clock, signal });
  try {
    const checkedOut = await checkOut(access, options, bounds.signal);
    if (checkedOut.ok) await bounds.check();
    return checkedOut;
  } catch (error) {
    if (error instanceof TooLarge) return tooLarge(access, limits.bytes);
    throw error;
  }
}

async function checkOut(
  access: GitAccess,
  options: FetchCommitOptions,
  signal: AbortSignal,
): Promise<Result<void>> {
  const { directory, commit, ref, depth = 1, tags, limits } = options;
  const git = (...args: string[]) => access.run(args, { cwd: directory, signal });
  await initRepository(access, directory, signal);
  const wanted = {
    commit,
    depth,
    ...(ref === undefined ? {} : { ref }),
    ...(tags === undefined ? {} : { tags }),
  };
  const fetched = await fetchObjects(access, directory, wanted, signal);
  if (!fetched.ok) return fetched;
  const bytes = await treeSize(access, directory, commit, signal);
  if (bytes > limits.bytes) return tooLarge(access, limits.bytes);
  const branch = ref?.startsWith("refs/heads/") === true ? ref.slice("refs/heads/".length) : undefined;
  if (ref !== undefined && branch === undefined) await must(git("update-ref", ref, commit), "update-ref");
  if (branch === undefined) await must(git("update-ref", "--no-deref", "HEAD", commit), "update-ref");
  else {
    await must(git("update-ref", `refs/remotes/origin/${branch}`, commit), "update-ref");
    await must(git("update-ref", `refs/heads/${branch}`, commit), "update-ref");
    await must(git("symbolic-ref", "HEAD", `refs/heads/${branch}`), "symbolic-ref");
  }
  await must(git("reset", "--quiet", "--hard"), "reset");
  if (options.submodules === true) {
    const got = await updateSubmodules(access, options, signal);
    if (!got.ok) return got;
  }
  return options.lfs === true ? pullLargeFiles(access, directory, signal) : accept(undefined);
}

async function updateSubmodules(
  access: GitAccess,
  { directory, depth = 1 }: FetchCommitOptions,
  signal: AbortSignal,
): Promise<Result<void>> {
  const shallow = depth > 0 ? [`--depth=${depth}`] : [];
  const args = ["submodule", "--quiet", "update", "--init", "--recursive", ...shallow];
  const output = await access.run(args, { cwd: directory, signal });
  if (output.status === 0) return accept(undefined);
  return { ok: false, refusal: refusalOf(output, `submodules of ${access.address.url}`) };
}

/** Bytes of all files of a commit, known before any is written. */
async function treeSize(
  access: GitAccess,
  directory: string,
  commit: string,
  signal: AbortSignal,
): Promise<number> {
  let bytes = 0;
  let files = 0;
  let rest = "";
  const output = await access.run(["ls-tree", "-r", "-l", "--full-tree", commit], {
    cwd: directory,
    signal,
    onOutput(part) {
      const lines = (rest + part.toString("latin1")).split("\n");
      rest = lines.pop() ?? "";
      files += lines.length;
      // `mode type object size<TAB>path`; a submodule has `-` for its size.
      for (const line of lines) bytes += Number.parseInt(line.split(/\s+/, 4)[3] ?? "", 10) || 0;
      if (files > mostFiles) throw new TooLarge(`more than ${mostFiles} files`);
    },
  });
  if (output.status !== 0) throw new SlipwayError("git-failed", `git ls-tree: ${lineOf(output)}`);
  return bytes;
}

function tooLarge({ address }: GitAccess, bytes: number): Result<never> {
  return refuse(
    "git-too-large",
    `the checkout of ${address.url} needs more than ${Math.floor(bytes / 2 ** 20)} MiB`,
    "fetch less of its history (`checkout: {depth: 1}`), or have the limit raised",
  );
}
