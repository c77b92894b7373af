import fc from "fast-check";
import { expect, test } from "vitest";
import { expandVariables, parseScript } from "./script-words.ts";

const garbage = fc.uint8Array({ maxLength: 40 }).map(bytes => Buffer.from(bytes).toString("latin1"));

test("a script is its known words, line by line", () => {
  const script = `set -e
    echo hello   world
err $PROBLEM
exit 3
make install
print-bytes 00 ff
box-exits 137 oom
export NAME="two words"
write a/b some text
`;
  expect(parseScript(script)).toEqual([
    { word: "errexit", on: true },
    { word: "print", stream: "stdout", text: "hello   world" },
    { word: "print", stream: "stderr", text: "$PROBLEM" },
    { word: "exit", status: 3 },
    { word: "bytes", bytes: Buffer.from([0, 255]) },
    { word: "box-exits", status: 137, outOfMemory: true },
    { word: "export", name: "NAME", value: "two words" },
    { word: "write", path: "a/b", text: "some text" },
  ]);
});

test("words without what they need are none", () => {
  expect(parseScript("flood\nflood -1\nsleep soon\nwrite\nexport =x\nset -u\nfail-times x")).toEqual([]);
});

test("names of objects are no words", () => {
  expect(parseScript("constructor x\ntoString\n__proto__ y")).toEqual([]);
});

test("a script that defines functions does nothing", () => {
  expect(parseScript("fail() {\n  exit 1\n}\necho x")).toEqual([]);
});

test("variables are replaced by what they hold, or by nothing", () => {
  const variables = new Map([["A", "1"]]);
  expect(expandVariables("$A${A}$B-${B}$ $1 ${", variables)).toBe("11-$ $1 ${");
});

test("nothing makes the interpreter's readers throw", () => {
  const words = fc.constantFrom(
    "echo ",
    "exit ",
    "flood ",
    "export ",
    "write ",
    "print-bytes ",
    "set ",
    "box-exits ",
  );
  const line = fc.tuple(words, garbage).map(parts => parts.join(""));
  fc.assert(
    fc.property(fc.array(fc.oneof(line, garbage)), lines => {
      const commands = parseScript(lines.join("\n"));
      expandVariables(lines.join(""), new Map([["A", "$A"]]));
      for (const command of commands) expect(command).toHaveProperty("word");
    }),
  );
});
