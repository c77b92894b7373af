// A working tree that was sent, as planning looks at it: the archive is read as it comes, like a stranger's, and nothing of
// it is written anywhere but what is asked for.

import path from "node:path";
import type { Blobs } from "../blobs/blobs.ts";
import { pipelineFileNames } from "../config/find-file.ts";
import { accept, type Result, refuse } from "../core/failure.ts";
import { ArchiveRefused, readArchive } from "../lib/tar/read-archive.ts";
import { unpackInto } from "../lib/tar/unpack-into.ts";
import { decompressed } from "../remote/packed-archives.ts";
import type { ProjectFiles } from "./open-project.ts";

const bounds = { maxTotalBytes: 10 * 2 ** 30, maxEntries: 2_000_000 };
/** Of all that is brought. */
const mostStepBytes = 512 * 2 ** 20;
const largestFile = 4 * 1024 * 1024;

/** Refuses an archive that is gone or none. Its paths are relative to the project. */
export async function openSentProject(
  blobs: Pick<Blobs, "get">,
  blobKey: string,
  signal: AbortSignal,
): Promise<Result<ProjectFiles>> {
  const open = async () => {
    const stream = await blobs.get(blobKey, { signal });
    return stream === undefined ? undefined : decompressed(stream);
  };
  const found = await readTop(open, pipelineFileNames);
  if (!found.ok) return found;
  const { files, links } = found.value;
  return accept({
    has: name => files.has(name) || links.has(name),
    async read(name, maxBytes) {
      const known = files.get(name) ?? (await readLinked(open, name, links.get(name)));
      if (known === undefined) return refuse("pipeline-file-unusable", `${name} is no file of the project`);
      if (known.length <= maxBytes) return accept(known);
      return refuse("pipeline-file-unusable", `${name} has more than ${maxBytes} bytes`);
    },
    async bring(name, target) {
      const archive = await open();
      if (archive === undefined) return gone();
      const select = (entry: string) => name === "." || entry === name || entry.startsWith(`${name}/`);
      const limits = { maxTotalBytes: mostStepBytes, maxEntries: bounds.maxEntries, select, signal };
      const unpacked = await unpackInto(target, archive, limits);
      return unpacked.ok ? accept(undefined) : unpacked;
    },
  });
}

type Open = () => Promise<AsyncIterable<Uint8Array> | undefined>;

interface Top {
  files: Map<string, Buffer>;
  /** Where links lead. */
  links: Map<string, string>;
}

/** Those of the names that are there. Reading ends with the first name: no other counts beside it. */
async function readTop(open: Open, names: readonly string[]): Promise<Result<Top>> {
  const top: Top = { files: new Map(), links: new Map() };
  const archive = await open();
  if (archive === undefined) return gone();
  try {
    for await (const entry of readArchive(archive, bounds)) {
      if (!names.includes(entry.path)) continue;
      if (entry.kind === "symlink") top.links.set(entry.path, entry.link ?? "");
      if (entry.kind !== "file") continue;
      top.files.set(entry.path, await contentOf(entry.content));
      if (entry.path === names[0]) break;
    }
    return accept(top);
  } catch (error) {
    if (error instanceof ArchiveRefused) return { ok: false, refusal: error.refusal };
    throw error;
  }
}

async function readLinked(open: Open, name: string, target: string | undefined): Promise<Buffer | undefined> {
  if (target === undefined || path.posix.isAbsolute(target)) return undefined;
  const wanted = path.posix.normalize(path.posix.join(path.posix.dirname(name), target));
  const found = await readTop(open, [wanted]);
  return found.ok ? found.value.files.get(wanted) : undefined;
}

/** Cut a little behind what a file may have: whoever asks sees that it is too large. */
async function contentOf(content: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of content) {
    bytes += part.length;
    if (bytes <= largestFile + 2 ** 20) parts.push(part);
  }
  return Buffer.concat(parts);
}

function gone(): { ok: false; refusal: { code: string; message: string; hint: string } } {
  return {
    ok: false,
    refusal: {
      code: "source-gone",
      message: "the source that was sent is no longer kept",
      hint: "send it again",
    },
  };
}
