import fc from "fast-check";
import { expect, test } from "vitest";
import { readManifest } from "./manifest.ts";

test("properties as a list, scalars as the text they are written as", async () => {
  const { manifest, warning } = await readManifest(`
name: create-file
version: 1.10
summary: Creates a file
tags: [files]
properties:
  - name: overwrite
    type: string
    required: true
    default: no
  - name: mode
    default: 0755
  - name: empty
  - type: nameless
`);
  expect(warning).toBeUndefined();
  expect(manifest).toEqual({
    name: "create-file",
    version: "1.10",
    summary: "Creates a file",
    keywords: ["files"],
    properties: [
      { name: "overwrite", type: "string", required: true, default: "no" },
      { name: "mode", type: "", required: false, default: "0755" },
      { name: "empty", type: "", required: false, default: "" },
    ],
  });
});

test("properties as a map, in the old form", async () => {
  const { manifest } = await readManifest(`
name: old
description: An old one
keywords:
  - a
properties:
  goals:
    type: string
    default: install
  plain: x
`);
  expect(manifest.summary).toBe("An old one");
  expect(manifest.properties.map(property => [property.name, property.default])).toEqual([
    ["goals", "install"],
    ["plain", ""],
  ]);
});

test.each([
  ["a: [", "cannot be read"],
  ["just text", "not a map"],
  ["", "not a map"],
  [`x: ${"y".repeat(300_000)}`, "larger"],
  [`properties: [${"{name: a},".repeat(501)}]`, "more than"],
  [
    "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c]",
    "cannot be read",
  ],
])("what is no manifest is a warning: %#", async (text, warning) => {
  const read = await readManifest(text);
  expect(read.warning).toContain(warning);
  expect(read.manifest.properties).toEqual([]);
});

test("no text makes it throw", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.string({ unit: fc.constantFrom(..."properties:\n- {}[]&*!|>'\"name ") }),
      async text => {
        const { manifest } = await readManifest(text);
        for (const property of manifest.properties) expect(typeof property.default).toBe("string");
      },
    ),
  );
});
