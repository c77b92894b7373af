import { spawn } from "node:child_process";
import fc from "fast-check";
import { expect, test } from "vitest";
import { escapeExportValue, exportLine, isShellName, literalExportLine } from "./shell-export.ts";

/** Any text, of all of Unicode, without half characters. */
const characters = fc
  .array(fc.integer({ min: 0, max: 0x10ffff }), { maxLength: 12 })
  .map(codes => String.fromCodePoint(...codes).toWellFormed());

const shells: [string, string[]][] = [
  ["sh", []],
  ["bash", []],
  ["busybox", ["sh"]],
];

/** What a shell that reads its commands from a pipe prints. */
function typed([command, args]: [string, string[]], lines: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"] });
    const chunks: Buffer[] = [];
    let errors = "";
    child.stdout.on("data", chunk => chunks.push(chunk));
    child.stderr.on("data", chunk => {
      errors += chunk;
    });
    child.on("error", reject);
    child.on("close", () => (errors === "" ? resolve(Buffer.concat(chunks)) : reject(new Error(errors))));
    child.stdin.end(lines);
  });
}

/** The values as a shell has them after these lines, for variables V0, V1, ... */
async function valuesIn(shell: [string, string[]], lines: (string | undefined)[]): Promise<string[]> {
  const prints = lines.map((_, index) => `printf '%s\\0' "$V${index}"`);
  const printed = await typed(shell, `A=first\n${[...lines, ...prints].join("\n")}\n`);
  return printed.toString("utf8").split("\0").slice(0, -1);
}

test.each([
  ["plain", "plain"],
  ['say "hi"', '"say \\"hi\\""'.slice(1, -1)],
  ["back\\slash", "back\\\\slash"],
  ["`id`", "\\`id\\`"],
  ["$A ${A} $(id) $$", "$A ${A} $(id) $$"],
  ["a\nb\tc\rd", "a\\nb\\tc\\rd"],
  ["\x07\b\f\v", "\\a\\b\\f\\v"],
  ["\x00\x01\x1b\x7f", "\\x00\\x01\\x1b\\x7f"],
  ["é ü 漢字 😀 ½", "é ü 漢字 😀 ½"],
  ["\u00a0\u0085\u200b\ufeff\u2028", "\\u00a0\\u0085\\u200b\\ufeff\\u2028"],
  ["\u{e0001}\u{f0000}", "\\U000e0001\\U000f0000"],
])("%j is written as %j", (value, text) => {
  expect(escapeExportValue(value)).toBe(text);
});

test("a name that no shell takes gives no line", () => {
  for (const name of ["", "1A", "A-B", "A.B", "A B", "É", "A=B", "A\n"]) {
    expect(isShellName(name)).toBe(false);
    expect(exportLine(name, "x")).toBeUndefined();
    expect(literalExportLine(name, "x")).toBeUndefined();
  }
  expect(exportLine("_a9", "x")).toBe('export _a9="x"');
});

test("a secret with a NUL cannot be exported", () => {
  expect(literalExportLine("A", "a\0b")).toBeUndefined();
});

test("the lines are in step with the shells that read them", async () => {
  const values = [
    "$A",
    "${A}/x",
    "$(printf run)",
    "\\$A",
    "cost: 5$",
    "a\nb",
    'it\'s `x` "y" \\ !',
    "*  ~ #",
  ];
  for (const shell of shells) {
    expect(
      await valuesIn(
        shell,
        values.map((value, index) => exportLine(`V${index}`, value)),
      ),
    ).toEqual(["first", "first/x", "run", "\\first", "cost: 5$", "a\\nb", 'it\'s `x` "y" \\ !', "*  ~ #"]);
    expect(
      await valuesIn(
        shell,
        values.map((value, index) => literalExportLine(`V${index}`, value)),
      ),
    ).toEqual(values);
  }
});

/** What 3.3 of the documentation says of a value without `$`, told another way than the code does. */
function documented(value: string): string {
  const pieces = Array.from(value, character => {
    if (character === "\n") return "\\n";
    if (character === "\t") return "\\t";
    if (character === "\r") return "\\r";
    if (character === "\x01") return "\\x01";
    if (character === "\u00a0") return "\\u00a0";
    return character;
  });
  return pieces.join("");
}

test("what a real shell prints of any value is the documented transformation, and of a secret the value itself", async () => {
  const awkward = [
    "\\",
    '"',
    "'",
    "`",
    "\n",
    "\t",
    "\r",
    "\x01",
    "\u00a0",
    "!",
    "#",
    "*",
    "?",
    "[",
    "~",
    "&",
    ";",
    "|",
    "(",
    ")",
    "<",
    ">",
    "{",
    "}",
    "=",
    "-",
    " ",
    "é",
    "漢",
    "😀",
    "n",
    "x",
    "0",
  ];
  const value = fc.array(fc.constantFrom(...awkward), { maxLength: 12 }).map(pieces => pieces.join(""));
  const secret = characters.map(text => text.replaceAll("\0", "$"));
  const lists = fc.tuple(
    fc.array(value, { minLength: 100, maxLength: 200 }),
    fc.array(secret, { minLength: 100, maxLength: 200 }),
  );
  await fc.assert(
    fc.asyncProperty(lists, async ([visible, hidden]) => {
      const lines = [
        ...visible.map((text, index) => exportLine(`V${index}`, text)),
        ...hidden.map((text, index) => literalExportLine(`V${visible.length + index}`, text)),
      ];
      const wanted = [...visible.map(documented), ...hidden];
      for (const values of await Promise.all(shells.map(shell => valuesIn(shell, lines)))) {
        expect(values).toEqual(wanted);
      }
    }),
    { numRuns: 4 },
  );
}, 30_000);
