import fc from "fast-check";
import { expect, test } from "vitest";
import { readGroup } from "./typed-group.ts";

const garbage = fc.uint8Array({ maxLength: 40 }).map(bytes => Buffer.from(bytes).toString("latin1"));

test("the telling lines of a group are found in their order", () => {
  const group = readGroup(`{
{ set +exuv; __slipway_a=first __slipway_b=second __slipway_p=-; } 2>/dev/null
if [ -d '/report/x/artifacts' ]; then :; else mkdir -p '/report/x/artifacts'; fi
if [ -s '/report/x/message.txt' ]; then : > '/report/x/message.txt'; fi
export -p > '/report/x/exports.sh'
if cd "$WERCKER_SOURCE_DIR" && cd "sub dir"; then
export WHO="the \\"one\\" and $OTHER"
export EXACT='it'\\''s $this'
. '/pipeline/x/run.sh' </dev/null
fi
}
`);
  expect(group).toEqual({
    token: "firstsecond",
    commands: [
      { kind: "make-directory", path: "/report/x/artifacts" },
      { kind: "empty-file", path: "/report/x/message.txt" },
      { kind: "save-exports", path: "/report/x/exports.sh" },
      { kind: "enter-directory", path: "$WERCKER_SOURCE_DIR/sub dir" },
      { kind: "export", name: "WHO", value: 'the "one" and $OTHER', expands: true },
      { kind: "export", name: "EXACT", value: "it's $this", expands: false },
      { kind: "source", path: "/pipeline/x/run.sh", ifThere: false },
    ],
  });
});

test("what a value holds is no command", () => {
  const { commands } = readGroup("export KEY='begin\nexit 3\n. '\\''/etc/x'\\''\nend'\nexit 4\n");
  expect(commands).toEqual([
    { kind: "export", name: "KEY", value: "begin\nexit 3\n. '/etc/x'\nend", expands: false },
    { kind: "exit", status: 4 },
  ]);
});

test("text without a token asks for no record", () => {
  expect(readGroup(". '/x/run.sh'\n")).toEqual({
    token: undefined,
    commands: [{ kind: "source", path: "/x/run.sh", ifThere: false }],
  });
});

test("nothing that is typed makes the reader throw", () => {
  const piece = fc.constantFrom(
    "export A='",
    'export A="',
    "'",
    '"',
    "\\",
    "\n",
    "if [ -f '",
    "; then . '",
    "exit 1",
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(piece, garbage)), pieces => {
      expect(Array.isArray(readGroup(pieces.join("")).commands)).toBe(true);
    }),
  );
});
