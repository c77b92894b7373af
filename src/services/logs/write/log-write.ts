// What one request adds to one log, ready to be stored.

import type { IndexRow, LogEnd } from "./index-lines.ts";

export interface LogWrite {
  attemptId: string;
  epoch: number;
  /** Numbers of the last chunk that must be stored before, and of the last one that is stored after. */
  before: number;
  after: number;
  start: LogEnd;
  end: LogEnd;
  rows: IndexRow[];
  cut: boolean;
  /** Where the bytes are: with the row, or in a blob. Neither where there are none. */
  chunk?: { data: Buffer; frames: Buffer };
  segment?: StoredSegment;
}

/** A piece of a log that lies in a blob: its bytes, compressed, then its frames, compressed. */
export interface StoredSegment {
  key: string;
  bytes: number;
  dataBytes: number;
}
