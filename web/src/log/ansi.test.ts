import fc from "fast-check";
import { expect, test } from "vitest";
import { firstPlainLine, type Piece, readAnsi } from "./ansi.ts";

const textOf = (pieces: Piece[]) => pieces.map(({ text }) => text).join("");

test.each([
  ["plain", "plain", {}],
  ["\x1b[31mred", "red", { color: 1 }],
  ["\x1b[1;92mx", "x", { bold: true, color: 10 }],
  ["\x1b[38;5;208mx", "x", { color: "#ff8700" }],
  ["\x1b[38;5;244mx", "x", { color: "#808080" }],
  ["\x1b[48;2;1;2;255mx", "x", { background: "#0102ff" }],
  ["\x1b[38:5:9mx", "x", { color: 9 }],
  ["\x1b[31m\x1b[39mx", "x", {}],
  ["\x1b[1;4;7m\x1b[mx", "x", {}],
  ["\x1b[38;5mx", "x", {}],
  ["\x1b[38;2;300;0;0mx", "x", {}],
])("%j", (line, text, look) => {
  const { pieces } = readAnsi(line);
  expect([textOf(pieces), pieces.at(-1)!.look]).toEqual([text, look]);
});

test("a look goes on in the next line until it is taken back", () => {
  const first = readAnsi("\x1b[31mred");
  expect(readAnsi("still", first.after).pieces[0]!.look).toEqual({ color: 1 });
  expect(readAnsi("\x1b[0mno more", first.after).pieces[0]!.look).toEqual({});
});

test("what a terminal would obey is left out or shown as a sign", () => {
  expect(textOf(readAnsi("a\x1b[2Kb\x1b[10;20Hc\x1b[?25l").pieces)).toBe("abc");
  expect(textOf(readAnsi("\x1b]8;;https://elsewhere.example\x07link\x1b]8;;\x07").pieces)).toBe("link");
  expect(textOf(readAnsi("\x1b]0;title").pieces)).toBe("");
  expect(textOf(readAnsi("a\x00b\x07").pieces)).toBe("a\u2400b\u2407");
  expect(textOf(readAnsi("\u202eevil").pieces)).toBe("\ufffdevil");
  expect(textOf(readAnsi("\x01\u202eevil").pieces)).toBe("\u2401\ufffdevil");
  expect(textOf(readAnsi("a\tb").pieces)).toBe("a       b");
});

test("a progress bar shows its last state, and a line's end of another system nothing", () => {
  expect(textOf(readAnsi("1%\r50%\r100%").pieces)).toBe("100%");
  expect(textOf(readAnsi("done\r").pieces)).toBe("done");
  expect(textOf(readAnsi("\x1b[32mold\rnew").pieces)).toBe("new");
});

test("markup is text", () => {
  expect(readAnsi("<img src=x onerror=alert(1)>").pieces).toEqual([
    { text: "<img src=x onerror=alert(1)>", look: {} },
  ]);
});

test("any line is read, with nothing in it that a terminal would obey", () => {
  const piece = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.constantFrom("\x1b[", "\x1b]", "\x1b", ";", ":", "38", "m", "5", "\r", "\t", "\b", "\x9b"),
  );
  fc.assert(
    fc.property(
      fc.array(piece).map(parts => parts.join("")),
      line => {
        expect(textOf(readAnsi(line).pieces)).not.toMatch(/[\x00-\x1f\x7f-\x9f]/);
      },
    ),
  );
});

test("of a text of many lines the first is told, without its looks", () => {
  expect(firstPlainLine("\x1b[31mexit code 1\x1b[0m\nlast lines of output:\n\x1b[32mall")).toBe(
    "exit code 1",
  );
  expect(firstPlainLine("")).toBe("");
});
