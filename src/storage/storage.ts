// Where a runner gets its source and cache from, and where it leaves what a job makes. On a laptop these are
// directories, on a server blobs. Every adapter passes `storage.contract.ts`.

/** Who shall own the files in the box. */
export interface Owner {
  uid: number;
  gid: number;
}

/** The source of a job: a directory, an earlier pipeline's output, an unpacked tarball. */
export interface SourceTree {
  /**
   * A tar stream of the tree with every path below `prefix` (which has no leading slash), owned by `owner`.
   * A file that changes while it is read neither breaks the archive nor fails the run.
   */
  pack(prefix: string, owner: Owner, signal: AbortSignal): AsyncIterable<Uint8Array>;
}

export interface Stored {
  location: string;
  files: number;
  sizeBytes: number;
}

/** What the runner keeps things in. Nothing half written is ever visible under its final name. */
export interface RunnerStorage {
  /** The cache as a tar stream with every path below `prefix`; undefined when there is none under any key. */
  loadCache(
    keys: string[],
    prefix: string,
    owner: Owner,
    signal: AbortSignal,
  ): Promise<AsyncIterable<Uint8Array> | undefined>;
  /**
   * Replaces the cache of `key` by an archive from a box; the first path component is dropped. Says `too-large`
   * over the limit and `empty` without any file; the old cache stays in both cases.
   */
  storeCache(
    key: string,
    archive: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<Stored | "too-large" | "empty">;
  /**
   * Keeps an artifact from a box's archive; the first path component is dropped. `paths` are globs that select
   * entries, all when empty. `output` is the one that the next pipeline receives as its source.
   */
  storeArtifact(
    artifact: { name: string; paths: string[]; retentionDays?: number },
    archive: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<Stored | "too-large" | "empty">;
}
