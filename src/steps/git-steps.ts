// Steps that are git repositories. A range is resolved over the tags, the commit is what is kept and fetched; a
// repository's own hooks, helpers and submodules are never run.

import { createHash, randomUUID } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { accept, type Result, refuse, SlipwayError } from "../core/failure.ts";
import type { StepFile } from "../core/step-file.ts";
import type { GitAnswer, GitRunner } from "./git-command.ts";
import { StepRefused } from "./step-refused.ts";
import { unpackStep } from "./unpack-step.ts";

export interface GitSteps {
  /**
   * The newest tag of `url` that satisfies `version` (a semver range or the name of a tag); for `*` the newest
   * release, else the default branch. Asked anew each time; where the host cannot be reached, what it said last
   * counts, with a warning.
   */
  resolve(url: string, version: string, signal: AbortSignal): Promise<Result<GitStep>>;
  /** The files of that commit, kept or fetched again. Throws StepRefused where the repository has it no more. */
  files(url: string, commit: string, tag: string | undefined, signal: AbortSignal): Promise<StepFile[]>;
}

export interface GitStep {
  commit: string;
  tag?: string;
  files: StepFile[];
  warnings: string[];
}

export interface GitStepOptions {
  directory: string;
  run: GitRunner;
}

interface Pin {
  commit: string;
  tag?: string;
}

const largestListing = 16 * 1024 * 1024;
const largestArchive = 300 * 1024 * 1024;
const commitForm = /^[0-9a-f]{40}([0-9a-f]{24})?$/;

/** Repositories' commits kept in `options.directory`. */
export function openGitSteps(options: GitStepOptions): GitSteps {
  return {
    async resolve(url, version, signal) {
      const checked = checkUrl(url);
      if (!checked.ok) return checked;
      const listed = await list(options, url, version, signal);
      if (!listed.ok) return listed;
      const { pin, warnings } = listed.value;
      const fetched = await fetchCommit(options, url, pin, signal);
      return fetched.ok ? accept({ ...pin, files: fetched.value, warnings }) : fetched;
    },
    async files(url, commit, tag, signal) {
      const checked = checkUrl(url);
      if (!checked.ok) throw new StepRefused(checked.refusal);
      const fetched = await fetchCommit(
        options,
        url,
        tag === undefined ? { commit } : { commit, tag },
        signal,
      );
      if (!fetched.ok) throw new StepRefused(fetched.refusal);
      return fetched.value;
    },
  };
}

/** Which protocols git may use for this URL: those that a template may have, and `file` for local ones only. */
function protocolsOf(url: string): string {
  return url.startsWith("/") || url.startsWith("file://") ? "file" : "https:http:ssh:git";
}

function checkUrl(url: string): Result<void> {
  if (url.startsWith("-") || url.includes("::") || /[\0\n]/.test(url)) {
    return refuse(
      "step-reference-invalid",
      `"${url}" is no URL of a git repository`,
      "check the git URL template",
    );
  }
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed !== undefined && parsed.password !== "") {
    const hint =
      "use an ssh key or git's credential helper: jobs are written down, with the URLs of their steps";
    return refuse("step-reference-invalid", "the git URL template has a password in it", hint);
  }
  return accept(undefined);
}

async function list(
  options: GitStepOptions,
  url: string,
  version: string,
  signal: AbortSignal,
): Promise<Result<{ pin: Pin; warnings: string[] }>> {
  const answer = await options.run(["ls-remote", "--", url, "HEAD", "refs/tags/*"], {
    mostBytes: largestListing,
    protocols: protocolsOf(url),
    signal,
  });
  if (answer.status !== 0) {
    if (refused(answer)) return refuse("step-not-found", `${url}: ${lastLine(answer)}`);
    const said = await lastSaid(options, url, version);
    if (said === undefined) throw unreachable(url, answer);
    return accept({
      pin: said,
      warnings: [`${url}: ${lastLine(answer)}; the commit of an earlier run is used`],
    });
  }
  const pin = await choose(answer.stdout.toString("utf8"), version);
  if (!pin.ok) return refuse("step-not-found", `${url}: ${pin.refusal.message}`, pin.refusal.hint);
  await remember(options, url, version, pin.value);
  return accept({ pin: pin.value, warnings: [] });
}

/** Picks from what `git ls-remote` printed. Exported for its test. */
export async function choose(listing: string, version: string): Promise<Result<Pin>> {
  const tags = new Map<string, string>();
  let head: string | undefined;
  for (const line of listing.split("\n")) {
    const [commit, ref] = line.split("\t");
    if (commit === undefined || ref === undefined || !commitForm.test(commit)) continue;
    if (ref === "HEAD") head = commit;
    // An annotated tag is listed twice; the second line, with ^{}, is the commit it stands for.
    else if (ref.startsWith("refs/tags/"))
      tags.set(ref.slice("refs/tags/".length).replace(/\^\{\}$/, ""), commit);
  }
  const exact = tags.get(version) ?? tags.get(`v${version}`);
  const wanted = exact === undefined ? await newest([...tags.keys()], version) : undefined;
  if (exact !== undefined) return accept({ commit: exact, tag: tags.has(version) ? version : `v${version}` });
  if (wanted !== undefined) return accept({ commit: tags.get(wanted)!, tag: wanted });
  if (version === "*" && head !== undefined) return accept({ commit: head });
  const some = [...tags.keys()].slice(-8).reverse().join(", ");
  return refuse(
    "step-version-not-found",
    `no tag satisfies "${version}"`,
    some === "" ? "it has no tags" : `tags: ${some}`,
  );
}

async function newest(tags: string[], range: string): Promise<string | undefined> {
  const { default: semver } = await import("semver");
  if (semver.validRange(range, { loose: true }) === null) return undefined;
  const versions = new Map<string, string>();
  for (const tag of tags) {
    const version = semver.valid(tag, { loose: true });
    if (version !== null) versions.set(version, tag);
  }
  const best = semver.maxSatisfying([...versions.keys()], range, { loose: true });
  return best === null ? undefined : versions.get(best);
}

async function fetchCommit(
  options: GitStepOptions,
  url: string,
  pin: Pin,
  signal: AbortSignal,
): Promise<Result<StepFile[]>> {
  const from = `${url} at ${pin.commit.slice(0, 12)}`;
  const kept = join(options.directory, "commits", `${pin.commit}.tar`);
  let archive: Buffer | undefined = await readFile(kept).catch(() => undefined);
  if (archive === undefined) {
    if (!commitForm.test(pin.commit)) return refuse("step-reference-invalid", `"${pin.commit}" is no commit`);
    const work = join(options.directory, `fetch-${randomUUID()}`);
    try {
      const fetched = await archiveOf(options, url, pin, work, signal);
      if (!fetched.ok) return fetched;
      archive = fetched.value;
    } finally {
      await rm(work, { recursive: true, force: true });
    }
    await writeWhole(kept, archive);
  }
  return unpackStep(archive, from, signal);
}

async function archiveOf(
  options: GitStepOptions,
  url: string,
  pin: Pin,
  work: string,
  signal: AbortSignal,
): Promise<Result<Buffer>> {
  await mkdir(work, { recursive: true });
  const git = (args: string[], mostBytes = 1024 * 1024) =>
    options.run(args, { cwd: work, mostBytes, protocols: protocolsOf(url), signal });
  await must(git(["init", "--quiet", "--bare", "."]), "init");
  const shallow = ["fetch", "--quiet", "--depth", "1", "--no-tags", "--no-recurse-submodules", "--", url];
  // Not every host gives a commit by its name; then the tag, or all there is, must lead to it.
  let answer = await git([...shallow, pin.commit]);
  if (answer.status !== 0 && pin.tag !== undefined) answer = await git([...shallow, `refs/tags/${pin.tag}`]);
  if (answer.status !== 0 || !(await has(git, pin.commit))) {
    const all = ["fetch", "--quiet", "--no-recurse-submodules", "--", url];
    answer = await git([...all, "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"]);
  }
  if (answer.status !== 0) {
    if (refused(answer)) return refuse("step-not-found", `${url}: ${lastLine(answer)}`);
    throw unreachable(url, answer);
  }
  if (!(await has(git, pin.commit))) {
    return refuse("step-changed", `${url} has the commit ${pin.commit} no more`, "make the job anew");
  }
  return accept((await must(git(["archive", "--format=tar", pin.commit], largestArchive), "archive")).stdout);
}

async function has(git: (args: string[]) => Promise<GitAnswer>, commit: string): Promise<boolean> {
  const answer = await git(["rev-parse", "--verify", "--quiet", `${commit}^{commit}`]);
  return answer.status === 0 && answer.stdout.toString("utf8").trim() === commit;
}

async function must(running: Promise<GitAnswer>, what: string): Promise<GitAnswer> {
  const answer = await running;
  if (answer.status !== 0) throw new SlipwayError("git-failed", `git ${what}: ${lastLine(answer)}`);
  return answer;
}

/** Whether the host answered and said no, in contrast to a host that is not there. */
function refused(answer: GitAnswer): boolean {
  return /not found|does not (exist|appear)|authentication failed|could not read username|permission denied|access denied|returned error: 40[134]/i.test(
    answer.stderr,
  );
}

function lastLine(answer: GitAnswer): string {
  const lines = answer.stderr.trim().split("\n");
  return (
    (lines.find(line => /^(fatal|error):/.test(line)) ?? lines.at(-1) ?? "").slice(0, 300) ||
    `exit ${answer.status}`
  );
}

function unreachable(url: string, answer: GitAnswer): SlipwayError {
  return new SlipwayError("step-fetch-failed", `${url} cannot be reached: ${lastLine(answer)}`);
}

function pinPath(options: GitStepOptions, url: string, version: string): string {
  const key = createHash("sha256").update(`${url}\0${version}`).digest("hex").slice(0, 32);
  return join(options.directory, "pins", `${key}.json`);
}

async function remember(options: GitStepOptions, url: string, version: string, pin: Pin): Promise<void> {
  await writeWhole(pinPath(options, url, version), Buffer.from(JSON.stringify(pin)));
}

async function lastSaid(options: GitStepOptions, url: string, version: string): Promise<Pin | undefined> {
  const text = await readFile(pinPath(options, url, version), "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  const pin = JSON.parse(text) as Partial<Pin>;
  if (typeof pin.commit !== "string" || !commitForm.test(pin.commit)) return undefined;
  return pin.tag === undefined ? { commit: pin.commit } : { commit: pin.commit, tag: String(pin.tag) };
}

async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  const unfinished = `${path}.${randomUUID()}.part`;
  await mkdir(join(path, ".."), { recursive: true });
  await writeFile(unfinished, bytes);
  await rename(unfinished, path);
}
