// A project at the commit of a run, as far as planning needs it: the pipeline file, steps that lie in the project, the
// paths that a push has changed. From its repository, of which only that is fetched, or from a tree that was sent.

import { mkdir, mkdtemp, readdir, rm, stat } from "node:fs/promises";
import path from "node:path";
import type { Blobs } from "../blobs/blobs.ts";
import { dialectOf, pipelineFileNames } from "../config/find-file.ts";
import { accept, type Result, refuse } from "../core/failure.ts";
import { type OpenCommit, openCommit } from "../git/open-commit.ts";
import type { Clock } from "../lib/clock.ts";
import { storedValues } from "../services/api/runner/stored-values.ts";
import type { PlanningRun, ProjectAtCommit } from "../services/reporter/plan-pass.ts";
import { gitRunner } from "../steps/git-command.ts";
import { createStepStore, type StepStore } from "../steps/resolve-step.ts";
import { parseStepReference } from "../steps/step-reference.ts";
import type { Queryable } from "../store/database.ts";
import type { SecretBox } from "../store/secret-box.ts";
import { gitOf, runRef } from "./run-git.ts";
import { openSentProject } from "./sent-project.ts";

export interface ProjectOpening {
  db: Queryable;
  blobs: Pick<Blobs, "get">;
  box: SecretBox;
  clock: Clock;
  /** The platform's data directory. */
  directory: string;
  settings: { caFile?: string | undefined; allowFileRepositories: boolean };
  /** PATH and the proxy variables are taken of it. That of the process unless told. */
  environment?: Readonly<Record<string, string | undefined>>;
}

/** What planning looks at, wherever it comes from. */
export interface ProjectFiles {
  /** Names of plain files and links in the top directory. */
  has(name: string): boolean;
  /** A file of the top directory; links are followed as far as they stay inside. */
  read(name: string, maxBytes: number): Promise<Result<Uint8Array>>;
  /** Brings what lies below a path, relative to the project, into `target`. */
  bring(name: string, target: string): Promise<Result<void>>;
}

/** Planning has two minutes before somebody else tries. */
const limits = { bytes: 2 ** 30, seconds: 90 };
const largestFile = 4 * 1024 * 1024;

/** What `planning.open` of the reporter is: opens the project of a run, bounded in size and time. */
export function openProject(opening: ProjectOpening) {
  return async (run: PlanningRun, signal: AbortSignal): Promise<Result<ProjectAtCommit>> => {
    const place = path.join(opening.directory, "planning");
    await mkdir(place, { recursive: true, mode: 0o700 });
    await sweepPlanning(place, opening.clock.now());
    const directory = await mkdtemp(path.join(place, "run-"));
    const remove = () => rm(directory, { recursive: true, force: true });
    try {
      const opened =
        run.source_key === null
          ? await fromRepository(opening, run, directory, remove, signal)
          : await fromSource(opening, run, run.source_key, directory, remove, signal);
      if (!opened.ok) await remove();
      return opened;
    } catch (error) {
      await remove();
      throw error;
    }
  };
}

/** Removes what a reporter that was killed has left. */
async function sweepPlanning(place: string, now: number): Promise<void> {
  for (const name of await readdir(place)) {
    const directory = path.join(place, name);
    const changed = await stat(directory).then(
      ({ mtimeMs }) => mtimeMs,
      () => now,
    );
    if (now - changed > 3_600_000) await rm(directory, { recursive: true, force: true });
  }
}

async function fromRepository(
  opening: ProjectOpening,
  run: PlanningRun,
  directory: string,
  remove: () => Promise<void>,
  signal: AbortSignal,
): Promise<Result<ProjectAtCommit>> {
  const { repository } = run;
  if (repository === null) {
    return refuse(
      "no-source",
      "the project has no repository, and the run came without a source",
      "give the project a repository, or send a source with `slipway run --remote`",
    );
  }
  const privateDirectory = path.join(directory, "private");
  await mkdir(privateDirectory, { mode: 0o700 });
  const ref = runRef(run);
  const credential = await storedValues(opening.box).credentialOf(opening.db, run.project_id);
  const opened = await openCommit({
    repository,
    ...(run.commit_id === null ? {} : { commit: run.commit_id }),
    ref,
    ...(credential === undefined ? {} : { credential }),
    ...gitSettings(opening),
    directory: path.join(directory, "repository"),
    privateDirectory,
    limits,
    clock: opening.clock,
    signal,
  });
  if (!opened.ok) return opened;
  const commit = opened.value;
  const dispose = async () => {
    await commit[Symbol.asyncDispose]();
    await remove();
  };
  try {
    const changed = await changedPathsOf(opening.db, run, commit);
    const project = await projectOf(opening, run, filesOfCommit(commit), directory, dispose);
    if (!project.ok) {
      await dispose();
      return project;
    }
    return accept({
      ...project.value,
      commit: commit.commit,
      message: run.message === "" ? commit.message : run.message,
      git: gitOf(run, commit.commit),
      ...(changed === undefined ? {} : { changedPaths: changed }),
    });
  } catch (error) {
    await dispose();
    throw error;
  }
}

async function fromSource(
  opening: ProjectOpening,
  run: PlanningRun,
  blobKey: string,
  directory: string,
  remove: () => Promise<void>,
  signal: AbortSignal,
): Promise<Result<ProjectAtCommit>> {
  const files = await openSentProject(opening.blobs, blobKey, signal);
  if (!files.ok) return files;
  const project = await projectOf(opening, run, files.value, directory, remove);
  return project.ok ? accept({ ...project.value, git: gitOf(run, run.commit_id ?? "") }) : project;
}

/** Where git is told of certificates, proxies and what it may reach. */
function gitSettings({ settings, environment, directory }: ProjectOpening) {
  const { caFile, allowFileRepositories } = settings;
  return {
    environment: environment ?? process.env,
    allowFile: allowFileRepositories,
    // The key of a host that is met for the first time is remembered, and has to be the same from then on.
    hostKeys: { file: path.join(directory, "known_hosts"), strict: false },
    ...(caFile === undefined ? {} : { caFile: path.resolve(caFile) }),
  };
}

async function projectOf(
  opening: ProjectOpening,
  run: PlanningRun,
  files: ProjectFiles,
  directory: string,
  dispose: () => Promise<void>,
): Promise<Result<ProjectAtCommit>> {
  const fileName = pipelineFileNames.find(name => files.has(name));
  if (fileName === undefined) {
    return refuse(
      "pipeline-file-not-found",
      `the project has no pipeline file: looked for ${pipelineFileNames.join(", ")}`,
      "write one with `slipway init`, and commit it",
    );
  }
  const bytes = await files.read(fileName, largestFile);
  if (!bytes.ok) return bytes;
  return accept({
    fileName,
    dialect: dialectOf(fileName),
    bytes: bytes.value,
    git: gitOf(run, run.commit_id ?? ""),
    resolve: resolverOf(opening, files, path.join(directory, "project")),
    [Symbol.asyncDispose]: dispose,
  });
}

/** Steps of the library, of tarballs, of git; those of the project are brought here when they are asked for. */
function resolverOf(
  { directory, environment = process.env, clock }: ProjectOpening,
  files: ProjectFiles,
  project: string,
): ProjectAtCommit["resolve"] {
  const store: StepStore = createStepStore({
    stepsDir: path.join(directory, "steps"),
    // As far from src/app as from dist/cli.
    bundledDir: path.join(import.meta.dirname, "..", "..", "steps"),
    devSteps: false,
    fileSteps: true,
    baseDir: project,
    confineFiles: true,
    fetch: globalThis.fetch,
    git: gitRunner(environment),
    clock,
  });
  return async (ref, code, signal) => {
    const parsed = parseStepReference(ref);
    const url = parsed.ok ? parsed.value.url : undefined;
    if (url?.startsWith("file://")) {
      const name = path.posix.normalize(url.slice("file://".length)).replace(/\/+$/, "");
      if (path.posix.isAbsolute(name) || name === ".." || name.startsWith("../")) {
        return refuse(
          "step-outside-project",
          `step "${ref}" lies outside the project`,
          "keep the step in the project's directory, and name it relative to that",
        );
      }
      await mkdir(project, { recursive: true });
      const brought = await files.bring(name, project);
      if (!brought.ok) return brought;
    }
    return store.resolve(ref, signal, code);
  };
}

function filesOfCommit(commit: OpenCommit): ProjectFiles {
  const read = async (name: string, maxBytes: number): Promise<Result<Uint8Array>> => {
    if (commit.top.get(name) !== "link") return commit.readFile(name, maxBytes);
    const target = await commit.readFile(name, 4096);
    if (!target.ok) return target;
    const inside = path.posix.normalize(target.value.toString("utf8"));
    if (!path.posix.isAbsolute(inside) && !inside.startsWith("..")) return commit.readFile(inside, maxBytes);
    return refuse("pipeline-file-unusable", `${name} is a link that leads out of the project`);
  };
  return {
    has: name => ["file", "link"].includes(commit.top.get(name) ?? ""),
    read,
    bring: async (name, target) => {
      await commit.extract(name, target);
      return accept(undefined);
    },
  };
}

export const lastPushStatement = `
  select commit_id from (
    select commit_id, event from runs where project_id = $1 and branch = $2 and id < $3 order by id desc limit 100
  ) earlier where event = 'push' and commit_id is not null and commit_id <> $4 limit 1`;

/** What changed since the last push to the branch that is known of; undefined where that cannot be said. */
async function changedPathsOf(
  db: Queryable,
  run: PlanningRun,
  commit: OpenCommit,
): Promise<string[] | undefined> {
  if (run.event !== "push" || run.branch === null) return undefined;
  const [last] = await db.query<{ commit_id: string }>(lastPushStatement, [
    run.project_id,
    run.branch,
    run.id,
    commit.commit,
  ]);
  return last === undefined ? undefined : commit.changedSince(last.commit_id);
}
