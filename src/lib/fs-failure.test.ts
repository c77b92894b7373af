import { writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { SlipwayError } from "../core/failure.ts";
import { fsFailure, isGone } from "./fs-failure.ts";

function thrownBy(work: () => void): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return undefined;
}

test("a full disk has its own code and says what to do", () => {
  const cause = thrownBy(() => writeFileSync("/dev/full", "x"));
  const failure = fsFailure("write", "/dev/full", cause);
  expect(failure).toMatchObject({
    code: "no-space",
    cause,
    hint: expect.stringContaining("free some space"),
  });
  expect(failure.message).toBe("cannot write /dev/full: no space left on device");
});

test("other errors name what was tried and where", () => {
  const cause = thrownBy(() => writeFileSync("/no/such/file", "x"));
  expect(fsFailure("write", "/no/such/file", cause)).toMatchObject({
    code: "file-access",
    message: "cannot write /no/such/file: no such file or directory",
    hint: undefined,
  });
  expect(isGone(cause)).toBe(true);
  expect(fsFailure("read", "x", "odd").message).toBe("cannot read x: odd");
});

test("an error that says everything already is kept", () => {
  const known = new SlipwayError("code", "message");
  expect(fsFailure("read", "x", known)).toBe(known);
});
