import { describe, expect, test } from "vitest";
import type { BoxSpec, Dialect } from "../core/job.ts";
import { loadPipelineFile } from "./load.ts";
import type { Pipeline, PipelineFile, StepDefinition } from "./pipeline-file.ts";

function load(text: string, dialect: Dialect = "wercker") {
  return loadPipelineFile(Buffer.from(text), { dialect, name: `${dialect}.yml` });
}

/** The file, which must be usable. */
function read(text: string, dialect: Dialect = "wercker"): PipelineFile {
  const { file, problems } = load(text, dialect);
  expect(file, JSON.stringify(problems)).toBeDefined();
  return file!;
}

function pipeline(text: string, name = "build", dialect: Dialect = "wercker"): Pipeline {
  const found = read(text, dialect).pipelines.get(name);
  expect(found, `pipeline ${name}`).toBeDefined();
  return found!;
}

function firstStep(text: string, dialect: Dialect = "wercker"): StepDefinition {
  return pipeline(text, "build", dialect).steps[0]!;
}

function optionsOf(step: StepDefinition): Record<string, string> {
  return Object.fromEntries(step.options.map(({ name, value }) => [name, value]));
}

const boxA = "box: a\n";
const dialects: Dialect[] = ["wercker", "slipway"];

describe.each(dialects)("in the %s dialect", dialect => {
  test.each([
    ["nothing", ""],
    ["comments only", "# a\n\n# b\n"],
    ["a document mark only", "---\n"],
    ["null", "null\n"],
  ])("a file of %s is empty", (_, text) => {
    const { file, problems } = load(text, dialect);
    expect(file).toBeUndefined();
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({ severity: "error", message: `Your ${dialect}.yml is empty.` });
  });

  test.each([
    ["a scalar", "hello\n"],
    ["a list", "- build\n- deploy\n"],
  ])("%s as root has no pipelines and is no error", (_, text) => {
    const { file, problems } = load(text, dialect);
    expect(file?.pipelines.size).toBe(0);
    expect(problems.map(it => it.severity)).toEqual(["warning"]);
  });

  test("a scalar in a pipeline makes that pipeline unusable, and no other", () => {
    const { file, problems } = load(`${boxA}build:\n  foo: bar\nother:\n  steps: [s1]\n`, dialect);
    expect([...file!.pipelines.keys()]).toEqual(["other"]);
    expect(file!.malformed.get("build")).toContain('"foo" is no key of a pipeline');
    expect(problems).toEqual([expect.objectContaining({ severity: "warning", line: 3, column: 3 })]);
  });

  test("any other list in a pipeline is a deploy target", () => {
    const found = pipeline(`${boxA}build:\n  foo: [s1]\n`, "build", dialect);
    expect([...found.targets].map(([name, steps]) => [name, steps.map(step => step.ref)])).toEqual([
      ["foo", ["s1"]],
    ]);
    expect(found.steps).toEqual([]);
  });

  test.each([
    ["a list", "build: [s1]"],
    ["a text", "build: hi"],
  ])("%s is no pipeline; others are kept", (_, line) => {
    const file = read(`${boxA}${line}\nother: {steps: []}\n`, dialect);
    expect([...file.pipelines.keys()]).toEqual(["other"]);
    expect(file.malformed.has("build")).toBe(true);
  });

  test("a pipeline without value is there and empty", () => {
    expect(pipeline(`${boxA}build:\n`, "build", dialect)).toMatchObject({ empty: true, steps: [] });
    expect(pipeline(`${boxA}build:\n  steps:\n`, "build", dialect)).toMatchObject({
      empty: false,
      steps: [],
    });
  });

  test.each([
    ["without value", "- script:"],
    ["with a text", "- script: echo hi"],
    ["with a list", "- script: [a, b]"],
  ])("a step of one key %s fails the file", (_, item) => {
    const { file, problems } = load(`${boxA}build:\n  steps:\n    ${item}\nother: {steps: [s1]}\n`, dialect);
    expect(file).toBeUndefined();
    expect(problems).toEqual([
      expect.objectContaining({ severity: "error", line: 4, column: 7, message: "Step script is empty" }),
    ]);
    expect(problems[0]!.hint).not.toBe("");
  });

  test.each(["after-steps", "target"])("an empty step among the %s fails the file too", key => {
    expect(load(`${boxA}build:\n  ${key}:\n    - script:\n`, dialect).file).toBeUndefined();
  });

  test.each(["- ", "- ~", "- {}", "- ''"])("the list item %j is rejected with a message", item => {
    const { file, problems } = load(`${boxA}build:\n  steps:\n    ${item}\n`, dialect);
    expect(file).toBeUndefined();
    expect(problems[0]!.message).toMatch(/^A step is empty/);
  });

  test.each([
    ["5", "5"],
    ["1.50", "1.50"],
    ["yes", "yes"],
    ["npm-install", "npm-install"],
    ["me/slack@1.0.2", "me/slack@1.0.2"],
    [`'foo "https://x/y.tar.gz"'`, 'foo "https://x/y.tar.gz"'],
  ])("the item %s is a step of that id", (item, ref) => {
    expect(firstStep(`${boxA}build:\n  steps: [${item}]\n`, dialect).ref).toBe(ref);
  });

  test("a quoted URL stays in the id, also of a map", () => {
    const text = `${boxA}build:\n  steps:\n    - 'foo "https://x/y.tar.gz"':\n        a: b\n`;
    expect(firstStep(text, dialect)).toMatchObject({ ref: 'foo "https://x/y.tar.gz"' });
  });

  test("a list as a step makes the pipeline unusable", () => {
    expect(read(`${boxA}build:\n  steps:\n    - - a\n`, dialect).malformed.has("build")).toBe(true);
  });

  test("options have the text of the value that YAML 1.1 makes of them, floats the one that was written", () => {
    const text = `${boxA}build:
  steps:
    - s:
        {f: 1.5, i: 010, b: yes, o: off, y: y, n: null, l: [1], m: {a: 1}, d: 2016-01-01, h: 0x1F, u: 1_000,
         big: 18446744073709551615, e: '', v: "1.5", on: x, t: 1.10}
`;
    expect(optionsOf(firstStep(text, dialect))).toEqual({
      f: "1.5",
      i: "8",
      b: "true",
      o: "false",
      y: "true",
      n: "",
      l: "",
      m: "",
      d: "2016-01-01",
      h: "31",
      u: "1000",
      big: "",
      e: "",
      v: "1.5",
      on: "x",
      t: "1.10",
    });
  });

  test("the flat form takes name, code, cwd and checkpoint", () => {
    const text = `${boxA}build:
  steps:
    - script:
      name: compile
      code: make
      cwd: sub
      checkpoint: done
`;
    expect(firstStep(text, dialect)).toEqual({
      ref: "script",
      displayName: "compile",
      cwd: "sub",
      checkpoint: "done",
      options: [{ name: "code", value: "make" }],
      position: { line: 4, column: 7 },
    });
  });

  test("the nested form takes the same", () => {
    const text = `${boxA}build:\n  steps:\n    - script: {name: compile, code: make, cwd: sub, checkpoint: done}\n`;
    expect(firstStep(text, dialect)).toMatchObject({
      ref: "script",
      displayName: "compile",
      cwd: "sub",
      checkpoint: "done",
      options: [{ name: "code", value: "make" }],
    });
  });

  test("an unquoted n as name is false to YAML, and warned of", () => {
    const text = `${boxA}build:\n  steps:\n    - script:\n      name: n\n      code: x\n`;
    expect(firstStep(text, dialect).displayName).toBe("false");
    expect(load(text, dialect).problems).toEqual([
      expect.objectContaining({ severity: "warning", line: 5, column: 13, hint: 'Put it in quotes: "n"' }),
    ]);
  });

  test("tag: 1.10 keeps its text, and is warned of", () => {
    const text = `${boxA}build:\n  steps:\n    - internal/docker-push:\n      tag: 1.10\n`;
    expect(optionsOf(firstStep(text, dialect))).toEqual({ tag: "1.10" });
    expect(load(text, dialect).problems).toHaveLength(1);
  });

  test("typed fields of a box keep their text", () => {
    const text = `box:
  id: python
  tag: 9.6
  env: {a: 1, B: yes, c: null}
  ports: [80, '81:82']
`;
    expect(read(text, dialect).box).toEqual({
      id: "python",
      tag: "9.6",
      env: [
        { name: "A", value: "1" },
        { name: "B", value: "yes" },
        { name: "C", value: "" },
      ],
      ports: ["80", "81:82"],
      auth: {},
    } satisfies BoxSpec);
  });

  test("a mistake in a pipeline's box makes the pipeline unusable", () => {
    for (const field of ["ports: '80'", "volumes: [x]", "env: [a]", "tag: {a: b}"]) {
      const file = read(`build:\n  box: {id: a, ${field}}\n  steps: [s]\n`, dialect);
      expect(file.malformed.has("build"), field).toBe(true);
    }
  });

  test.each([
    ["box: 5", "5"],
    ["box:", undefined],
    ["box: node:4", "node:4"],
    ["box: host:5000/x@sha256:0", "host:5000/x@sha256:0"],
  ])("%s", (line, id) => {
    expect(read(`${line}\nbuild: {steps: [s]}\n`, dialect).box?.id).toBe(id);
  });

  test("services: [] is none, absent is inherited", () => {
    expect(pipeline("build: {services: []}", "build", dialect).services).toEqual([]);
    expect(pipeline("build: {steps: []}", "build", dialect).services).toBeUndefined();
    expect(pipeline("build: {services: }", "build", dialect).services).toBeUndefined();
  });

  test("services take both forms, and the keys of registries", () => {
    const file = read(
      "services:\n  - redis\n  - id: db\n    name: x\n    url: file://../db#main\n    password: $P\n",
      dialect,
    );
    expect(file.services).toEqual([
      { id: "redis", env: [], ports: [], auth: {} },
      { id: "db", name: "x", url: "file://../db#main", env: [], ports: [], auth: { password: "$P" } },
    ]);
  });

  test.each([
    ["command-timeout: 1.5", 60_000],
    ["command-timeout: 30", 1_800_000],
    ["command-timeout: 90", 3_600_000],
    ["command-timeout: 0", undefined],
    ["command-timeout: -3", undefined],
    ["command-timeout:", undefined],
    ["command-timeout: 010", 480_000],
  ])("%s", (line, limit) => {
    expect(read(`${line}\n${boxA}`, dialect).commandTimeoutMs).toBe(limit);
  });

  test("unknown scalars, numbers and lists of the top level are no errors", () => {
    const file = read(`${boxA}foo: bar\nn: 5\nl: [1, 2]\nbuild: {steps: [s]}\n`, dialect);
    expect([...file.pipelines.keys()]).toEqual(["build"]);
  });

  test("anchors and merge keys work, and a map that holds an anchor becomes a pipeline too", () => {
    const text = `${boxA}defaults: &d
  steps: &steps [one, two]
build:
  <<: *d
  after-steps: *steps
deploy:
  <<: [{docker: true}, *d]
  steps: [three]
`;
    const file = read(text, dialect);
    expect([...file.pipelines.keys()]).toEqual(["defaults", "build", "deploy"]);
    expect(file.pipelines.get("build")!.steps.map(step => step.ref)).toEqual(["one", "two"]);
    expect(file.pipelines.get("build")!.afterSteps.map(step => step.ref)).toEqual(["one", "two"]);
    expect(file.pipelines.get("deploy")!).toMatchObject({ docker: true, steps: [{ ref: "three" }] });
  });

  test("an anchor that is no pipeline is not complained of", () => {
    const text = `${boxA}env: &env {A: b}\nlist: &list [s]\nx-any: {a: b}\nbuild:\n  box: {id: c, env: *env}\n  steps: *list\n`;
    const { file, problems } = load(text, dialect);
    expect(problems).toEqual([]);
    expect(file!.pipelines.get("build")!.box!.env).toEqual([{ name: "A", value: "b" }]);
  });

  test("of a step that is merged into the flat form the first key stays the id", () => {
    const text = `${boxA}x-step: &step\n  script:\n  name: a\n  code: b\nbuild:\n  steps:\n    - <<: *step\n      code: c\n`;
    expect(firstStep(text, dialect)).toMatchObject({ ref: "script", displayName: "a" });
    expect(optionsOf(firstStep(text, dialect))).toEqual({ code: "c" });
  });

  test("of a key that stands twice the last counts, with a warning", () => {
    const { file, problems } = load(`${boxA}build: {steps: [a]}\nbuild: {steps: [b]}\n`, dialect);
    expect(file!.pipelines.get("build")!.steps[0]!.ref).toBe("b");
    expect(problems).toEqual([expect.objectContaining({ severity: "warning", line: 3, column: 1 })]);
    expect(problems[0]!.message).toContain("line 2");
  });

  test("docker takes a bool of YAML 1.1, no text", () => {
    expect(pipeline(`${boxA}build: {docker: yes}`, "build", dialect).docker).toBe(true);
    const { file, problems } = load(`${boxA}build: {docker: 'true'}`, dialect);
    expect(file!.pipelines.has("build")).toBe(false);
    expect(problems[0]).toMatchObject({ severity: "warning", hint: "Take the quotes away" });
  });

  test.each([
    ["/go/src/x/", "/go/src/x"],
    ["/go/src/x", "/go/src/x"],
    ["/go/src//", "/go/src/"],
  ])("base-path %s", (written, path) => {
    expect(pipeline(`${boxA}build: {base-path: ${written}}`, "build", dialect).basePath).toBe(path);
  });

  test.each(["/app", "/app/", "/", "src/x"])("base-path %s is warned of", written => {
    const { problems } = load(`${boxA}build: {base-path: ${written}, steps: [s]}`, dialect);
    expect(problems).toHaveLength(1);
    expect(problems[0]!.message).toContain('"base-path"');
  });

  test("only after-steps is valid", () => {
    const { file, problems } = load(`${boxA}build:\n  after-steps: [s1]\n`, dialect);
    expect(file!.pipelines.get("build")).toMatchObject({ steps: [], afterSteps: [{ ref: "s1" }] });
    expect(problems).toEqual([]);
  });

  test("only the first document counts, whatever follows", () => {
    const { file, problems } = load(`${boxA}build: {steps: [a]}\n---\nbuild: {steps: [b]}\n\t}}}\n`, dialect);
    expect(file!.pipelines.get("build")!.steps[0]!.ref).toBe("a");
    expect(problems).toEqual([]);
  });

  test.each([
    ["a tab", "build:\n\tsteps: [a]\n", 2, 1],
    ["a wrong indent", "build:\n  steps: [a]\n other: x\n", 3, 2],
    ["an open quote", "build:\n  box: 'a\n\n", 2, 8],
    ["an open bracket", "build: [a\n", 2, 1],
    ["two colons", "a: b: c\n", 1, 4],
    ["an @", "box: @a\n", 1, 6],
    ["an unknown anchor", "box: *a\n", 1, 6],
    ["a wrong merge", "build:\n  <<: 5\n", 2, 3],
  ])("%s is an error with its place and what to change", (_, text, line, column) => {
    const { file, problems } = load(text, dialect);
    expect(file).toBeUndefined();
    expect(problems[0]).toMatchObject({ severity: "error", line, column });
    expect(problems[0]!.message).not.toBe("");
    expect(problems[0]!.hint).not.toBe("");
  });

  test("all problems are told at once, in the order of the file", () => {
    const text = `${boxA}build:
  docker: maybe
  steps: {}
  after-steps:
    - script:
deploy:
  steps:
    - {}
`;
    const { problems } = load(text, dialect);
    expect(problems.map(({ severity, line }) => `${severity} ${line}`)).toEqual([
      "warning 3",
      "warning 4",
      "error 6",
      "error 9",
    ]);
  });

  test("a step that is merged, aliased or repeated is read each time", () => {
    const text = `${boxA}build:\n  steps:\n    - &s\n      script: {code: a}\n    - *s\n    - *s\n`;
    expect(pipeline(text, "build", dialect).steps.map(optionsOf)).toEqual([
      { code: "a" },
      { code: "a" },
      { code: "a" },
    ]);
  });

  test("names that objects have by birth are names like others", () => {
    const text = "__proto__: {steps: [a]}\nconstructor: {steps: [{s: {__proto__: x, toString: z}}]}\n";
    const file = read(text, dialect);
    expect([...file.pipelines.keys()]).toEqual(["__proto__", "constructor"]);
    expect(file.pipelines.get("constructor")!.steps[0]!.options).toEqual([
      { name: "__proto__", value: "x" },
      { name: "toString", value: "z" },
    ]);
  });

  test("docker-run and docker-kill have name as an option too", () => {
    const step = firstStep(
      `${boxA}build:\n  steps:\n    - internal/docker-run:\n        name: db\n        image: x\n`,
      dialect,
    );
    expect(optionsOf(step)).toEqual({ name: "db", image: "x" });
    expect(step.displayName).toBe("db");
  });

  test("workflows", () => {
    const text = `${boxA}build: {steps: [a]}
workflows:
  - name: all
    pipelines:
      - name: build
      - name: staging
        pipelineName: build
        requires: [build]
        artifactPipeline: build
        envFile: staging.env
`;
    expect(read(text, dialect).workflows).toEqual([
      {
        name: "all",
        position: { line: 4, column: 5 },
        pipelines: [
          { name: "build", pipelineName: "build", requires: [], position: { line: 6, column: 9 } },
          {
            name: "staging",
            pipelineName: "build",
            requires: ["build"],
            artifactPipeline: "build",
            envFile: "staging.env",
            position: { line: 7, column: 9 },
          },
        ],
      },
    ]);
  });

  test("source-dir and ignore-file", () => {
    expect(read(`${boxA}source-dir: 5\nignore-file: ~/x\n`, dialect)).toMatchObject({
      sourceDir: "5",
      ignoreFile: "~/x",
    });
  });
});

describe("type errors of the top level", () => {
  test.each([
    ["box: {id: a, ports: '80', tag: t}", { box: { id: "a", tag: "t", ports: [] } }],
    ["box: {id: a, volumes: [x]}", { box: { id: "a" } }],
    ["box: [a]", { services: [] }],
    ["services: redis", { services: [] }],
    ["services: [a, [b]]", { services: [{ id: "a" }] }],
    ["no-response-timeout: abc", { services: [] }],
    ["command-timeout: '30'", { services: [] }],
    ["workflows: x", { workflows: [] }],
    ["workflows: [{pipelines: []}, {name: a, pipelines: []}]", { workflows: [{ name: "a" }] }],
  ])("%s: the field is ignored in a wercker.yml", (line, expected) => {
    const { file, problems } = load(`${line}\nbuild: {steps: [s]}\n`);
    expect(file).toMatchObject(expected);
    expect(problems.map(it => it.severity)).toEqual(["warning"]);
  });

  test.each([
    "box: [a]",
    "services: redis",
    "no-response-timeout: abc",
    "workflows: x",
    "box: {id: a, ports: '80'}",
  ])("%s: an error in a slipway.yml", line => {
    const { file, problems } = load(`${line}\nbuild: {steps: [s]}\n`, "slipway");
    expect(file).toBeUndefined();
    expect(problems.map(it => it.severity)).toEqual(["error"]);
  });
});
