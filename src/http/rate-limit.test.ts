import { expect, test } from "vitest";
import { movedClock } from "../lib/fixtures/moved-clock.ts";
import { createRateLimit } from "./rate-limit.ts";

function refused(take: () => void): number | undefined {
  try {
    take();
    return undefined;
  } catch (error) {
    const { status, retryAfter } = (error as { details: { status: number; retryAfter: number } }).details;
    expect(status).toBe(429);
    return retryAfter;
  }
}

test("as many as are allowed at once, then one by one with time", () => {
  const clock = movedClock();
  const limit = createRateLimit({ burst: 3, everyMs: 6000, clock });
  for (let count = 0; count < 3; count++) expect(refused(() => limit.take("a"))).toBe(undefined);
  expect(refused(() => limit.take("a"))).toBe(6);
  expect(refused(() => limit.take("b"))).toBe(undefined);
  clock.move(5000);
  expect(refused(() => limit.take("a"))).toBe(1);
  clock.move(1000);
  expect(refused(() => limit.take("a"))).toBe(undefined);
  expect(refused(() => limit.take("a"))).toBe(6);
});

test("who asks while it is closed does not make it longer, and rest gives no more than the burst", () => {
  const clock = movedClock();
  const limit = createRateLimit({ burst: 2, everyMs: 1000, clock });
  limit.take("a");
  limit.take("a");
  for (let count = 0; count < 50; count++) expect(refused(() => limit.take("a"))).toBe(1);
  clock.move(1000);
  expect(refused(() => limit.take("a"))).toBe(undefined);
  clock.move(3_600_000);
  limit.take("a");
  limit.take("a");
  expect(refused(() => limit.take("a"))).toBe(1);
});

test("the wall clock has no say", () => {
  const clock = movedClock();
  const limit = createRateLimit({ burst: 1, everyMs: 1000, clock: { ...clock, now: () => 4e12 } });
  limit.take("a");
  expect(refused(() => limit.take("a"))).toBe(1);
});

test("it holds so many keys and no more; the one unseen for longest goes", () => {
  const limit = createRateLimit({ burst: 1, everyMs: 1000, clock: movedClock(), keys: 3 });
  for (const key of ["a", "b", "c"]) limit.take(key);
  expect(refused(() => limit.take("a"))).toBe(1);
  limit.take("d");
  expect(refused(() => limit.take("b"))).toBe(undefined);
  expect(refused(() => limit.take("d"))).toBe(1);
});
