import { expect, test } from "vitest";
import { editDistance } from "./edit-distance.ts";
import { nearest } from "./nearest.ts";

test("slips are counted: one letter more, less, another, or two swapped", () => {
  expect(editDistance("build", "build")).toBe(0);
  expect(editDistance("build", "bild")).toBe(1);
  expect(editDistance("build", "buiild")).toBe(1);
  expect(editDistance("build", "bluid")).toBe(2);
  expect(editDistance("build", "biuld")).toBe(1);
  expect(editDistance("", "abc")).toBe(3);
});

test("the nearest is found, case and dashes do not count", () => {
  expect(nearest("biuld", ["deploy", "build"])).toBe("build");
  expect(nearest("After_Step", ["steps", "after-steps"])).toBe("after-steps");
});

test("what is too far off, empty or very long was not meant", () => {
  expect(nearest("box", ["services"])).toBeUndefined();
  expect(nearest("ab", ["xy"])).toBeUndefined();
  expect(nearest("--", ["a"])).toBeUndefined();
  expect(nearest("b".repeat(1000), ["build"])).toBeUndefined();
});

test.each([
  ["boxx", "box"],
  ["bxo", "box"],
  ["service", "services"],
  ["after_steps", "after-steps"],
  ["afterSteps", "after-steps"],
  ["basepath", "base-path"],
  ["comand-timout", "command-timeout"],
])("%s was meant to be %s", (word, meant) => {
  expect(nearest(word, ["box", "services", "steps", "after-steps", "base-path", "command-timeout"])).toBe(
    meant,
  );
});
