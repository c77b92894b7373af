// What is taken out of the box: message files, artifacts, the output, the cache. Everything comes as an archive of
// a stranger and is checked like one; nothing of the box is ever opened by path here.

import { posix } from "node:path";
import { messageOf } from "../core/failure.ts";
import type { StepSpec } from "../core/job.ts";
import { readArchive } from "../lib/tar/read-archive.ts";
import { renameArchive } from "../lib/tar/rename-archive.ts";
import { stepReportOf } from "../plan/environment.ts";
import type { Stored } from "../storage/storage.ts";
import { guestRoot } from "./guest.ts";
import { type JobRun, sourcePathOf } from "./job-run.ts";

const maxMessageBytes = 64 * 1024;

/** What the step wrote into its message file. A link or anything else but a plain file counts as nothing. */
export async function readMessage(run: JobRun, step: StepSpec): Promise<string> {
  const path = `${stepReportOf(step, run.workspace.paths)}/message.txt`;
  return (await readSmallFile(run, path, maxMessageBytes))?.toString("utf8").trim() ?? "";
}

/** A plain file of the box, cut at `maxBytes`; undefined where there is none or it is something else. */
export async function readSmallFile(
  run: JobRun,
  path: string,
  maxBytes: number,
): Promise<Buffer | undefined> {
  try {
    const archive = await run.workspace.box.get(path, AbortSignal.timeout(30_000));
    if (archive === undefined) return undefined;
    for await (const entry of readArchive(archive, { maxEntries: 1, maxFileBytes: maxBytes })) {
      if (entry.kind !== "file") return undefined;
      const parts: Uint8Array[] = [];
      for await (const part of entry.content) parts.push(part);
      return Buffer.concat(parts);
    }
  } catch (error) {
    await run.emitter.emit({ type: "notice", level: "warning", message: `${path} was not read: ${error}` });
  }
  return undefined;
}

/** Keeps what a step left in its artifacts directory. Nothing is told where there is nothing. */
export async function storeStepArtifacts(run: JobRun, step: StepSpec): Promise<void> {
  const path = `${stepReportOf(step, run.workspace.paths)}/artifacts`;
  const archive = await run.workspace.box.get(path, run.input.signal);
  if (archive === undefined) return;
  const stored = await run.input.storage.storeArtifact(
    { name: step.id, paths: [] },
    archive,
    run.input.signal,
  );
  await tellArtifact(run, step.id, step.id, stored);
}

/** The pipeline's output: what stands in the output directory, or the whole source where that is empty. */
export async function storeOutput(run: JobRun, step: string): Promise<Stored | "too-large" | "empty"> {
  for (const path of [`${run.workspace.paths.pipeline}/output`, sourcePathOf(run)]) {
    const archive = await run.workspace.box.get(path, run.input.signal);
    if (archive === undefined) continue;
    const artifact = { name: "output", paths: [] };
    const stored = await run.input.storage.storeArtifact(artifact, archive, run.input.signal);
    if (stored === "empty") continue;
    await tellArtifact(run, step, "output", stored);
    return stored;
  }
  return "empty";
}

/** Keeps the `artifacts` of the pipeline. Answers the name of the first that is over the limit. */
export async function storeNamedArtifacts(run: JobRun, step: string): Promise<string | undefined> {
  for (const artifact of run.job.artifacts) {
    const archive = selectFromSource(run, artifact.paths);
    const stored = await run.input.storage.storeArtifact(artifact, archive, run.input.signal);
    if (stored === "too-large") return artifact.name;
    if (stored === "empty") {
      const message = `artifact ${artifact.name}: no file matches ${artifact.paths.join(", ")}`;
      await run.emitter.emit({ type: "notice", level: "warning", message });
      continue;
    }
    await tellArtifact(run, step, artifact.name, stored);
  }
  return undefined;
}

/**
 * The parts of the source that globs can match, as one archive with paths relative to the source below `source/`.
 * Only the fixed beginnings of the globs are taken out of the box, so that `dist/**` does not move everything.
 */
export async function* selectFromSource(run: JobRun, globs: string[]): AsyncGenerator<Uint8Array> {
  const base = sourcePathOf(run);
  for (const fixed of fixedPrefixes(globs)) {
    const path = posix.join(base, fixed);
    const archive = await run.workspace.box.get(path, run.input.signal);
    if (archive === undefined) continue;
    const parent = posix.join("source", posix.dirname(`x/${fixed}`).slice(2));
    yield* renameArchive(archive, name =>
      fixed === "" ? posix.join("source", name.split("/").slice(1).join("/")) : posix.join(parent, name),
    );
  }
  yield new Uint8Array(1024);
}

/** Where in a tree globs can match: their beginnings up to the first component with a wildcard, without doubles. */
export function fixedPrefixes(globs: string[]): string[] {
  const prefixes = globs
    .filter(glob => !glob.startsWith("!"))
    .map(glob => {
      const parts = posix.normalize(glob).replace(/^\/+/, "").split("/");
      const wild = parts.findIndex(part => /[*?[\]{}()!+@]/.test(part));
      return (wild === -1 ? parts : parts.slice(0, wild)).filter(part => part !== "..").join("/");
    })
    .map(prefix => (prefix === "." ? "" : prefix.replace(/\/$/, "")));
  const unique = [...new Set(prefixes)].sort();
  return unique.filter(
    (prefix, index) =>
      !unique
        .slice(0, index)
        .some(other => other === "" || prefix === other || prefix.startsWith(`${other}/`)),
  );
}

/** Keeps `/pipeline/cache`. Failing to do so fails nothing. */
export function storeCache(run: JobRun): Promise<void> {
  return keepCache(run, "", signal => run.workspace.box.get(`${run.workspace.paths.pipeline}/cache`, signal));
}

/** Keeps the paths of the pipeline's `cache` under its key, with their places in the box. */
export function storeKeyedCache(run: JobRun, key: string, paths: string[]): Promise<void> {
  return keepCache(run, key, async () => cachedPaths(run, paths));
}

async function keepCache(
  run: JobRun,
  key: string,
  archiveOf: (signal: AbortSignal) => Promise<AsyncIterable<Uint8Array> | undefined>,
): Promise<void> {
  const { storage, signal } = run.input;
  try {
    const archive = await archiveOf(signal);
    if (archive !== undefined) await tellCache(run, key, await storage.storeCache(key, archive, signal));
  } catch (error) {
    signal.throwIfAborted();
    const message = `Unable to store cache: ${messageOf(error)}`;
    await run.emitter.emit({ type: "notice", level: "warning", message });
  }
}

async function* cachedPaths(run: JobRun, paths: string[]): AsyncGenerator<Uint8Array> {
  for (const path of paths) {
    const full = posix.resolve(sourcePathOf(run), path);
    const archive = await run.workspace.box.get(full, run.input.signal);
    if (archive === undefined) continue;
    const parent = posix.join("cache", posix.dirname(posix.relative(guestRoot(run), full)));
    yield* renameArchive(archive, name => posix.join(parent, name));
  }
  yield new Uint8Array(1024);
}

async function tellArtifact(
  run: JobRun,
  step: string,
  name: string,
  stored: Stored | "too-large" | "empty",
): Promise<void> {
  if (stored === "empty") return;
  if (stored === "too-large") {
    const message = `artifact ${name} is over the size limit and was not stored`;
    await run.emitter.emit({ type: "notice", level: "warning", message, step });
    return;
  }
  await run.emitter.emit({ type: "artifact-stored", step, name, ...stored });
}

async function tellCache(run: JobRun, key: string, stored: Stored | "too-large" | "empty"): Promise<void> {
  if (stored === "empty") return;
  if (stored === "too-large") {
    const message = "Unable to store cache: it is over the size limit, the old one stays";
    await run.emitter.emit({ type: "notice", level: "warning", message });
    return;
  }
  await run.emitter.emit({ type: "cache-stored", key, ...stored });
}
