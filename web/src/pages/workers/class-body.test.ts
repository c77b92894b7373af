import { expect, test } from "vitest";
import { classBody } from "./class-body.ts";

function form(fields: Record<string, string>): FormData {
  const data = new FormData();
  for (const [name, value] of Object.entries(fields)) data.set(name, value);
  return data;
}

test("what is left empty is left out", () => {
  expect(classBody(form({ engine: "", cpu: " ", memory: "", timeout: "", pod: "" }))).toEqual({});
});

test("numbers are in the units of the api", () => {
  const fields = {
    engine: "host",
    cpu: "1.5",
    memory: "0.5",
    timeout: "2",
    allowDocker: "on",
    pod: '{"warm":2}',
  };
  expect(classBody(form(fields))).toEqual({
    ...{ engine: "host", cpu: 1.5, memoryBytes: 2 ** 29, timeoutMs: 120_000, allowDocker: true },
    pod: { warm: 2 },
  });
});

test.each(["{", "[]", "null", "1"])("Pods cannot be set by %s", pod => {
  expect(classBody(form({ pod }))).toBeInstanceOf(Error);
});
