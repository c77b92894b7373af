import fc from "fast-check";
import { expect, test } from "vitest";
import type { RunEvent } from "../core/events.ts";
import { systemClock } from "../lib/clock.ts";
import { createEmitter } from "./emitter.ts";

function collect(secrets: string[] = []) {
  const events: RunEvent[] = [];
  const emitter = createEmitter("run", event => void events.push(event), systemClock);
  emitter.hide(secrets);
  const bytes = (step: string, stream: string) =>
    Buffer.concat(
      events.flatMap(event => {
        if (event.type !== "log" || event.step !== step || event.stream !== stream) return [];
        return event.text === undefined ? Buffer.from(event.bytes ?? "", "base64") : Buffer.from(event.text);
      }),
    );
  return { events, emitter, bytes };
}

test("events are numbered from 1 without gaps, in the order in which they were told", async () => {
  const { events, emitter } = collect();
  await Promise.all([
    emitter.emit({ type: "notice", level: "info", message: "a" }),
    emitter.output("s", "stdout", Buffer.from("b")),
    emitter.emit({ type: "notice", level: "info", message: "c" }),
  ]);
  expect(events.map(event => event.seq)).toEqual([1, 2, 3]);
  expect(events[1]).toMatchObject({ type: "log", step: "s", stream: "stdout", offset: 0, text: "b" });
});

test("log chunks put together are the exact bytes, offsets without gaps, none over 64 KiB", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 8 }),
      fc.boolean(),
      async (parts, long) => {
        const { events, emitter, bytes } = collect();
        const all = long ? [...parts, Buffer.alloc(200_000, "é")] : parts;
        for (const part of all) await emitter.output("s", "stdout", part);
        await emitter.flush("s");
        expect(bytes("s", "stdout").equals(Buffer.concat(all))).toBe(true);
        let offset = 0;
        for (const event of events) {
          if (event.type !== "log") continue;
          expect(event.offset).toBe(offset);
          const size = Buffer.byteLength(event.text ?? Buffer.from(event.bytes ?? "", "base64"));
          expect(size).toBeLessThanOrEqual(65_536);
          offset += size;
        }
      },
    ),
    { numRuns: 50 },
  );
});

test("a secret leaves neither in split output nor in a message nor in a name", async () => {
  const { events, emitter, bytes } = collect(["s3cret-value"]);
  await emitter.output("s", "stdout", Buffer.from("a s3cre"));
  await emitter.output("s", "stdout", Buffer.from("t-value b"));
  await emitter.flush("s");
  await emitter.emit({
    type: "step-finished",
    step: "s",
    name: "say s3cret-value",
    phase: "main",
    outcome: "failed",
    exitCode: 1,
    durationMs: 1,
    message: "no s3cret-value",
  });
  expect(bytes("s", "stdout").toString()).toBe("a *** b");
  expect(JSON.stringify(events)).not.toContain("s3cret-value");
});

test("a slow sink holds the emitter back", async () => {
  const gate = Promise.withResolvers<void>();
  const emitter = createEmitter("run", () => gate.promise, systemClock);
  let taken = false;
  const told = emitter.output("s", "stdout", Buffer.from("x")).then(() => (taken = true));
  await Promise.resolve();
  expect(taken).toBe(false);
  gate.resolve();
  await told;
  expect(taken).toBe(true);
});

test("a secret that becomes known in mid-step is hidden from then on, and calls that overlap keep their order", async () => {
  const { emitter, bytes } = collect(["first-secret"]);
  await emitter.output("s", "stdout", Buffer.from("late-secret first-sec"));
  emitter.hide(["late-secret"]);
  const parts = ["ret late-", "secret ", "x".repeat(100_000), " end"];
  await Promise.all(parts.map(part => emitter.output("s", "stdout", Buffer.from(part))));
  await emitter.flush("s");
  expect(bytes("s", "stdout").toString()).toBe(`late-secret *** *** ${"x".repeat(100_000)} end`);
});
