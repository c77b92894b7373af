import { expect, test } from "vitest";
import { parseIgnoreFile } from "./ignore-file.ts";

/** Which of the paths stay out; a trailing slash marks a directory. */
function ignored(text: string, ...paths: string[]): string[] {
  const rules = parseIgnoreFile(text);
  return paths.filter(path => rules(path.replace(/\/$/, ""), path.endsWith("/")));
}

test("nothing is ignored by an empty file, comments and blank lines", () => {
  expect(ignored("", "a")).toEqual([]);
  expect(ignored("# a\n\n  \n#b", "a", "b", "# a")).toEqual([]);
});

test("white space around a line does not count", () => {
  expect(ignored("  a \r\n\tb", "a", "b")).toEqual(["a", "b"]);
});

test("a plain name matches at any depth, file or directory", () => {
  expect(ignored("match", "match", "x/match", "x/y/match/", "matches", "match/below")).toEqual([
    "match",
    "x/match",
    "x/y/match/",
  ]);
});

test("a pattern with inner slashes is compared with the last components", () => {
  expect(ignored("a/*.txt", "a/b.txt", "x/y/a/b.txt", "a/x/b.txt", "b.txt")).toEqual([
    "a/b.txt",
    "x/y/a/b.txt",
  ]);
});

test("a leading slash anchors at the directory of the file", () => {
  expect(ignored("/build", "build/", "sub/build/")).toEqual(["build/"]);
  expect(ignored("/a/b", "a/b", "x/a/b")).toEqual(["a/b"]);
});

test("a trailing slash means directories only", () => {
  expect(ignored("logs/", "logs/", "logs", "x/logs/")).toEqual(["logs/", "x/logs/"]);
});

test("accepting lines win, wherever they stand", () => {
  expect(ignored("!keep.log\n*.log", "keep.log", "x/keep.log", "other.log")).toEqual(["other.log"]);
  expect(ignored("*.log\n!keep.log", "keep.log", "other.log")).toEqual(["other.log"]);
  expect(ignored("!a", "a", "b")).toEqual([]);
});

test("wildcards never cross a slash, and two stars are one", () => {
  expect(ignored("*.o", "a.o", "x/a.o", "a.oo")).toEqual(["a.o", "x/a.o"]);
  expect(ignored("**/foo", "foo", "x/foo", "x/y/foo")).toEqual(["x/foo", "x/y/foo"]);
  expect(ignored("/**/foo", "foo", "x/foo", "x/y/foo")).toEqual(["x/foo"]);
  expect(ignored("a?c", "abc", "a/c", "ac", "aéc", "a😀c")).toEqual(["abc", "aéc", "a😀c"]);
});

test("brackets, negated brackets and escapes", () => {
  expect(ignored("[a-c]x", "ax", "cx", "dx")).toEqual(["ax", "cx"]);
  expect(ignored("[^a-c]x", "ax", "dx")).toEqual(["dx"]);
  expect(ignored("\\*", "*", "a")).toEqual(["*"]);
  expect(ignored("[\\]x]", "]", "x", "\\")).toEqual(["]", "x"]);
  expect(ignored("a.b+(c)-d", "a.b+(c)-d", "aXb+(c)-d")).toEqual(["a.b+(c)-d"]);
});

test("what is malformed matches nothing", () => {
  for (const line of ["[", "[a", "[]", "[]a]", "[a-]", "a\\", "/", "!", "[-a]"]) {
    expect(ignored(`${line}\nreal`, "[", "[a", "a", "]", "-", "/", "real"), line).toEqual(["real"]);
  }
});

test("many stars are not slow", () => {
  const started = performance.now();
  expect(ignored(`${"*a".repeat(60)}*b`, "a".repeat(255))).toEqual([]);
  expect(performance.now() - started).toBeLessThan(500);
});
