import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Dialect } from "../core/job.ts";
import { checkFile } from "./check.ts";
import { renderProblems } from "./code-frame.ts";
import { fileKeys, knownKeys } from "./file-keys.ts";
import { loadPipelineFile } from "./load.ts";

/** A busy machine needs its time for these. Milliseconds. */
const patience = 60_000;
const dialects: Dialect[] = ["wercker", "slipway"];

/** Reading must end with a file or an error, and the report must be JSON. */
function holdsFor(bytes: Uint8Array): void {
  for (const dialect of dialects) {
    const { file, problems } = loadPipelineFile(bytes, { dialect, name: "x.yml" });
    expect(file === undefined).toBe(problems.some(problem => problem.severity === "error"));
    const checked = checkFile(bytes, { dialect, name: "x.yml" });
    for (const { line, column, message, hint } of checked.problems) {
      expect(Number.isInteger(line) && line >= 1, message).toBe(true);
      expect(Number.isInteger(column) && column >= 1, message).toBe(true);
      expect(message).not.toBe("");
      expect(hint, message).not.toBe("");
    }
    expect(JSON.parse(JSON.stringify(checked.report))).toEqual(checked.report);
    renderProblems(checked.problems, checked.text, { color: true, name: "x.yml" });
  }
}

test(
  "any bytes",
  () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), holdsFor), { numRuns: 300 });
  },
  patience,
);

const words = fc.constantFrom(
  ...new Set(Object.keys(fileKeys).flatMap(group => knownKeys(group as keyof typeof fileKeys, "slipway"))),
  "build",
  "script",
  "code",
  "__proto__",
  "x-a",
  "",
);
const scalars = fc.oneof(
  fc.constantFrom(
    null,
    true,
    false,
    0,
    1,
    -1,
    1.5,
    65_536,
    "",
    "5m",
    "512Mi",
    "x@1",
    "push",
    "always",
    "* * * * *",
    "$A",
  ),
  words,
  fc.string({ maxLength: 8 }),
);

test(
  "any value where the format has its keys",
  () => {
    // JSON is YAML: what this builds has the keys of the format at random places, with random values.
    const { tree } = fc.letrec(tie => ({
      tree: fc.oneof(
        { depthSize: "small", withCrossShrink: true },
        scalars,
        fc.array(tie("tree"), { maxLength: 4 }),
        fc.dictionary(words, tie("tree"), { maxKeys: 5 }),
      ),
    }));
    fc.assert(
      fc.property(fc.dictionary(words, tree, { maxKeys: 6 }), value =>
        holdsFor(Buffer.from(JSON.stringify(value))),
      ),
      { numRuns: 150 },
    );
  },
  patience,
);

test(
  "a good file with one place of it broken",
  () => {
    const good = `box: {id: a, tag: 9.6, env: {A: b}, ports: [80]}
services:
  - id: db
    ready: {port: 5432, timeout: 5s}
x-steps: &steps [one, {two: {a: b}}]
build:
  timeout: 1h
  matrix: {node: [20, 22]}
  steps:
    - script:
        name: compile
        code: |
          make
        retry: {attempts: 2, delay: 5s}
        when: {branch: main}
        with: {name: x}
  after-steps: *steps
workflows:
  - name: all
    on: {push: {branches: [main]}, schedule: ["0 0 * * *"]}
    pipelines: [{name: build}]
`;
    expect(checkFile(Buffer.from(good), { dialect: "slipway", name: "slipway.yml" }).problems).toEqual([]);
    const edit = fc.record({
      at: fc.nat(good.length),
      cut: fc.nat(12),
      put: fc.oneof(
        fc.constantFrom("\t", "- ", ": ", "[", "}", "'", "\n", "*a", "null", "!!map ", "\u0000"),
        fc.string({ maxLength: 5 }),
      ),
    });
    fc.assert(
      fc.property(edit, ({ at, cut, put }) =>
        holdsFor(Buffer.from(good.slice(0, at) + put + good.slice(at + cut))),
      ),
      { numRuns: 150 },
    );
  },
  patience,
);

describe("what is no file to read", () => {
  const message = (bytes: Uint8Array) => {
    const { file, problems } = loadPipelineFile(bytes, { dialect: "slipway", name: "slipway.yml" });
    expect(file).toBeUndefined();
    expect(problems).toHaveLength(1);
    expect(problems[0]!.hint).not.toBe("");
    return `${problems[0]!.line}:${problems[0]!.column} ${problems[0]!.message}`;
  };

  test("10 MB", () => {
    expect(message(Buffer.alloc(10_000_000, "build: {steps: [a]}\n"))).toBe(
      "1:1 Your slipway.yml is too large: 10000000 bytes, 524288 are the most there may be.",
    );
  });

  test("binary", () => {
    expect(message(Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0]))).toBe(
      "1:8 Your slipway.yml is a binary file, not YAML.",
    );
    expect(message(Buffer.from("box: a\nbuild: \u0000"))).toBe(
      "2:8 Your slipway.yml is a binary file, not YAML.",
    );
  });

  test("control characters", () => {
    expect(message(Buffer.from("box: a\u0007"))).toBe("1:7 control characters are not allowed (U+0007)");
  });

  test("invalid UTF-8", () => {
    const broken = "is not UTF-8 text: byte";
    expect(message(Buffer.from([0x61, 0x3a, 0x20, 0x62, 0x0a, 0x63, 0xff]))).toBe(
      `2:2 Your slipway.yml ${broken} 0xff is out of place.`,
    );
    expect(message(Buffer.from([0x61, 0xc3]))).toBe(`1:2 Your slipway.yml ${broken} 0xc3 is out of place.`);
    expect(message(Buffer.from([0x61, 0xc3, 0x28, 0x61]))).toBe(
      `1:2 Your slipway.yml ${broken} 0xc3 is out of place.`,
    );
    expect(message(Buffer.from([0xc0, 0x80]))).toBe(`1:1 Your slipway.yml ${broken} 0xc0 is out of place.`);
  });

  test("UTF-16", () => {
    expect(message(Buffer.from("\uFEFFbox: a", "utf16le"))).toBe("1:1 Your slipway.yml is in UTF-16.");
  });
});

test("a byte order mark and line ends of Windows do no harm", () => {
  const text =
    "\uFEFFbox: a\r\nbuild:\r\n  steps:\r\n    - script:\r\n        code: |\r\n          x\r\n          y\r\n";
  const { file, problems } = loadPipelineFile(Buffer.from(text), { dialect: "slipway", name: "slipway.yml" });
  expect(problems).toEqual([]);
  expect(file!.pipelines.get("build")!.steps[0]!.options).toEqual([{ name: "code", value: "x\ny\n" }]);
});

test("of very many problems the first are told, and how many there are", () => {
  const steps = "    - npm install\n".repeat(2000);
  const { problems } = loadPipelineFile(Buffer.from(`box: a\nbuild:\n  steps:\n${steps}`), {
    dialect: "slipway",
    name: "x",
  });
  expect(problems).toHaveLength(500);
  expect(problems.at(-1)!.message).toBe("there are 1501 more problems");
});
