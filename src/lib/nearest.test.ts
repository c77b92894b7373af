import { describe, expect, test } from "vitest";
import { editDistance } from "./edit-distance.ts";
import { nearest, nearestNames } from "./nearest.ts";

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

describe("names", () => {
  const known = ["build", "deploy", "deploy-staging", "npm-install", "npm-test", "a"];

  test.each<[string, string[]]>([
    ["biuld", ["build"]],
    ["Build", ["build"]],
    ["deploi", ["deploy"]],
    ["npm_install", ["npm-install"]],
    ["deploy-stagin", ["deploy-staging"]],
    ["completely-different", []],
    ["x", []],
    ["", []],
  ])("%s is near %j", (wanted, near) => {
    expect(nearestNames(wanted, known)).toEqual(near);
  });

  test("at most three, the nearest first, and those as near in order of name", () => {
    expect(nearestNames("test", ["tests", "rest", "best", "test1", "toast"])).toEqual([
      "best",
      "rest",
      "test1",
    ]);
  });

  test("a very long name takes no long time", () => {
    expect(nearestNames("x".repeat(1e6), known)).toEqual([]);
  });
});
