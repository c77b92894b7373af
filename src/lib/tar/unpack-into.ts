// Writes a tar archive of a stranger into a directory of ours: which entries, under which paths, how many. Files are written synchronously, a few
// milliseconds at a time between two turns of the event loop.

import { setImmediate as nextTurn } from "node:timers/promises";
import { accept, type Result } from "../../core/failure.ts";
import { codeOf, fsFailure } from "../fs-failure.ts";
import { createArchiveTree } from "./archive-tree.ts";
import { type ArchiveEntry, ArchiveRefused, type ReadArchiveOptions, readArchive } from "./read-archive.ts";

export interface UnpackOptions extends ReadArchiveOptions {
  /** How many leading components every path loses; what has no more is left out. Default 0. */
  stripComponents?: number;
  /** Strip one component if the archive begins with a global header, as those of git do. */
  stripAfterGlobalHeader?: boolean;
  /** Which files and links are wanted, by their stripped path. Their directories come with them. */
  select?: (path: string) => boolean;
  /** Told of every file and link as it is begun. */
  onEntry?: (entry: { path: string; kind: ArchiveEntry["kind"]; size: number }) => void;
  signal?: AbortSignal;
}

export interface Unpacked {
  /** Files and links. */
  files: number;
  /** Content of the files. */
  sizeBytes: number;
}

const turnMs = 8;

/**
 * Unpacks below the existing directory `root`: directories with mode 0755, files with theirs and their time,
 * symlinks, hard links to files of the same archive. An entry replaces an earlier file of the same name. On a
 * refusal or error the directory is left half filled. Throws SlipwayError where the disk fails.
 */
export async function unpackInto(
  root: string,
  archive: AsyncIterable<Uint8Array>,
  options: UnpackOptions = {},
): Promise<Result<Unpacked>> {
  const tree = createArchiveTree(root, options.maxTotalBytes ?? Infinity);
  const done: Unpacked = { files: 0, sizeBytes: 0 };
  const { signal, onEntry, select = () => true, maxTotalBytes = Infinity } = options;
  let turnEnds = performance.now() + turnMs;
  try {
    for await (const entry of readArchive(archive, readerOptions(options))) {
      signal?.throwIfAborted();
      const stripped = stripEntry(entry, options);
      if (stripped === undefined) continue;
      if (stripped.kind === "directory") {
        if (options.select === undefined) tree.addDirectory(stripped.path);
      } else if (select(stripped.path)) {
        if (done.sizeBytes + stripped.size > maxTotalBytes) throw overTotal(maxTotalBytes);
        onEntry?.({ path: stripped.path, kind: stripped.kind, size: stripped.size });
        done.sizeBytes += await tree.add(stripped, signal);
        done.files += 1;
      } else {
        await tree.addUnselected(stripped, signal);
      }
      if (performance.now() < turnEnds) continue;
      await nextTurn();
      turnEnds = performance.now() + turnMs;
    }
    return accept(done);
  } catch (error) {
    if (error instanceof ArchiveRefused) return { ok: false, refusal: error.refusal };
    throw codeOf(error) === "" || signal?.aborted ? error : fsFailure("write below", root, error);
  } finally {
    tree.close();
  }
}

/** What is not selected does not count for the limit on all files together. */
function readerOptions(options: UnpackOptions): ReadArchiveOptions {
  return options.select === undefined ? options : { ...options, maxTotalBytes: Infinity };
}

function overTotal(maxTotalBytes: number): ArchiveRefused {
  const message = `the archive is too large: its selected files have more than ${maxTotalBytes} bytes`;
  return new ArchiveRefused("archive-too-large", message);
}

/** The entry with its paths stripped; undefined where nothing is left. */
function stripEntry(entry: ArchiveEntry, options: UnpackOptions): ArchiveEntry | undefined {
  const extra = options.stripAfterGlobalHeader && entry.afterGlobalHeader ? 1 : 0;
  const components = (options.stripComponents ?? 0) + extra;
  if (components === 0) return entry;
  const strip = (text: string): string => text.split("/").slice(components).join("/");
  const stripped = strip(entry.path);
  if (stripped === "") return undefined;
  const { link } = entry;
  return {
    ...entry,
    path: stripped,
    ...(entry.kind === "hardlink" && link !== undefined && { link: strip(link) }),
  };
}
