// Takes a step's tarball apart in memory. The archive comes from a stranger: lib/tar bounds it and refuses paths
// and links that lead out; here what cannot be a step's file is refused on top.

import { accept, type Refusal, type Result, refuse } from "../core/failure.ts";
import type { StepFile } from "../core/step-file.ts";
import { ArchiveRefused, readArchive } from "../lib/tar/read-archive.ts";
import { gunzipped } from "../lib/tar/unpack-tarball.ts";
import { staysInside, stepLimits, unsafeLink } from "./step-directory.ts";

/**
 * The files of a tar or gzipped tar. Where all of them lie in one directory, as hosts of repositories pack them,
 * that directory is stripped. Refuses with `step-archive-unsafe`, `step-archive-broken` or `step-too-large`,
 * naming `from`.
 */
export async function unpackStep(
  bytes: Uint8Array,
  from: string,
  signal: AbortSignal,
): Promise<Result<StepFile[]>> {
  const files = new Map<string, StepFile>();
  try {
    const limits = { strict: true, maxTotalBytes: stepLimits.bytes, maxEntries: stepLimits.files };
    for await (const entry of readArchive(gunzipped(once(bytes)), limits)) {
      signal.throwIfAborted();
      const { path, kind, link } = entry;
      const mode = entry.mode & 0o777;
      if (kind === "hardlink") return { ok: false, refusal: unsafe(from, `the hard link ${path}`) };
      if (kind === "symlink") files.set(path, { path, mode: 0o777, link: link ?? "" });
      else if (kind === "file") files.set(path, { path, mode, content: await contentOf(entry.content) });
    }
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof ArchiveRefused) return { ok: false, refusal: refusalOf(error.refusal, from) };
    throw error;
  }
  if (files.size === 0)
    return refuse("step-archive-broken", `${from} holds no file`, "pack the step's files");
  return checkParents([...stripTop(files).values()], from);
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function contentOf(content: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of content) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function stripTop(files: Map<string, StepFile>): Map<string, StepFile> {
  const paths = [...files.keys()];
  const tops = new Set(paths.map(path => (path.includes("/") ? path.slice(0, path.indexOf("/")) : "")));
  const [top] = tops;
  if (tops.size !== 1 || top === undefined || top === "") return files;
  return new Map(
    [...files.values()].map(file => {
      const path = file.path.slice(top.length + 1);
      return [path, { ...file, path }];
    }),
  );
}

/** A file below what is itself a file or a link would be written somewhere else than its path says. */
function checkParents(files: StepFile[], from: string): Result<StepFile[]> {
  const paths = new Set(files.map(file => file.path));
  for (const file of files) {
    if (file.link !== undefined && !staysInside(file.path, file.link))
      return unsafeLink(file.path, file.link);
    for (let slash = file.path.indexOf("/"); slash !== -1; slash = file.path.indexOf("/", slash + 1)) {
      const parent = file.path.slice(0, slash);
      if (paths.has(parent)) {
        return { ok: false, refusal: unsafe(from, `${file.path} below the file ${parent}`) };
      }
    }
  }
  return accept(files.sort((a, b) => (a.path < b.path ? -1 : 1)));
}

function refusalOf({ code, message }: Refusal, from: string): Refusal {
  const hints = {
    "archive-unsafe": ["step-archive-unsafe", "pack regular files with paths inside the step"],
    "archive-too-large": ["step-too-large", "pack only what the step needs to run"],
  };
  const [ours, hint] = hints[code as keyof typeof hints] ?? ["step-archive-broken", "give a .tar or .tar.gz"];
  return { code: ours!, message: `${from}: ${message}`, hint: hint! };
}

function unsafe(from: string, what: string): Refusal {
  const hint = "pack regular files with paths inside the step";
  return { code: "step-archive-unsafe", message: `${from} has ${what}`, hint };
}
