// Where things lie below the working directory (`.slipway` or `.wercker`), and what of it is removed again:
//
//   builds/<run id>/       one directory for each run: output, output.tar, artifacts by name
//   latest, latest_deploy  links to the run directories of the last build and the last deploy
//   cache/                 what stood in /pipeline/cache at the end of the last run
//   caches/                caches that have a key
//   steps/                 downloaded steps

import { lstat, mkdir, readdir, readlink, rename, rm, symlink } from "node:fs/promises";
import path from "node:path";
import { codeOf, fsFailure } from "../lib/fs-failure.ts";
import { unselectedMark } from "../lib/tar/archive-tree.ts";
import { fillingMark, replacedMark } from "../lib/tar/unpack-atomically.ts";

export interface WorkingDirectory {
  root: string;
  builds: string;
  cache: string;
  caches: string;
  steps: string;
  latest: string;
  latestDeploy: string;
  /** The directory of one run; it need not exist. */
  run(runId: string): string;
}

const keptRuns = 2;
const dayMs = 24 * 60 * 60 * 1000;
const unusedCacheMs = 14 * dayMs;

/** The paths below an absolute working directory. Touches nothing. */
export function workingDirectory(root: string): WorkingDirectory {
  const builds = path.join(root, "builds");
  return {
    root,
    builds,
    cache: path.join(root, "cache"),
    caches: path.join(root, "caches"),
    steps: path.join(root, "steps"),
    latest: path.join(root, "latest"),
    latestDeploy: path.join(root, "latest_deploy"),
    run: runId => path.join(builds, runId),
  };
}

/** Makes the directory of a run and points `latest` or `latest_deploy` at it. May be repeated. Returns its path. */
export async function openRunDirectory(
  directory: WorkingDirectory,
  runId: string,
  kind: "build" | "deploy",
): Promise<string> {
  const run = directory.run(runId);
  try {
    await mkdir(run, { recursive: true });
    const link = kind === "deploy" ? directory.latestDeploy : directory.latest;
    await pointTo(link, path.relative(directory.root, run), `${link}-${runId}`);
    return run;
  } catch (error) {
    throw fsFailure("set up the run directory", run, error);
  }
}

/** Replaces a link in one step, so that nobody ever finds none. A directory of that name stays as it is. */
async function pointTo(link: string, target: string, temporary: string): Promise<void> {
  await rm(temporary, { force: true });
  await symlink(target, temporary);
  try {
    await rename(temporary, link);
  } catch (error) {
    await rm(temporary, { force: true });
    if (codeOf(error) !== "EISDIR" && codeOf(error) !== "EEXIST") throw error;
  }
}

/**
 * Removes run directories beyond the two newest that are older than a day, but for those that `latest` and
 * `latest_deploy` point to; what a killed process left half done for a day; keyed caches unused for two weeks; old
 * copies of the project that the predecessor made. `now` is in milliseconds. Returns what was removed. What cannot
 * be removed stays: it is no reason for a run to fail.
 */
export async function cleanWorkingDirectory(directory: WorkingDirectory, now: number): Promise<string[]> {
  const removed: string[] = [];
  const remove = async (at: string): Promise<void> => {
    const done = await rm(at, { recursive: true, force: true }).then(
      () => true,
      () => false,
    );
    if (done) removed.push(at);
  };
  for (const at of await oldRuns(directory, now)) await remove(at);
  for (const at of await leftovers(directory, now)) await remove(at);
  for (const at of await unusedCaches(directory, now)) await remove(at);
  return removed;
}

interface Found {
  at: string;
  name: string;
  isDirectory: boolean;
  modified: number;
}

/** Newest first; nothing where the directory is not there. */
async function list(directory: string): Promise<Found[]> {
  const names = await readdir(directory).catch(() => []);
  const found: Found[] = [];
  for (const name of names) {
    const at = path.join(directory, name);
    const stats = await lstat(at).catch(() => undefined);
    if (stats !== undefined)
      found.push({ at, name, isDirectory: stats.isDirectory(), modified: stats.mtimeMs });
  }
  return found.sort((a, b) => b.modified - a.modified);
}

async function oldRuns(directory: WorkingDirectory, now: number): Promise<string[]> {
  const links = [directory.latest, directory.latestDeploy];
  const targets = await Promise.all(links.map(link => readlink(link).catch(() => "")));
  const linked = new Set(targets.map(target => path.resolve(directory.root, target)));
  return (await list(directory.builds))
    .filter(run => run.isDirectory)
    .slice(keptRuns)
    .filter(run => run.modified < now - dayMs && !linked.has(run.at))
    .map(run => run.at);
}

/** Half-done work of killed processes. A replaced directory whose successor never came is put back. */
async function leftovers(directory: WorkingDirectory, now: number): Promise<string[]> {
  const runs = (await list(directory.builds)).filter(run => run.isDirectory);
  const stale: string[] = [];
  for (const place of [directory.root, directory.caches, ...runs.map(run => run.at)]) {
    for (const { at, name, modified } of await list(place)) {
      const mark = [fillingMark, replacedMark, unselectedMark].find(one => name.includes(one));
      if (mark === undefined || modified >= now - dayMs) continue;
      const original = path.join(place, name.slice(0, name.lastIndexOf(mark)));
      const putBack = mark === replacedMark && (await isMissing(original));
      if (!putBack || !(await succeeds(rename(at, original)))) stale.push(at);
    }
  }
  const copies = (await list(path.join(directory.root, "projects"))).filter(
    ({ name, modified }) =>
      /-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(name) && modified < now - dayMs,
  );
  return [...stale, ...copies.map(copy => copy.at)];
}

/** Archives whose key file, touched at every use, is old; with it. */
async function unusedCaches(directory: WorkingDirectory, now: number): Promise<string[]> {
  return (await list(directory.caches))
    .filter(({ name, modified }) => name.endsWith(".key") && modified < now - unusedCacheMs)
    .flatMap(({ at }) => [at.replace(/\.key$/, ".tar"), at]);
}

async function isMissing(at: string): Promise<boolean> {
  return lstat(at).then(
    () => false,
    error => codeOf(error) === "ENOENT",
  );
}

function succeeds(work: Promise<unknown>): Promise<boolean> {
  return work.then(
    () => true,
    () => false,
  );
}
