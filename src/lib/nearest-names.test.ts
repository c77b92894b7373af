import { expect, test } from "vitest";
import { nearestNames } from "./nearest-names.ts";

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
