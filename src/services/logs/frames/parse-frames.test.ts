import fc from "fast-check";
import { expect, test } from "vitest";
import { bodyOf, frameTime } from "../fixtures/frames.ts";
import { decodeTable, encodeTable, frameAt, joinTables, tableOf } from "./frame-table.ts";
import { maxFrameBytes } from "./log-frame.ts";
import { parseFrames } from "./parse-frames.ts";

const name = fc.string({ minLength: 1, maxLength: 20 }).filter(text => !/[\u0000-\u001f\u007f]/.test(text));
const frame = fc.record({
  seq: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  step: name,
  stream: name,
  time: fc
    .date({ min: new Date(0), max: new Date("2200-01-01"), noInvalidDate: true })
    .map(date => date.toISOString()),
  data: fc.uint8Array({ maxLength: 300 }),
});

test("what was written is read", () => {
  fc.assert(
    fc.property(fc.array(frame), frames => {
      const read = parseFrames(bodyOf(...frames));
      if (!read.ok) throw new Error(read.refusal.message);
      const expected = frames.map(each => ({
        ...each,
        time: Date.parse(each.time),
        data: Buffer.from(each.data),
      }));
      expect(read.value).toEqual(expected);
    }),
  );
});

test("any bytes are read or refused, in place of thrown at", () => {
  const anything = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.string({ unit: "binary", maxLength: 200 }).map(text => Buffer.from(text)),
    fc.json().map(text => Buffer.from(`${text}\n`)),
    fc
      .record({
        seq: fc.anything(),
        step: fc.anything(),
        stream: fc.anything(),
        time: fc.anything(),
        bytes: fc.anything(),
      })
      .map(header => Buffer.from(`${safeJson(header)}\n`)),
    fc.tuple(frame, fc.nat(400), fc.nat(255)).map(([each, at, byte]) => {
      const body = bodyOf(each);
      body[at % body.length] = byte;
      return body;
    }),
    fc.tuple(frame, fc.nat(400)).map(([each, at]) => bodyOf(each).subarray(0, at)),
  );
  fc.assert(
    fc.property(fc.array(anything), parts => {
      const body = Buffer.concat(parts);
      const read = parseFrames(body);
      if (!read.ok) {
        expect(read.refusal.code).toBe("malformed");
        return;
      }
      // Whatever is taken for a frame says of itself what it must.
      for (const { seq, step, stream, time, data } of read.value) {
        expect(Number.isSafeInteger(seq) && seq >= 1).toBe(true);
        expect(step.length * stream.length).toBeGreaterThan(0);
        expect(Number.isSafeInteger(time)).toBe(true);
        expect(data.length).toBeLessThanOrEqual(maxFrameBytes);
      }
    }),
    { numRuns: 500 },
  );
});

function safeJson(value: unknown): string {
  try {
    return JSON.stringify(value) ?? "";
  } catch {
    return "";
  }
}

test.each([
  ["a frame that is too large", { data: Buffer.alloc(maxFrameBytes + 1) }],
  ["a number below 1", { seq: 0 }],
  ["a number that is none", { seq: 1.5 }],
  ["a step without a name", { step: "" }],
  ["a step with a control character", { step: "a\u0000b" }],
  ["a stream with a very long name", { stream: "s".repeat(200) }],
  ["a time that is none", { time: "yesterday" }],
  ["a time before time began", { time: "1960-01-01T00:00:00Z" }],
  ["a time far away", { time: "+200000-01-01T00:00:00Z" }],
])("%s is refused, with the frames before it", (_, wrong) => {
  const good = { seq: 1, step: "s", stream: "stdout", time: frameTime, data: "x" };
  expect(parseFrames(bodyOf(good, { ...good, seq: 2 })).ok).toBe(true);
  expect(parseFrames(bodyOf(good, { ...good, seq: 2, ...wrong }))).toMatchObject({
    ok: false,
    refusal: { code: "malformed" },
  });
});

test("tables of frames say where each byte is from, also written down and joined", () => {
  const kept = frame.filter(each => each.data.length > 0);
  fc.assert(
    fc.property(fc.array(fc.array(kept, { minLength: 1 }), { minLength: 1 }), pieces => {
      const parsed = pieces.map(frames => {
        const read = parseFrames(bodyOf(...frames));
        if (!read.ok) throw new Error(read.refusal.message);
        return read.value;
      });
      const tables = parsed.map(frames => ({
        bytes: frames.reduce((sum, { data }) => sum + data.length, 0),
        table: decodeTable(encodeTable(tableOf(frames))),
      }));
      const table = joinTables(tables);
      let byte = 0;
      for (const { seq, step, stream, time, data } of parsed.flat()) {
        for (const at of [byte, byte + data.length - 1]) {
          const found = frameAt(table, at);
          expect(table.seqs[found]).toBe(seq);
          expect(table.sources[table.source[found]!]).toEqual({ step, stream });
          expect(table.times[found]).toBe(time);
        }
        byte += data.length;
      }
    }),
  );
});
