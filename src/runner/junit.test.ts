import fc from "fast-check";
import { expect, test } from "vitest";
import { readTests } from "./junit.ts";

test("counts cases, failures, errors and skipped ones, whatever stands in their text", () => {
  const xml = `<?xml version="1.0"?><!-- <testcase name="no"/> -->
  <testsuites><testsuite name="s" tests="9">
    <testcase classname="a" name="one &lt;1&gt;"/>
    <testcase classname="a" name="two"><failure message="x > y"><![CDATA[<testcase name="inside"/>]]></failure></testcase>
    <testcase name='three'><error/></testcase>
    <testcase name="four"><skipped/></testcase>
    <testcase name="five"><system-out>ok</system-out></testcase>
  </testsuite></testsuites>`;
  expect(readTests(xml)?.count).toEqual({ tests: 5, failed: 2, skipped: 1, failing: ["a.two", "three"] });
});

test("what is no report is told apart from an empty one", () => {
  expect(readTests("<html></html>")?.count).toBeUndefined();
  expect(readTests("<testsuites/>")?.count).toEqual({ tests: 0, failed: 0, skipped: 0, failing: [] });
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
  fc.assert(fc.property(fc.array(piece), pieces => void readTests(pieces.join(""))));
});

test("tells of each case its suite, time and why it failed", () => {
  const xml = `<testsuites><testsuite name="outer"><testsuite name="inner &amp; more">
    <testcase classname="a" name="one" time="1,000.5"/>
    <testcase name="two" time="no"><failure message="x &gt; y">at <![CDATA[<line> 1]]>&lt;</failure></testcase>
    <testcase name="three"><skipped message="later"/></testcase>
  </testsuite><testcase name="four"><error>boom</error><system-err>noise</system-err></testcase></testsuite></testsuites>`;
  expect(readTests(xml)?.cases).toEqual([
    { suite: "inner & more", name: "a.one", outcome: "passed", durationMs: 1_000_500, message: "" },
    {
      suite: "inner & more",
      name: "two",
      outcome: "failed",
      durationMs: null,
      message: "x > y\nat <line> 1<",
    },
    { suite: "inner & more", name: "three", outcome: "skipped", durationMs: null, message: "later" },
    { suite: "outer", name: "four", outcome: "failed", durationMs: null, message: "boom" },
  ]);
});
