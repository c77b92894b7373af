// Branch, tag and commit of a working tree, as git tells them. A directory without git, or without a commit, simply has
// none of them.

import { messageOf } from "../core/failure.ts";
import type { GitRunner } from "../steps/git-command.ts";

export interface GitInfo {
  /** Empty when no branch is checked out. */
  branch: string;
  tag: string;
  commit: string;
}

/** Asks three times at once; what git cannot say is empty. Throws only the signal's reason. */
export async function readGitInfo(git: GitRunner, dir: string, signal: AbortSignal): Promise<GitInfo> {
  const ask = async (...args: string[]): Promise<string> => {
    try {
      const answer = await git(args, { cwd: dir, mostBytes: 64 * 1024, protocols: "", signal });
      return answer.status === 0 ? answer.stdout.toString("utf8").trim() : "";
    } catch (error) {
      signal.throwIfAborted();
      // No git on this machine: the run works without it.
      void messageOf(error);
      return "";
    }
  };
  const [branch, tags, commit] = await Promise.all([
    ask("rev-parse", "--abbrev-ref", "HEAD"),
    ask("tag", "--points-at", "HEAD"),
    ask("rev-parse", "HEAD"),
  ]);
  const hasCommit = /^[0-9a-f]{40,64}$/.test(commit);
  return {
    branch: branch === "HEAD" ? "" : branch,
    tag: tags.split("\n").at(-1) ?? "",
    commit: hasCommit ? commit : "",
  };
}
