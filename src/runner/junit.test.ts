import fc from "fast-check";
import { expect, test } from "vitest";
import { countTests } from "./junit.ts";

test("counts cases, failures, errors and skipped ones, whatever stands in their text", () => {
  const xml = `<?xml version="1.0"?><!-- <testcase name="no"/> -->
  <testsuites><testsuite name="s" tests="9">
    <testcase classname="a" name="one &lt;1&gt;"/>
    <testcase classname="a" name="two"><failure message="x > y"><![CDATA[<testcase name="inside"/>]]></failure></testcase>
    <testcase name='three'><error/></testcase>
    <testcase name="four"><skipped/></testcase>
    <testcase name="five"><system-out>ok</system-out></testcase>
  </testsuite></testsuites>`;
  expect(countTests(xml)).toEqual({ tests: 5, failed: 2, skipped: 1, failing: ["a.two", "three"] });
});

test("what is no report is told apart from an empty one", () => {
  expect(countTests("<html></html>")).toBeUndefined();
  expect(countTests("<testsuites/>")).toEqual({ tests: 0, failed: 0, skipped: 0, failing: [] });
});

test("never throws on arbitrary text", () => {
  const piece = fc.constantFrom(
    "<",
    ">",
    '"',
    "'",
    "testcase",
    "testsuite",
    "<![CDATA[",
    "-->",
    "/",
    " name=",
    "x",
  );
  fc.assert(fc.property(fc.array(piece), pieces => void countTests(pieces.join(""))));
});
