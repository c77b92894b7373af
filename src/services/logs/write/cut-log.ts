// Where a log ends that is longer than a log may be: with a line that says so, in place of what is not kept.

import type { LogFrame } from "../frames/log-frame.ts";
import type { LogEnd } from "./index-lines.ts";

/**
 * The frames that are kept, none of them empty. `room`: how long the log may get; undefined where it has been cut before.
 */
export function cutFrames(
  end: LogEnd,
  frames: readonly LogFrame[],
  room: number | undefined,
): { frames: LogFrame[]; cut: boolean } {
  if (room === undefined) return { frames: [], cut: true };
  const kept: LogFrame[] = [];
  let { bytes, openLine } = end;
  for (const frame of frames) {
    if (frame.data.length === 0) continue;
    if (bytes + frame.data.length > room) {
      const text = `${openLine ? "\n" : ""}The log is cut here: it is longer than a log may be, and what came later was not kept.\n`;
      kept.push({ ...frame, stream: "engine", data: Buffer.from(text) });
      return { frames: kept, cut: true };
    }
    kept.push(frame);
    bytes += frame.data.length;
    openLine = frame.data[frame.data.length - 1] !== 10;
  }
  return { frames: kept, cut: false };
}
