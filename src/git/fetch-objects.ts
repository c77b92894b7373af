// Brings one commit of a repository into a local one, with as little else as the host allows.

import { accept, type Result, refuse, SlipwayError } from "../core/failure.ts";
import type { GitAccess } from "./git-access.ts";
import { deniesObject, lineOf, refusalOf } from "./git-failure.ts";
import type { GitOutput } from "./git-process.ts";
import { isCommit, isRef } from "./repository-address.ts";

export interface Wanted {
  /** Its whole name. */
  commit: string;
  /** Full name of a branch or tag that leads to it: where hosts do not give out single commits. */
  ref?: string;
  /** Commits of history; 0 for all. */
  depth: number;
  tags?: boolean;
  /** Without the content of files: it is fetched when it is looked at, where the host can do that. */
  withoutFiles?: boolean;
}

/** A new repository without templates at `directory`, which knows the address as `origin`. */
export async function initRepository(
  access: GitAccess,
  directory: string,
  signal: AbortSignal,
): Promise<void> {
  await must(access.run(["init", "--quiet", "--template=", directory], { signal }), "init");
  const set = async (name: string, value: string) =>
    must(access.run(["config", name, value], { cwd: directory, signal }), "config");
  await set("remote.origin.url", access.address.url);
  await set("remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*");
}

/**
 * Fetches the commit into the repository at `directory`. Refuses what the host refuses, and a commit that is not there
 * (`git-no-commit`). Throws SlipwayError where the host cannot be reached.
 */
export async function fetchObjects(
  access: GitAccess,
  directory: string,
  wanted: Wanted,
  signal: AbortSignal,
): Promise<Result<void>> {
  const { commit, ref } = wanted;
  if (!isCommit(commit))
    return refuse("git-no-commit", `"${commit.slice(0, 100)}" is no whole id of a commit`);
  if (ref !== undefined && !isRef(ref))
    return refuse("git-ref", `"${ref.slice(0, 100)}" is no name of a ref`);
  const { url } = access.address;
  const run = (depth: number, ...refs: string[]) =>
    access.run(fetchArguments({ ...wanted, depth }, refs), { cwd: directory, signal });
  // The commit by its name; else the ref that led to it, with more and more history; else all refs.
  const tries: (() => Promise<GitOutput>)[] = [() => run(wanted.depth, commit)];
  if (ref !== undefined) {
    if (wanted.depth > 0) tries.push(() => run(Math.max(wanted.depth, 100), ref));
    tries.push(() => run(0, ref));
  }
  tries.push(() => run(0, "+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*"));
  let last: GitOutput | undefined;
  for (const attempt of tries) {
    last = await attempt();
    if (last.status === 0 && (await hasCommit(access, directory, commit, signal))) return accept(undefined);
    if (last.status !== 0 && !deniesObject(last)) return { ok: false, refusal: refusalOf(last, url) };
  }
  const said = last !== undefined && last.status !== 0 ? ` (${lineOf(last)})` : "";
  return refuse(
    "git-no-commit",
    `${url} has no commit ${commit}${said}`,
    "it may have been removed by a forced push, or lie in another repository",
  );
}

function fetchArguments({ depth, tags, withoutFiles }: Omit<Wanted, "commit">, refs: string[]): string[] {
  return [
    "fetch",
    "--quiet",
    "--force",
    "--no-recurse-submodules",
    tags === true ? "--tags" : "--no-tags",
    ...(depth > 0 ? [`--depth=${depth}`] : []),
    ...(withoutFiles === true ? ["--filter=blob:none"] : []),
    "--",
    "origin",
    ...refs,
  ];
}

async function hasCommit(
  access: GitAccess,
  directory: string,
  commit: string,
  signal: AbortSignal,
): Promise<boolean> {
  const { status } = await access.run(["cat-file", "-e", `${commit}^{commit}`], { cwd: directory, signal });
  return status === 0;
}

/** What git must be able to do. Throws SlipwayError `git-failed`. */
export async function must(running: Promise<GitOutput>, what: string): Promise<GitOutput> {
  const output = await running;
  if (output.status === 0) return output;
  throw new SlipwayError("git-failed", `git ${what}: ${lineOf(output)}`);
}
