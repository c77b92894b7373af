// What a run says of git: the ref that it is about, and what its jobs see of it. Pure.

import type { JobEnvironmentInput } from "../plan/job-environment.ts";
import type { PlanningRun } from "../services/reporter/plan-pass.ts";

type RunOfGit = Pick<PlanningRun, "branch" | "tag" | "default_branch" | "repository">;

/** In full. Without branch and tag it is the default branch's. */
export function runRef({ branch, tag, default_branch }: RunOfGit): string {
  return tag === null ? `refs/heads/${branch ?? default_branch}` : `refs/tags/${tag}`;
}

/** The variables of git; what is not known is empty. */
export function gitOf(run: RunOfGit, commit: string): JobEnvironmentInput["git"] {
  const branch = run.branch ?? (run.tag === null ? run.default_branch : "");
  return { ...partsOf(run.repository ?? ""), branch, tag: run.tag ?? "", commit };
}

/** `https://host/owner/more/name.git`, `user@host:owner/name` and their like. */
function partsOf(repository: string): { domain: string; owner: string; repository: string } {
  const web = /^[a-z+]+:\/\/(?:[^/@]*@)?([^/:]*)(?::\d+)?\/(.*)$/.exec(repository);
  const short = /^(?:[^/@:]+@)?([^/:]+):(.+)$/.exec(repository);
  const [, domain = "", place = ""] = web ?? short ?? [];
  const names = place.split("/").filter(name => name !== "");
  const name = names.pop()?.replace(/\.git$/, "") ?? "";
  return { domain, owner: names.join("/"), repository: name };
}
