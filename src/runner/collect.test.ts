import { expect, test } from "vitest";
import { fixedPrefixes } from "./collect.ts";

test("only the parts of the source that globs can match are taken out", () => {
  expect(fixedPrefixes(["dist/**", "dist/sub/*.js", "report.xml", "a/b/*/c"])).toEqual([
    "a/b",
    "dist",
    "report.xml",
  ]);
  expect(fixedPrefixes(["**/*.xml", "dist/**"])).toEqual([""]);
  expect(fixedPrefixes(["!dist/**", "../../etc/passwd", "/abs/x"])).toEqual(["abs/x", "etc/passwd"]);
});
