// What a backup is: a tar, zstd, whose entries stand in this order. `backup.json` says what comes; `table/NAME/N` are pieces
// of the table's rows as COPY writes them; `blob/KEY` are the blobs; `end.json` says that all of it is there. The secret
// key is not in it: without the key the values in it stay sealed.

/** First entry. */
export interface BackupHead {
  format: 1;
  /** Number of the last migration that the tables have seen. */
  schemaVersion: number;
  takenAt: string;
  /** In an order in which each may be filled: what a row names comes before it. */
  tables: { name: string; columns: string[] }[];
}

/** Last entry. An archive without it was cut. */
export interface BackupEnd {
  rows: Record<string, number>;
  blobs: number;
  blobBytes: number;
  /** Blobs that rows name and the store does not have. */
  missing: string[];
}

export const headName = "backup.json";
export const endName = "end.json";
export const tablePrefix = "table/";
export const blobPrefix = "blob/";
