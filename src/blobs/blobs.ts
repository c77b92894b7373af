// The port for large bytes: sources, caches, artifacts, outputs, log segments. A directory or any S3-compatible
// store. Every adapter passes `blobs.contract.ts`. Keys are chosen by the caller, from the letters, digits and
// `/ . _ -`, without `..`; nobody's user input becomes a key.

/** A blob as it is kept. */
export interface BlobInfo {
  key: string;
  bytes: number;
}

export interface Blobs extends AsyncDisposable {
  /**
   * Keeps a stream under a key. Nothing is visible under it before all is stored and durable, and nothing is when
   * the stream or the signal breaks it off. Putting a key again replaces it. Throws SlipwayError `blob-too-large`
   * over `maxBytes`.
   */
  put(
    key: string,
    content: AsyncIterable<Uint8Array>,
    options: { maxBytes: number; signal: AbortSignal },
  ): Promise<BlobInfo>;
  /**
   * The bytes from `start` up to, not including, `end`. Undefined where there is no such blob. Aborting ends what is not read
   * yet; whoever reads on is told so, and where nobody does nothing else happens.
   */
  get(
    key: string,
    options: { start?: number; end?: number; signal: AbortSignal },
  ): Promise<AsyncIterable<Uint8Array> | undefined>;
  stat(key: string): Promise<BlobInfo | undefined>;
  /** Fine where there is none. */
  remove(keys: string[]): Promise<void>;
  /** Every blob below a prefix, in order of key. */
  list(prefix: string): AsyncIterable<BlobInfo>;
}
