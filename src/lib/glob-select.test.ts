import { expect, test } from "vitest";
import { createPathSelector } from "./glob-select.ts";

async function selected(globs: string[], ...paths: string[]): Promise<string[]> {
  const selects = await createPathSelector(globs);
  return paths.filter(selects);
}

test("globs match whole relative paths, names with a dot too", async () => {
  expect(await selected(["dist/*.js"], "dist/a.js", "dist/.b.js", "a.js", "x/dist/a.js")).toEqual([
    "dist/a.js",
    "dist/.b.js",
  ]);
  expect(await selected(["**/*.xml"], "a.xml", "x/y/b.xml", "x/.cache/c.xml", "a.xmls")).toEqual([
    "a.xml",
    "x/y/b.xml",
    "x/.cache/c.xml",
  ]);
  expect(await selected(["report-{a,b}.txt"], "report-a.txt", "report-c.txt")).toEqual(["report-a.txt"]);
});

test("a directory brings all below it", async () => {
  expect(await selected(["dist"], "dist/a", "dist/b/c", "dist2/a")).toEqual(["dist/a", "dist/b/c"]);
  expect(await selected(["./dist/", "/out"], "dist/a", "out/b")).toEqual(["dist/a", "out/b"]);
});

test("what a leading exclamation mark names stays out, wherever it stands", async () => {
  expect(await selected(["!dist/*.map", "dist/**"], "dist/a.js", "dist/a.map")).toEqual(["dist/a.js"]);
  expect(await selected(["!secret"], "a", "secret/b")).toEqual(["a"]);
  expect(await selected([], "a", "b/c")).toEqual(["a", "b/c"]);
});
