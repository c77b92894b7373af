import { expect, test } from "vitest";
import { createRates } from "./rates.ts";

function ratesAt(perSecond: number, burst: number) {
  let now = 0;
  const clock = { now: () => now, monotonic: () => now, after: () => () => undefined };
  return {
    ...createRates(clock, { perSecond, burst }),
    pass: (ms: number) => {
      now += ms;
    },
  };
}

test("so many at once, and then as time goes by", () => {
  const rates = ratesAt(2, 3);
  const take = () => rates.take("a");
  expect([take(), take(), take(), take()]).toEqual([true, true, true, false]);
  // Whoever goes on asking does not push the time away.
  rates.pass(250);
  expect(take()).toBe(false);
  rates.pass(250);
  expect([take(), take()]).toEqual([true, false]);
  rates.pass(60_000);
  expect([take(), take(), take(), take()]).toEqual([true, true, true, false]);
});

test("one name does not spend what another has, and what did not count is given back", () => {
  const rates = ratesAt(1, 1);
  expect([rates.take("a"), rates.take("a"), rates.take("b")]).toEqual([true, false, true]);
  rates.giveBack("a");
  expect([rates.take("a"), rates.take("a")]).toEqual([true, false]);
  rates.giveBack("nobody");
});
