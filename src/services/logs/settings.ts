// What of the logs can be set, with the values that hold where nothing is said.

export interface LogLimits {
  /** Of one log. What comes after is acknowledged and not kept, and the log says so. */
  maxLogBytes: number;
  /** Of one request, headers of frames included. */
  maxRequestBytes: number;
  /** Output of at least so many bytes in one request becomes a segment at once. */
  segmentBytes: number;
  /** Of requests that are being taken at the same time. */
  maxBytesInFlight: number;
  /** A log with more rows or bytes in rows than this is rolled up while it grows. */
  rollBytes: number;
  rollChunks: number;
}

const mebibyte = 1024 * 1024;

export const logLimits: LogLimits = {
  maxLogBytes: 512 * mebibyte,
  maxRequestBytes: 4 * mebibyte,
  segmentBytes: mebibyte / 2,
  maxBytesInFlight: 64 * mebibyte,
  rollBytes: 2 * mebibyte,
  rollChunks: 500,
};

/** Of rows of the index: a log that changes its step more often is cut, like one that is too long. */
export const maxIndexRows = 200_000;

/** A segment holds at most so many bytes of a log: whoever reads one has it in memory. */
export const maxSegmentBytes = 4 * mebibyte;

/** What is counted for the metrics. */
export interface LogCounts {
  /** Chunks that were stored, and their bytes. */
  stored?(chunks: number, bytes: number): void;
  /** Lines that were given to an outside log service, and those that it refused for good. */
  forwarded?(target: string, lines: number, refused: number): void;
}
