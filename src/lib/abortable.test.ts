import { expect, test } from "vitest";
import { abortable } from "./abortable.ts";

async function* numbers(upTo: number, told: { ended: boolean }) {
  try {
    for (let number = 1; number <= upTo; number++) yield number;
  } finally {
    told.ended = true;
  }
}

test("without an abort the items are the source's", async () => {
  const told = { ended: false };
  const seen: number[] = [];
  for await (const item of abortable(numbers(3, told), new AbortController().signal)) seen.push(item);
  expect(seen).toEqual([1, 2, 3]);
  expect(told.ended).toBe(true);
});

test("an abort ends it by the reason, also when the source never answers", async () => {
  const abort = new AbortController();
  const reason = new Error("enough");
  async function* silent() {
    yield 1;
    await new Promise(() => {});
  }
  const items = abortable(silent(), abort.signal);
  expect((await items.next()).value).toBe(1);
  const waiting = items.next();
  abort.abort(reason);
  await expect(waiting).rejects.toBe(reason);
});

test("leaving early ends the source", async () => {
  const told = { ended: false };
  for await (const item of abortable(numbers(3, told), new AbortController().signal)) {
    if (item === 2) break;
  }
  expect(told.ended).toBe(true);
});

test("a source that fails, fails", async () => {
  const failure = new Error("broken");
  async function* failing() {
    yield 1;
    throw failure;
  }
  const items = abortable(failing(), new AbortController().signal);
  await items.next();
  await expect(items.next()).rejects.toBe(failure);
});
