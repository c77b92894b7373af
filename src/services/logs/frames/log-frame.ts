// One frame of a log: bytes of one step and stream that the runner numbered and dated.

/** A frame holds at most this many bytes. */
export const maxFrameBytes = 64 * 1024;

export interface LogFrame {
  /** From 1, without gaps as sent; numbers of empty frames are not kept. */
  seq: number;
  step: string;
  stream: string;
  /** Milliseconds since the epoch. */
  time: number;
  data: Buffer;
}
