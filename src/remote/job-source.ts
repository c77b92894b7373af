// Where a job's source comes from, on the machine of a runner: a tree that was sent, a commit of a repository, outputs of
// earlier jobs. It is fetched while images are pulled. Archives pass as they are, looked at like a stranger's; only what a
// step of the project needs as a file is written to this machine, and nothing outside of the project is ever read.

import { mkdir, realpath, stat } from "node:fs/promises";
import path from "node:path";
import { SlipwayError } from "../core/failure.ts";
import type { Job } from "../core/job.ts";
import type { ClaimAnswer } from "../endpoints/runner.ts";
import type { GitAccessOptions } from "../git/git-access.ts";
import type { Clock } from "../lib/clock.ts";
import { concatArchives } from "../lib/tar/concat-archives.ts";
import { packEntries } from "../lib/tar/pack-entries.ts";
import { unpackInto } from "../lib/tar/unpack-into.ts";
import { StepRefused } from "../steps/step-refused.ts";
import { sourceDirectory } from "../storage/local/source-directory.ts";
import type { Owner, SourceTree } from "../storage/storage.ts";
import { downloaded } from "./download.ts";
import { type HeldBytes, holdBytes } from "./held-bytes.ts";
import { archiveFailure, decompressed, maxEntries, unpackedArchive } from "./packed-archives.ts";
import type { RunnerLink, StorePatience } from "./runner-link.ts";

export interface JobSourceOptions {
  claimed: Pick<ClaimAnswer, "job" | "source" | "inputs" | "limits">;
  link: RunnerLink;
  /** Private to the runner. */
  directory: string;
  git: Pick<GitAccessOptions, "environment" | "caFile" | "hostKeys" | "allowFile">;
  clock: Clock;
  signal: AbortSignal;
  store?: StorePatience;
}

export interface JobSource extends AsyncDisposable {
  readonly tree: SourceTree;
  /** A directory with what of the project lies below the names. Throws what keeps the source from coming. */
  projectWith(names: readonly string[]): Promise<string>;
}

/** Of a source, unpacked. */
const most = { bytes: 10 * 2 ** 30, seconds: 30 * 60 };
/** Of all steps that lie in the project together. */
const mostStepBytes = 512 * 1024 * 1024;
/** As on a laptop, where neither flag nor file names one. */
const usualIgnoreFiles = [".slipwayignore", ".werckerignore"];

interface Part {
  /** Relative, with `/`; `""` is the top of the source. */
  directory: string;
  held: HeldBytes;
}

type Fetched = { kind: "checkout"; root: string } | { kind: "archives"; parts: Part[] };

/** Begins to fetch at once. Throws nothing: who asks for the source hears of it (`StepRefused` for the user's affair). */
export function openJobSource(options: JobSourceOptions): JobSource {
  const fetching = options.claimed.source.kind === "git" ? checkedOut(options) : archives(options);
  fetching.catch(() => undefined);
  return {
    tree: { pack: (prefix, owner, signal) => packed(fetching, options, prefix, owner, signal) },
    async projectWith(names) {
      const fetched = await fetching;
      if (fetched.kind === "checkout") return fetched.root;
      return unpackedParts(fetched.parts, names, options);
    },
    async [Symbol.asyncDispose]() {
      const fetched = await fetching.catch(() => undefined);
      if (fetched?.kind !== "archives") return;
      for (const { held } of fetched.parts) await held[Symbol.asyncDispose]();
    },
  };
}

async function checkedOut({ claimed, directory, git, clock, signal }: JobSourceOptions): Promise<Fetched> {
  const { source, job } = claimed;
  if (source.kind !== "git") throw new SlipwayError("no-source", "the source is in no repository");
  const { repository, commit, ref, credential } = source;
  const { checkout = {} } = job;
  const root = path.join(directory, "source");
  const { fetchCommit } = await import("../git/fetch-commit.ts");
  const fetched = await fetchCommit({
    ...git,
    ...checkout,
    repository,
    commit,
    ...(ref === undefined ? {} : { ref }),
    ...(credential === undefined ? {} : { credential }),
    directory: root,
    privateDirectory: directory,
    limits: most,
    clock,
    signal,
  });
  if (!fetched.ok) throw new StepRefused(fetched.refusal);
  return { kind: "checkout", root };
}

async function archives(options: JobSourceOptions): Promise<Fetched> {
  const { source, inputs } = options.claimed;
  if (source.kind === "sent" && source.packed !== undefined) {
    const { directory } = options;
    const held = await holdBytes([Buffer.from(source.packed, "base64")], directory, most.bytes);
    return { kind: "archives", parts: [{ directory: "", held }] };
  }
  const wanted =
    source.kind === "sent"
      ? [{ directory: "", path: "source", what: "the source" }]
      : inputs.map(({ directory, name }) => ({
          directory,
          path: `inputs/${encodeURIComponent(name)}`,
          what: directory === "" ? "the output of the earlier pipeline" : `the output of ${directory}`,
        }));
  const parts: Part[] = [];
  for (const { directory, path: place, what } of wanted) {
    parts.push({ directory: safeDirectory(directory), held: await fetchArchive(options, place, what) });
  }
  return { kind: "archives", parts };
}

async function fetchArchive(
  { link, directory, claimed, signal, store }: JobSourceOptions,
  place: string,
  what: string,
): Promise<HeldBytes> {
  const maxBytes = Math.max(claimed.limits.artifactBytes, most.bytes);
  const held = await downloaded({
    link,
    path: place,
    directory,
    maxBytes,
    what,
    missing: [410],
    signal,
    store,
  });
  if (held !== undefined) return held;
  throw new StepRefused({
    code: "source-gone",
    message: `${what} is no longer kept`,
    hint: "start the whole run again",
  });
}

/** What the platform says is believed, but not as far as a path that leads outside. */
function safeDirectory(directory: string): string {
  const parts = directory.split("/").filter(part => part !== "" && part !== ".");
  if (!parts.includes("..") && !directory.includes("\0")) return parts.join("/");
  throw new SlipwayError("platform-answer", `an input has the directory "${directory}"`);
}

async function* packed(
  fetching: Promise<Fetched>,
  { claimed, clock }: JobSourceOptions,
  prefix: string,
  owner: Owner,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const fetched = await fetching;
  if (fetched.kind === "checkout") {
    const ignoreFile = await ignoreFileOf(fetched.root, claimed.job);
    const { root } = fetched;
    yield* sourceDirectory({ root, ...(ignoreFile === undefined ? {} : { ignoreFile }) }).pack(
      prefix,
      owner,
      signal,
    );
    return;
  }
  const mtime = Math.floor(clock.now() / 1000);
  const limits = { maxTotalBytes: most.bytes };
  const all = fetched.parts.flatMap(({ directory, held }) => {
    const below = [prefix, directory].filter(part => part !== "").join("/");
    const parents = directoriesOf(prefix, directory);
    return [packEntries(parents, { owner, mtime }), unpackedArchive(held.open(), below, owner, limits)];
  });
  try {
    yield* concatArchives(all);
  } catch (error) {
    throw archiveFailure(error);
  }
}

/** The directories that lead to a part, so that they are the owner's too. */
function directoriesOf(prefix: string, directory: string): { kind: "directory"; path: string }[] {
  const parts = directory.split("/").filter(part => part !== "");
  return parts.map((_, index) => {
    const below = parts.slice(0, index + 1).join("/");
    return { kind: "directory", path: prefix === "" ? below : `${prefix}/${below}` };
  });
}

/** Of a checkout, by the file's word or by name. One that is not a plain file of the project ignores nothing. */
async function ignoreFileOf(root: string, job: Job): Promise<string | undefined> {
  for (const name of job.ignoreFile === undefined ? usualIgnoreFiles : [job.ignoreFile]) {
    const file = path.resolve(root, name);
    if (await isInside(root, file)) return file;
  }
  return undefined;
}

/** Whether a path is a file, wherever its links lead, that lies in the directory. */
async function isInside(root: string, file: string): Promise<boolean> {
  try {
    const [top, real] = await Promise.all([realpath(root), realpath(file)]);
    return real.startsWith(top + path.sep) && (await stat(real)).isFile();
  } catch {
    return false;
  }
}

async function unpackedParts(
  parts: readonly Part[],
  names: readonly string[],
  { directory, signal }: JobSourceOptions,
): Promise<string> {
  const root = path.join(directory, "project");
  await mkdir(root, { recursive: true });
  const wanted = names.map(name => path.posix.normalize(name).replace(/\/+$/, ""));
  const selects = (entry: string) =>
    wanted.some(name => name === "." || entry === name || entry.startsWith(`${name}/`));
  // Steps lie in the project itself; a job that gets several outputs has none of it.
  for (const part of parts.filter(each => each.directory === "")) {
    const unpacked = await unpackInto(root, decompressed(part.held.open()), {
      maxTotalBytes: mostStepBytes,
      maxEntries,
      select: selects,
      signal,
    });
    if (!unpacked.ok) throw new SlipwayError(unpacked.refusal.code, unpacked.refusal.message);
  }
  return root;
}
