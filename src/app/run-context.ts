// All that is known before a pipeline is chosen: the host's environment, the directories, the loaded file, what git
// says. A workflow reads it once for all of its pipelines.

import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { type FoundFile, findPipelineFile } from "../config/find-file.ts";
import { loadPipelineFile } from "../config/load.ts";
import { parseErrorText } from "../config/parse-error-text.ts";
import type { PipelineFile } from "../config/pipeline-file.ts";
import { accept, messageOf, type Result, refuse } from "../core/failure.ts";
import type { EnvEntry, Job } from "../core/job.ts";
import { type GitRunner, gitRunner } from "../steps/git-command.ts";
import { type GitInfo, readGitInfo } from "./git-info.ts";
import { readHostEnvironment } from "./host-environment.ts";
import type { RunObserver } from "./run-observer.ts";
import type { RunOptions } from "./run-options.ts";

export interface RunContext {
  options: RunOptions;
  observer: RunObserver;
  signal: AbortSignal;
  hostEnvironment: EnvEntry[];
  /** Absolute. */
  workingDir: string;
  /** The project on this machine; where a tarball was unpacked. Absolute. */
  projectDir: string;
  project: Job["project"];
  git: Required<NonNullable<RunOptions["git"]>>;
  runGit: GitRunner;
}

/** A context with the file that its pipelines are in. */
export interface FileContext extends RunContext {
  found: FoundFile;
  file: PipelineFile;
}

const mostFileBytes = 4 * 1024 * 1024;

/** Reads all of it but the file. Refuses what the person got wrong; throws only the signal's reason. */
export async function openRunContext(
  options: RunOptions,
  observer: RunObserver,
  signal: AbortSignal,
): Promise<Result<RunContext>> {
  const environment = await readHostEnvironment(options.cwd, options.env, options.environmentFile);
  if (!environment.ok) return environment;
  if (environment.value.file !== undefined && environment.value.problems.length > 0) {
    const { path: name, text } = environment.value.file;
    await observer.problems?.({ name: path.basename(name), text, problems: environment.value.problems });
  }
  const workingDir = path.resolve(
    options.cwd,
    options.workingDir ?? (options.wercker ? ".wercker" : ".slipway"),
  );
  const target = await targetDirectory(options, workingDir, observer, signal);
  if (!target.ok) return target;
  const projectDir = target.value;
  if (projectDir === workingDir) {
    return refuse(
      "usage",
      `the project and the working directory are the same: ${workingDir}`,
      "name another --working-dir",
    );
  }
  await makeWorkingDir(workingDir);
  const owner = options.project?.owner ?? userName();
  const name =
    options.project?.name ??
    (path.basename(options.fromLatestOutput ? options.cwd : projectDir) || "project");
  const runGit = gitRunner(options.env);
  const told = options.git ?? {};
  const git = await gitOf(runGit, projectDir, told, signal);
  return accept({
    options,
    observer,
    signal,
    hostEnvironment: environment.value.entries,
    workingDir,
    projectDir,
    project: { id: options.project?.id ?? name, name, owner },
    git: {
      domain: told.domain ?? "",
      owner: told.owner ?? owner,
      repository: told.repository ?? "",
      branch: told.branch ?? git.branch,
      tag: told.tag ?? git.tag,
      commit: told.commit ?? git.commit,
    },
    runGit,
  });
}

/** Finds and loads the pipeline file. Its problems go to the observer. */
export async function loadContextFile(context: RunContext): Promise<Result<FileContext>> {
  const { options, projectDir, observer } = context;
  const explicit = options.file === undefined ? undefined : path.resolve(options.cwd, options.file);
  let found = await findPipelineFile(projectDir, explicit);
  // The output of a build need not hold the file that says how to deploy it.
  if (!found.ok && explicit === undefined && options.fromLatestOutput)
    found = await findPipelineFile(options.cwd);
  if (!found.ok) return found;
  let bytes: Buffer;
  try {
    const { size } = await stat(found.value.path);
    if (size > mostFileBytes) {
      return refuse(
        "file-too-large",
        `${found.value.path} is larger than 4 MiB`,
        "a pipeline file is a few kB; is it the right one?",
      );
    }
    bytes = await readFile(found.value.path);
  } catch (error) {
    return refuse("file-unreadable", `cannot read ${found.value.path}: ${messageOf(error)}`);
  }
  if (options.wercker) await observer.say("debug", bytes.toString("utf8").trimEnd());
  const loaded = loadPipelineFile(bytes, found.value);
  const shown = path.relative(options.cwd, found.value.path) || found.value.name;
  if (loaded.problems.length > 0) {
    await observer.problems?.({ name: shown, text: loaded.text, problems: loaded.problems });
  }
  const errors = loaded.problems.filter(problem => problem.severity === "error");
  if (loaded.file === undefined || errors.length > 0) {
    const first = errors[0];
    const place = first === undefined ? "" : `:${first.line}:${first.column}: ${first.message}`;
    const inOldWords = found.value.dialect === "wercker" ? parseErrorText(errors) : undefined;
    return refuse(
      "file-wrong",
      inOldWords ?? `${shown}${place}`,
      first?.hint || "`slipway check` tells every problem of the file",
    );
  }
  return accept({ ...context, found: found.value, file: loaded.file });
}

/** Made with a file that keeps it out of the project's repository. */
async function makeWorkingDir(workingDir: string): Promise<void> {
  if ((await mkdir(workingDir, { recursive: true })) === undefined) return;
  await writeFile(path.join(workingDir, ".gitignore"), "*\n");
}

async function gitOf(
  git: GitRunner,
  dir: string,
  told: NonNullable<RunOptions["git"]>,
  signal: AbortSignal,
): Promise<GitInfo> {
  const all = told.branch !== undefined && told.tag !== undefined && told.commit !== undefined;
  return all ? { branch: "", tag: "", commit: "" } : readGitInfo(git, dir, signal);
}

async function targetDirectory(
  options: RunOptions,
  workingDir: string,
  observer: RunObserver,
  signal: AbortSignal,
): Promise<Result<string>> {
  const target = options.target;
  if (target !== undefined && /^https?:\/\//i.test(target)) {
    const { fetchProject } = await import("./fetch-project.ts");
    return fetchProject(target, workingDir, signal);
  }
  if (target === undefined && options.fromLatestOutput) {
    const output = path.join(workingDir, "latest", "output");
    if (await isDirectory(output)) {
      await observer.say("info", "No target specified, using recent build output.");
      return accept(output);
    }
  }
  const dir = path.resolve(options.cwd, target ?? ".");
  if (await isDirectory(dir)) return accept(dir);
  return refuse(
    "usage",
    `target '${target}' is not a directory`,
    "name a directory, or the http(s) URL of a tarball",
  );
}

async function isDirectory(dir: string): Promise<boolean> {
  try {
    return (await stat(dir)).isDirectory();
  } catch {
    return false;
  }
}

function userName(): string {
  try {
    return os.userInfo().username || "wercker";
  } catch {
    // A uid without an entry in the password file, as in many containers.
    return "wercker";
  }
}
