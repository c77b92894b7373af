// How fast Pods are created, with a clock that tests move.

import { expect, test } from "vitest";
import { movedClock } from "../../lib/fixtures/moved-clock.ts";
import { type CreateAnswer, createCreateRate } from "./create-rate.ts";

const never = new AbortController().signal;

function rateWith(more: { most?: number; pods?: () => number } = {}) {
  const clock = movedClock();
  const { pass } = clock;
  const rate = createCreateRate({
    ...{ clock, most: more.most ?? 10, atOnce: 100, marks: { high: 100, low: 90 } },
    pods: more.pods ?? (() => 0),
  });
  const through: ((answer: CreateAnswer) => void)[] = [];
  const why: string[] = [];
  const ask = (times: number, signal = never) => {
    for (let at = 0; at < times; at++) {
      void rate.turn(signal, text => why.push(text)).then(answered => answered && through.push(answered));
    }
  };
  return { rate, pass, through, why, ask };
}

test("no more than its cap get through, however many wait", async () => {
  const { ask, pass, through } = rateWith();
  ask(100);
  await pass(1000);
  expect(through.length).toBeGreaterThanOrEqual(9);
  expect(through.length).toBeLessThanOrEqual(12);
});

test("a busy server halves the rate and is left alone for as long as it says; good answers give it back", async () => {
  const { rate, ask, pass, through, why } = rateWith();
  ask(30);
  await pass(500);
  const before = through.length;
  for (const answered of through) answered({ kind: "busy", retryAfterMs: 3000 });
  // Those that were under way together count once.
  expect(rate.perSecond).toBe(5);
  await pass(2900);
  expect(through).toHaveLength(before);
  expect(why.join()).toContain("patience");
  await pass(1200);
  expect(through.length).toBeGreaterThan(before);
  for (const answered of through.slice(before)) answered({ kind: "taken", ms: 5 });
  expect(rate.perSecond).toBeGreaterThan(5);
  expect(rate.perSecond).toBeLessThan(6);
});

test("slow answers halve it too, but never below one a second", async () => {
  const { rate, ask, pass, through } = rateWith();
  ask(60);
  for (let turn = 0; turn < 8; turn++) {
    await pass(1500);
    through.at(-1)!({ kind: "taken", ms: 4000 });
  }
  expect(rate.perSecond).toBe(1);
});

test("a full namespace stops it until there are clearly fewer Pods", async () => {
  let pods = 100;
  const { rate, ask, pass, through, why } = rateWith({ pods: () => pods });
  ask(3);
  await pass(1500);
  expect(through).toEqual([]);
  expect(why[0]).toContain("the namespace has 100 Pods");
  pods = 95;
  rate.look();
  await pass(500);
  expect(through).toEqual([]);
  pods = 80;
  rate.look();
  await pass(500);
  expect(through).toHaveLength(3);
});

test("who gives up waits no longer, and takes nobody's turn", async () => {
  const { ask, pass, through } = rateWith({ most: 1 });
  const gone = new AbortController();
  ask(1);
  ask(5, gone.signal);
  ask(1);
  gone.abort(new Error("over"));
  await pass(1100);
  expect(through).toHaveLength(2);
});
