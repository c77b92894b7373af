// Reads the body that a runner sends: frames of one JSON line and the bytes that it announces (docs/runner-protocol.md).
// Whoever sends it is not trusted: everything is bounded, and one wrong byte refuses all of it.

import { accept, type Result, refuse } from "../../../core/failure.ts";
import { type LogFrame, maxFrameBytes } from "./log-frame.ts";

const maxHeaderBytes = 4096;
const maxStepLength = 512;
const maxStreamLength = 128;
const newline = 10;
const control = /[\u0000-\u001f\u007f]/;

/**
 * The frames in the order in which they stand. Their data are parts of `body`, in which they are moved together: it is not
 * the caller's any more. Refusals have the code `malformed`.
 */
export function parseFrames(body: Buffer): Result<LogFrame[]> {
  const frames: LogFrame[] = [];
  let at = 0;
  let kept = 0;
  while (at < body.length) {
    const end = body.indexOf(newline, at);
    if (end < 0 || end - at > maxHeaderBytes) {
      return malformed(at, `has no header line of at most ${maxHeaderBytes} bytes`);
    }
    const header = parseHeader(body.toString("utf8", at, end));
    if (typeof header === "string") return malformed(at, header);
    const begin = end + 1;
    if (begin + header.bytes > body.length) {
      return malformed(at, `announces ${header.bytes} bytes, and ${body.length - begin} follow`);
    }
    const { seq, step, stream, time } = header;
    at = begin + header.bytes;
    body.copyWithin(kept, begin, at);
    frames.push({ seq, step, stream, time, data: body.subarray(kept, kept + header.bytes) });
    kept += header.bytes;
  }
  return accept(frames);
}

/** The data of frames as one piece: without a copy where they lie together, as `parseFrames` leaves them. */
export function joinData(frames: readonly LogFrame[]): Buffer {
  const first = frames[0]?.data;
  if (first === undefined) return Buffer.alloc(0);
  let end = first.byteOffset;
  for (const { data } of frames) {
    if (data.buffer !== first.buffer || data.byteOffset !== end)
      return Buffer.concat(frames.map(each => each.data));
    end += data.length;
  }
  return Buffer.from(first.buffer, first.byteOffset, end - first.byteOffset);
}

function malformed(at: number, problem: string) {
  return refuse(
    "malformed",
    `the frame at byte ${at} ${problem}`,
    'each frame is a line {"seq","step","stream","time","bytes"} followed by exactly `bytes` bytes',
  );
}

type Header = Omit<LogFrame, "data"> & { bytes: number };

/** The header, or what is wrong with it. */
function parseHeader(line: string): Header | string {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return "has a header that is no JSON";
  }
  if (typeof value !== "object" || value === null) return "has a header that is no object";
  const { seq, step, stream, time, bytes } = value as Record<string, unknown>;
  if (!isWhole(seq, 1, Number.MAX_SAFE_INTEGER)) return "has no `seq` from 1 on";
  if (!isName(step, maxStepLength)) return `has no \`step\` of at most ${maxStepLength} characters`;
  if (!isName(stream, maxStreamLength)) return `has no \`stream\` of at most ${maxStreamLength} characters`;
  if (!isWhole(bytes, 0, maxFrameBytes)) return `has no \`bytes\` from 0 to ${maxFrameBytes}`;
  const ms = typeof time === "string" && time.length <= 40 ? Date.parse(time) : Number.NaN;
  // Years that a timestamp of the database and of an outside log service can hold.
  if (!(ms >= 0 && ms < 9_000_000_000_000)) return "has no `time` in ISO 8601";
  return { seq, step, stream, time: Math.trunc(ms), bytes };
}

function isWhole(value: unknown, least: number, most: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most;
}

function isName(value: unknown, most: number): value is string {
  return typeof value === "string" && value !== "" && value.length <= most && !control.test(value);
}
