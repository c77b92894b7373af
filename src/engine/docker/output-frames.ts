// The framing of a container's output on an attached connection: eight bytes of head (stream, three zeroes, length)
// before each piece. Pure, but for the pieces it is fed.

import { SlipwayError } from "../../core/failure.ts";
import type { BoxOutput } from "../engine.ts";

const headLength = 8;

/** Takes chunks cut anywhere and gives the output in them. */
export interface FrameReader {
  /** Neighbouring pieces of one stream come joined. The bytes may share memory with `chunk`. */
  push(chunk: Uint8Array): BoxOutput[];
  /** Whether the connection ended inside a frame. */
  incomplete(): boolean;
}

export function frameReader(): FrameReader {
  const head = Buffer.alloc(headLength);
  let headFilled = 0;
  let remaining = 0;
  let stream: BoxOutput["stream"] = "stdout";

  function readHead(chunk: Uint8Array, from: number): number {
    const taken = Math.min(headLength - headFilled, chunk.length - from);
    head.set(chunk.subarray(from, from + taken), headFilled);
    headFilled += taken;
    if (headFilled < headLength) return taken;
    headFilled = 0;
    stream = streamOf(head);
    remaining = head.readUInt32BE(4);
    return taken;
  }

  return {
    push(chunk) {
      const pieces: { stream: BoxOutput["stream"]; parts: Uint8Array[] }[] = [];
      for (let at = 0; at < chunk.length; ) {
        if (remaining === 0) {
          at += readHead(chunk, at);
          continue;
        }
        const part = chunk.subarray(at, at + remaining);
        remaining -= part.length;
        at += part.length;
        const last = pieces.at(-1);
        if (last?.stream === stream) last.parts.push(part);
        else pieces.push({ stream, parts: [part] });
      }
      return pieces.map(({ stream, parts }) => ({ stream, bytes: joined(parts) }));
    },
    incomplete: () => headFilled > 0 || remaining > 0,
  };
}

function joined(parts: Uint8Array[]): Uint8Array {
  return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
}

function streamOf(head: Buffer): BoxOutput["stream"] {
  if (head[0] === 2) return "stderr";
  // 0 is the echo of standard input, which nothing asks for; daemons use it for stdout at times.
  if (head[0] === 1 || head[0] === 0) return "stdout";
  // 3 is the daemon telling of its own failure in the stream.
  if (head[0] === 3) return "stderr";
  throw new SlipwayError(
    "daemon-protocol",
    `the container daemon sent a frame of the unknown stream ${head[0]}`,
    {
      hint: "the connection may pass through something that changes it",
    },
  );
}

/** Output of an attached connection until it ends. A broken connection ends it too: how the box ended is not told here. */
export async function* outputOf(connection: AsyncIterable<Uint8Array>): AsyncGenerator<BoxOutput> {
  const reader = frameReader();
  try {
    for await (const chunk of connection) yield* reader.push(chunk);
  } catch (error) {
    if (error instanceof SlipwayError) throw error;
  }
}
