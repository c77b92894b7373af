// Sets up the box before the first step: an empty pipeline directory, then one archive with source, cache, step
// files and report directories, all owned by the box's user.

import { posix } from "node:path";
import { accept, type Result, refuse } from "../core/failure.ts";
import type { StepFile } from "../core/step-file.ts";
import { concatArchives } from "../lib/tar/concat-archives.ts";
import { type MemoryEntry, packEntries } from "../lib/tar/pack-entries.ts";
import { stepReportOf, stepRootOf } from "../plan/environment.ts";
import { commandGroup, quote } from "../plan/step-script.ts";
import { type JobRun, sourcePathOf } from "./job-run.ts";

/** Directory mounts of direct mount; the engine has them in place of source and cache. */
export function mountsOf(run: Pick<JobRun, "input">): { host: string; guest: string }[] {
  const direct = run.input.settings.directMount;
  if (direct === undefined) return [];
  return [
    { host: direct.source, guest: "/pipeline/source" },
    { host: direct.cache, guest: "/pipeline/cache" },
  ];
}

/** The path of the box's file system that all paths are below; archives are unpacked there. */
export function guestRoot(run: Pick<JobRun, "workspace">): string {
  return run.workspace.paths.root ?? "/";
}

/** A guest path as an archive has it: relative to `guestRoot`. */
function archivePath(run: Pick<JobRun, "workspace">, path: string): string {
  return posix.relative(guestRoot(run), path);
}

/**
 * Empties the directory that the source goes into, as an image made by an earlier push has an old one. Refuses a base path
 * whose parent is the root; and whatever the box does not allow.
 */
export async function clearGuest(run: JobRun): Promise<Result<void>> {
  if (run.input.settings.directMount !== undefined) return accept(undefined);
  const parent = posix.dirname(sourcePathOf(run));
  if (parent !== guestRoot(run)) return clearDirectory(run, parent);
  return refuse(
    "base-path-too-short",
    `base-path ${run.job.basePath}: setting it up would empty the box's root directory`,
    "Choose a base-path at least two levels deep, such as /src/app.",
  );
}

/** Puts everything into a box that is empty. Refuses what the box does not allow. */
export async function setUpGuest(run: JobRun): Promise<Result<void>> {
  const base = sourcePathOf(run);
  const direct = run.input.settings.directMount !== undefined;
  const { paths, box } = run.workspace;
  const { signal, source, storage } = run.input;
  const owner = { uid: run.greeting.uid, gid: run.greeting.gid };
  const mtime = Math.floor(run.input.clock.now() / 1000);
  const parts: AsyncIterable<Uint8Array>[] = [packEntries(guestEntries(run, direct), { owner, mtime })];
  if (!direct) {
    parts.push(source.pack(archivePath(run, base), owner, signal));
    const cachePath = archivePath(run, `${paths.pipeline}/cache`);
    const cache = await storage.loadCache([""], cachePath, owner, signal);
    if (cache !== undefined) parts.push(cache);
  }
  const uploaded = await box.put(concatArchives(parts), guestRoot(run), signal);
  return uploaded;
}

function guestEntries(run: JobRun, direct: boolean): MemoryEntry[] {
  const { paths } = run.workspace;
  const directory = (path: string): MemoryEntry => ({
    kind: "directory",
    path: archivePath(run, path),
    mode: 0o755,
  });
  const entries = [directory(paths.pipeline), directory(`${paths.pipeline}/output`), directory(paths.report)];
  if (!direct) entries.push(directory(`${paths.pipeline}/cache`), directory(sourcePathOf(run)));
  for (const step of [...run.job.steps, ...run.job.afterSteps]) {
    const report = stepReportOf(step, paths);
    entries.push(directory(report), directory(`${report}/artifacts`));
    const files = run.files.get(step.id) ?? [];
    const root = stepRootOf(step, paths);
    if (files.length > 0) entries.push(directory(root));
    entries.push(...files.map(file => fileEntry(archivePath(run, `${root}/${file.path}`), file)));
  }
  return entries;
}

function fileEntry(path: string, file: StepFile): MemoryEntry {
  if (file.link !== undefined) return { kind: "symlink", path, target: file.link };
  return { kind: "file", path, mode: file.mode, content: file.content ?? new Uint8Array() };
}

async function clearDirectory(run: JobRun, parent: string): Promise<Result<void>> {
  if (run.workspace.fresh === true) return accept(undefined);
  const at = quote(parent);
  // A volume cannot be removed; that it is empty is enough.
  const left = `for f in ${at}/* ${at}/.[!.]* ${at}/..?*; do if [ -e "$f" ] || [ -L "$f" ]; then exit 1; fi; done`;
  const end = await run.session.group(
    token => commandGroup(token, [`if [ -e ${at} ]; then rm -rf ${at} || ( ${left} ); fi`]),
    async () => {},
  );
  if (end.kind === "ended" && end.record.status === 0) return accept(undefined);
  return refuse(
    "guest-not-set-up",
    `the box's user (uid ${run.greeting.uid}) cannot remove ${parent}, which the image already has`,
    "Remove it from the image, or let the image's user own it.",
  );
}
