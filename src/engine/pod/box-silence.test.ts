// A box that never greets, with a clock that is moved.

import { expect, test } from "vitest";
import { movedClock } from "../../lib/fixtures/moved-clock.ts";
import { silentMs, watchSilence } from "./box-silence.ts";

function watched(placeWaits?: () => boolean) {
  const clock = movedClock();
  const silence = watchSilence(clock, "busybox", placeWaits);
  const told: string[] = [];
  void silence.tooLong.then(({ code, message, hint }) => told.push(`${code}: ${message} ${hint}`));
  return { clock, silence, told, settled: () => new Promise(resolve => setImmediate(resolve)) };
}

test("is given up once all of its Pod has run for long enough, with what to do", async () => {
  const { clock, told, settled } = watched(() => false);
  clock.move(silentMs - 1);
  await settled();
  expect(told).toEqual([]);
  clock.move(1);
  await settled();
  expect(told).toHaveLength(1);
  expect(told[0]).toMatch(/^box-without-shell: image busybox: .*90 s.*ENTRYPOINT/);
  expect(clock.waiting()).toBe(0);
});

test("an image that is pulled for an hour is waited for, and counts from its end", async () => {
  let waits = true;
  const { clock, told, settled } = watched(() => waits);
  clock.move(3_600_000);
  waits = false;
  clock.move(silentMs - 5000);
  await settled();
  expect(told).toEqual([]);
  clock.move(10_000);
  await settled();
  expect(told).toHaveLength(1);
});

test("nothing is given up where nobody tells what is waited for, or after its end", async () => {
  const unknown = watched();
  unknown.clock.move(10 * silentMs);
  const greeted = watched(() => false);
  greeted.silence[Symbol.dispose]();
  expect(greeted.clock.waiting()).toBe(0);
  greeted.clock.move(10 * silentMs);
  await greeted.settled();
  expect([...unknown.told, ...greeted.told]).toEqual([]);
});
