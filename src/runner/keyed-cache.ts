// The pipeline's own `cache` (paths under a key): brought in after the source, so that the key may hold the
// checksum of a file of the source, and kept when the job has passed.

import { createHash } from "node:crypto";
import { posix } from "node:path";
import { cacheRestored, noCacheYet } from "../core/cache-notice.ts";
import { expand } from "../plan/expand.ts";
import { readSmallFile, storeKeyedCache } from "./collect.ts";
import { guestRoot } from "./guest.ts";
import { type JobRun, lookupOf, sourcePathOf } from "./job-run.ts";

const checksum = /\{\{\s*checksum\s+"([^"]+)"\s*\}\}/g;
const maxChecksumBytes = 16 * 1024 * 1024;
const keys = new WeakMap<JobRun, string>();

/** Restores the newest cache under the key or the first fallback that has one. */
export async function restoreKeyedCache(run: JobRun): Promise<void> {
  const { cache } = run.job;
  if (cache === undefined) return;
  const key = await keyOf(run, cache.key ?? run.job.pipeline);
  keys.set(run, key);
  const fallbacks = await Promise.all(cache.fallbackKeys.map(fallback => keyOf(run, fallback)));
  const owner = { uid: run.greeting.uid, gid: run.greeting.gid };
  const { storage, signal } = run.input;
  const archive = await storage.loadCache([key, ...fallbacks], "", owner, signal);
  const told = archive === undefined ? noCacheYet : cacheRestored;
  await run.emitter.emit({ type: "notice", level: "info", message: `${told}${key}` });
  if (archive === undefined) return;
  const put = await run.workspace.box.put(archive, guestRoot(run), signal);
  if (put.ok) return;
  const message = `the cache was not restored: ${put.refusal.message}`;
  await run.emitter.emit({ type: "notice", level: "warning", message });
}

export async function storeKeyedCacheOf(run: JobRun): Promise<void> {
  const { cache } = run.job;
  const key = keys.get(run);
  if (cache !== undefined && key !== undefined) await storeKeyedCache(run, key, cache.paths);
}

/** `$VAR` and `{{ checksum "FILE" }}` in a key; a file that is not there counts as `none`. */
async function keyOf(run: JobRun, template: string): Promise<string> {
  const sums = new Map<string, string>();
  for (const [, path = ""] of template.matchAll(checksum)) {
    const content = await readSmallFile(run, posix.resolve(sourcePathOf(run), path), maxChecksumBytes);
    const sum =
      content === undefined ? "none" : createHash("sha256").update(content).digest("hex").slice(0, 32);
    sums.set(path, sum);
  }
  const filled = template.replace(checksum, (_, path: string) => sums.get(path) ?? "none");
  return expand(filled, lookupOf(run));
}
