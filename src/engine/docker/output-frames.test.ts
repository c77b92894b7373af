import fc from "fast-check";
import { expect, test } from "vitest";
import type { BoxOutput } from "../engine.ts";
import { frameReader, outputOf } from "./output-frames.ts";

function frame(stream: number, bytes: Uint8Array): Buffer {
  const head = Buffer.alloc(8);
  head[0] = stream;
  head.writeUInt32BE(bytes.length, 4);
  return Buffer.concat([head, bytes]);
}

/** Neighbours of one stream joined: what is said of the order and nothing of the cut. */
function joined(outputs: BoxOutput[]): [string, string][] {
  const lines: [string, string][] = [];
  for (const { stream, bytes } of outputs) {
    if (bytes.length === 0) continue;
    const text = Buffer.from(bytes).toString("hex");
    const last = lines.at(-1);
    if (last?.[0] === stream) last[1] += text;
    else lines.push([stream, text]);
  }
  return lines;
}

test("frames come out in order and whole, wherever the connection cuts them", () => {
  const frames = fc.array(fc.tuple(fc.constantFrom(1, 2), fc.uint8Array({ maxLength: 40 })), {
    maxLength: 20,
  });
  fc.assert(
    fc.property(frames, fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }), (parts, cuts) => {
      const bytes = Buffer.concat(parts.map(([stream, content]) => frame(stream, content)));
      const reader = frameReader();
      const seen: BoxOutput[] = [];
      for (let at = 0, turn = 0; at < bytes.length; turn++) {
        const length = cuts[turn % cuts.length] ?? 1;
        // A copy: what was given out may not depend on the next chunk.
        seen.push(...reader.push(Uint8Array.from(bytes.subarray(at, at + length))));
        at += length;
      }
      const wanted = parts.map(([stream, content]) => ({
        stream: stream === 2 ? ("stderr" as const) : ("stdout" as const),
        bytes: content,
      }));
      expect(joined(seen)).toEqual(joined(wanted));
      expect(reader.incomplete()).toBe(false);
    }),
  );
});

test("an end within a frame is noticed", () => {
  const reader = frameReader();
  reader.push(frame(1, Buffer.from("abc")).subarray(0, 10));
  expect(reader.incomplete()).toBe(true);
});

test("a stream that nobody knows is an error of the daemon, not output", () => {
  expect(() => frameReader().push(frame(9, Buffer.from("x")))).toThrow(/unknown stream 9/);
});

test("a broken connection ends the output after what has come", async () => {
  async function* breaking(): AsyncGenerator<Uint8Array> {
    yield frame(1, Buffer.from("before"));
    throw new Error("reset");
  }
  const seen: string[] = [];
  for await (const { bytes } of outputOf(breaking())) seen.push(Buffer.from(bytes).toString());
  expect(seen).toEqual(["before"]);
});
