// The files of a fake box, in memory. Links are entries of their own and never followed.

import { posix } from "node:path";
import { type MemoryEntry, packEntries } from "../../lib/tar/pack-entries.ts";
import { type ArchiveEntry, readArchive } from "../../lib/tar/read-archive.ts";

export type FakeFile = { mode: number; uid: number; gid: number } & (
  | { kind: "file"; content: Buffer }
  | { kind: "directory" }
  | { kind: "symlink"; target: string }
);

export interface FileTree {
  /** Content of a plain file. */
  read(path: string): Buffer | undefined;
  isDirectory(path: string): boolean;
  isLink(path: string): boolean;
  /** Makes or replaces a file, with the directories above it. An empty path is nothing. */
  write(path: string, content: string | Uint8Array): void;
  link(path: string, target: string): void;
  makeDirectory(path: string): void;
  /** Removes a file, or a directory with all below it. */
  remove(path: string): void;
  /** Unpacks a tar stream. */
  unpack(archive: AsyncIterable<Uint8Array>, at: string): Promise<void>;
  /** A tar stream of a file, link or directory; undefined where nothing is. */
  pack(path: string): AsyncIterable<Uint8Array> | undefined;
  /** Every path but `/`, sorted. */
  paths(): string[];
}

export function createFileTree(): FileTree {
  const files = new Map<string, FakeFile>([["/", { kind: "directory", mode: 0o755, uid: 0, gid: 0 }]]);

  function place(path: string, file: FakeFile): void {
    const full = clean(path);
    if (path === "" || full === "/") return;
    if (file.kind === "directory" && files.get(full)?.kind === "directory") {
      files.set(full, file);
      return;
    }
    remove(full);
    makeDirectory(posix.dirname(full));
    files.set(full, file);
  }

  function makeDirectory(path: string): void {
    const full = clean(path);
    if (files.get(full)?.kind === "directory") return;
    place(full, { kind: "directory", mode: 0o755, uid: 0, gid: 0 });
  }

  function remove(path: string): void {
    const full = clean(path);
    for (const known of below(full)) files.delete(known);
  }

  /** The path itself and what is below it, parents first. */
  function below(full: string): string[] {
    const prefix = full === "/" ? "/" : `${full}/`;
    return [...files.keys()].filter(path => path === full || path.startsWith(prefix)).sort();
  }

  return {
    read(path) {
      const file = path === "" ? undefined : files.get(clean(path));
      return file?.kind === "file" ? file.content : undefined;
    },
    isLink: path => files.get(clean(path))?.kind === "symlink",
    isDirectory: path => files.get(clean(path))?.kind === "directory",
    write: (path, content) =>
      place(path, { kind: "file", content: Buffer.from(content), mode: 0o644, uid: 0, gid: 0 }),
    link: (path, target) => place(path, { kind: "symlink", target, mode: 0o777, uid: 0, gid: 0 }),
    makeDirectory,
    remove,
    async unpack(archive, at) {
      for await (const entry of readArchive(archive)) {
        const chunks: Uint8Array[] = [];
        for await (const chunk of entry.content) chunks.push(chunk);
        place(posix.join(at, entry.path), fileOf(entry, Buffer.concat(chunks)));
      }
    },
    pack(path) {
      const full = clean(path);
      if (!files.has(full)) return undefined;
      const start = full === "/" ? 1 : posix.dirname(full).length + (posix.dirname(full) === "/" ? 0 : 1);
      const entries = below(full).flatMap(known => entryOf(known.slice(start), files.get(known)));
      return packEntries(entries, { owner: { uid: 0, gid: 0 }, mtime: 0 });
    },
    paths: () => below("/").filter(path => path !== "/"),
  };
}

function clean(path: string): string {
  const full = posix.resolve("/", path);
  return full === "" ? "/" : full;
}

function fileOf(entry: ArchiveEntry, content: Buffer): FakeFile {
  const { mode, uid, gid } = entry;
  if (entry.kind === "directory") return { kind: "directory", mode, uid, gid };
  if (entry.kind === "symlink") return { kind: "symlink", target: entry.link ?? "", mode, uid, gid };
  return { kind: "file", content, mode, uid, gid };
}

function entryOf(path: string, file: FakeFile | undefined): MemoryEntry[] {
  if (file === undefined || path === "") return [];
  const { mode, uid, gid } = file;
  const common = { path: path.replace(/^\//, ""), mode, owner: { uid, gid } };
  if (file.kind === "file") return [{ ...common, kind: "file", content: file.content }];
  if (file.kind === "symlink") return [{ ...common, kind: "symlink", target: file.target }];
  return [{ ...common, kind: "directory" }];
}
