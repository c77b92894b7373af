// Steps that are tarballs on some host. What was downloaded is known by its sha256 and kept under URL and digest.
// No credentials are ever sent, whatever the host.

import { createHash, randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { accept, messageOf, type Result, refuse, SlipwayError } from "../core/failure.ts";
import type { StepFile } from "../core/step-file.ts";
import type { Clock } from "../lib/clock.ts";
import { pauseOrThrow } from "../lib/pause.ts";
import { StepRefused } from "./step-refused.ts";
import { unpackStep } from "./unpack-step.ts";

export interface TarballSteps {
  /** Downloads what the URL gives now. Falls back to the newest kept copy where the host cannot be reached. */
  resolve(
    url: string,
    signal: AbortSignal,
  ): Promise<Result<{ digest: string; files: StepFile[]; warnings: string[] }>>;
  /** The files of the tarball with that digest, kept or downloaded again. Throws StepRefused where it is another. */
  files(url: string, digest: string, signal: AbortSignal): Promise<StepFile[]>;
}

export interface TarballOptions {
  directory: string;
  fetch: typeof globalThis.fetch;
  clock: Clock;
}

const largestBytes = 64 * 1024 * 1024;
const tries = 3;
const pauseMs = 200;
const attemptMs = 120_000;

/** Tarballs kept in `options.directory`. */
export function openTarballSteps(options: TarballOptions): TarballSteps {
  return {
    async resolve(url, signal) {
      const warnings: string[] = [];
      let bytes: Buffer;
      try {
        const downloaded = await download(options, url, signal);
        if (!downloaded.ok) return downloaded;
        bytes = downloaded.value;
      } catch (error) {
        signal.throwIfAborted();
        const kept = await newestKept(keptDirectory(options, url));
        if (kept === undefined) throw error;
        warnings.push(`${messageOf(error)}; the copy of an earlier run is used`);
        bytes = kept;
      }
      const files = await unpackStep(bytes, url, signal);
      if (!files.ok) return files;
      const digest = digestOf(bytes);
      await keep(options, url, digest, bytes);
      return accept({ digest, files: files.value, warnings });
    },
    async files(url, digest, signal) {
      let bytes = await readKept(options, url, digest);
      if (bytes === undefined) {
        const downloaded = await download(options, url, signal);
        if (!downloaded.ok) throw new StepRefused(downloaded.refusal);
        bytes = downloaded.value;
        const now = digestOf(bytes);
        if (now !== digest) {
          const message = `${url} has changed since the job was made: ${now} instead of ${digest}`;
          throw new StepRefused({ code: "step-changed", message, hint: "make the job anew" });
        }
        await keep(options, url, digest, bytes);
      }
      const files = await unpackStep(bytes, url, signal);
      if (!files.ok) throw new StepRefused(files.refusal);
      return files.value;
    },
  };
}

async function download(options: TarballOptions, url: string, signal: AbortSignal): Promise<Result<Buffer>> {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined)
    return refuse("step-reference-invalid", `"${url}" is not a URL`, "write it in full");
  if (parsed.username !== "" || parsed.password !== "") {
    const shown = `${parsed.protocol}//***@${parsed.host}${parsed.pathname}`;
    return refuse("step-reference-invalid", `the step's URL ${shown} has credentials in it`, "take them out");
  }
  let last: SlipwayError | undefined;
  for (let attempt = 1; attempt <= tries; attempt++) {
    if (attempt > 1) await pauseOrThrow(options.clock, pauseMs * (attempt - 1), signal);
    const answer = await downloadOnce(options, url, signal);
    if (!(answer instanceof SlipwayError)) return answer;
    last = answer;
  }
  throw last!;
}

/** A returned error may be tried again. */
async function downloadOnce(
  options: TarballOptions,
  url: string,
  signal: AbortSignal,
): Promise<Result<Buffer> | SlipwayError> {
  const limit = new AbortController();
  const stopClock = options.clock.after(attemptMs, () =>
    limit.abort(new Error(`no answer in ${attemptMs} ms`)),
  );
  try {
    const response = await options.fetch(url, {
      signal: AbortSignal.any([signal, limit.signal]),
      redirect: "follow",
    });
    if (response.status >= 500 || response.status === 429) {
      await response.body?.cancel();
      return new SlipwayError("step-download-failed", `${url} answered ${response.status}`);
    }
    if (!response.ok) {
      await response.body?.cancel();
      return refuse(
        "step-not-found",
        `${url} answered ${response.status}`,
        "check the URL; no credentials are sent",
      );
    }
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of response.body ?? []) {
      size += chunk.byteLength;
      if (size > largestBytes) {
        return refuse(
          "step-too-large",
          `${url} is larger than ${largestBytes} bytes`,
          "pack only the step's files",
        );
      }
      chunks.push(chunk);
    }
    return accept(Buffer.concat(chunks));
  } catch (cause) {
    signal.throwIfAborted();
    return new SlipwayError("step-download-failed", `${url} cannot be downloaded`, { cause });
  } finally {
    stopClock();
  }
}

function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

function keptDirectory(options: TarballOptions, url: string): string {
  return join(options.directory, createHash("sha256").update(url).digest("hex").slice(0, 32));
}

function keptPath(options: TarballOptions, url: string, digest: string): string {
  return join(keptDirectory(options, url), `${createHash("sha256").update(digest).digest("hex")}.tar`);
}

async function keep(options: TarballOptions, url: string, digest: string, bytes: Uint8Array): Promise<void> {
  const path = keptPath(options, url, digest);
  const unfinished = `${path}.${randomUUID()}.part`;
  await mkdir(keptDirectory(options, url), { recursive: true });
  await writeFile(unfinished, bytes);
  await rename(unfinished, path);
}

/** What is kept under the digest, if it still has it. */
async function readKept(options: TarballOptions, url: string, digest: string): Promise<Buffer | undefined> {
  const path = keptPath(options, url, digest);
  const bytes = await readFile(path).catch(() => undefined);
  if (bytes === undefined || digestOf(bytes) === digest) return bytes;
  await rm(path, { force: true });
  return undefined;
}

async function newestKept(directory: string): Promise<Buffer | undefined> {
  const names = await readdir(directory).catch(() => []);
  let newest: { path: string; time: number } | undefined;
  for (const name of names.filter(candidate => candidate.endsWith(".tar"))) {
    const path = join(directory, name);
    const time = (await stat(path)).mtimeMs;
    if (newest === undefined || time > newest.time) newest = { path, time };
  }
  return newest === undefined ? undefined : readFile(newest.path);
}
