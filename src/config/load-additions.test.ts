import { describe, expect, test } from "vitest";
import type { Dialect } from "../core/job.ts";
import { loadPipelineFile } from "./load.ts";
import type { Pipeline, StepDefinition, Workflow } from "./pipeline-file.ts";

function load(text: string, dialect: Dialect = "slipway") {
  return loadPipelineFile(Buffer.from(text), { dialect, name: `${dialect}.yml` });
}

/** A pipeline with these keys, which must be usable without a word. */
function pipeline(keys: string): Pipeline {
  const { file, problems } = load(`box: a\nbuild:\n${indented(keys, 2)}\n`);
  expect(problems).toEqual([]);
  return file!.pipelines.get("build")!;
}

/** What is said of a pipeline with these keys, which must make it unusable. */
function faultsOf(keys: string): string[] {
  const { file, problems } = load(`box: a\nbuild:\n${indented(keys, 2)}\n`);
  expect(file?.malformed.has("build"), keys).toBe(true);
  for (const problem of problems) expect(problem.hint).not.toBe("");
  return problems.map(problem => problem.message.replace('pipeline "build" cannot be used: ', ""));
}

function step(options: string): StepDefinition {
  return pipeline(`steps:\n  - s:\n${indented(options, 6)}`).steps[0]!;
}

function stepFaults(options: string): string[] {
  return faultsOf(`steps:\n  - s:\n${indented(options, 6)}`);
}

function workflow(keys: string): Workflow {
  const { file, problems } = load(
    `box: a\nworkflows:\n  - name: w\n${indented(keys, 4)}\nbuild: {steps: [s]}\n`,
  );
  expect(problems).toEqual([]);
  return file!.workflows[0]!;
}

function workflowErrors(keys: string): string[] {
  const { file, problems } = load(`workflows:\n  - name: w\n${indented(keys, 4)}\nbuild: {steps: [s]}\n`);
  expect(file).toBeUndefined();
  return problems.map(problem => problem.message);
}

function indented(text: string, columns: number): string {
  return text.replaceAll(/^/gm, " ".repeat(columns));
}

describe("a step", () => {
  test.each([
    ["90s", 90_000],
    ["5m", 300_000],
    ["1h30m", 5_400_000],
    ["1d", 86_400_000],
    ["10", 600_000],
    ["1.5", 90_000],
    ['"2"', 120_000],
  ])("timeout: %s", (written, milliseconds) => {
    expect(step(`timeout: ${written}`)).toMatchObject({ timeoutMs: milliseconds, options: [] });
  });

  test.each(["soon", "5 m", "-5m", "0", "2d", "", "[5m]", "1h1h", "5M"])("timeout: %s cannot be", written => {
    expect(stepFaults(`timeout: ${written}`)).toEqual([expect.stringContaining('"timeout" cannot be')]);
  });

  test("retry is a number of tries, or a map with a pause", () => {
    expect(step("retry: 3").retry).toEqual({ attempts: 3, delayMs: 0 });
    expect(step("retry: {attempts: 4, delay: 10s}").retry).toEqual({ attempts: 4, delayMs: 10_000 });
    expect(step("retry: {delay: 0}").retry).toEqual({ attempts: 2, delayMs: 0 });
    for (const wrong of ["0", "11", "often", "{attempts: 0}", "{delay: 2h}", "[3]"]) {
      expect(stepFaults(`retry: ${wrong}`), wrong).toHaveLength(1);
    }
  });

  test("when has conditions, or is short for how the steps before it ended", () => {
    expect(step("when: always").when).toEqual({ result: ["always"] });
    expect(step("when: {branch: main, tag: [v*, w*], event: [push, manual], result: failed}").when).toEqual({
      branch: ["main"],
      tag: ["v*", "w*"],
      event: ["push", "manual"],
      result: ["failed"],
    });
    expect(stepFaults("when: sometimes")).toEqual(['"when" cannot be "sometimes"']);
    expect(step("when: {event: [pull-request, '!schedule']}").when).toEqual({
      event: ["pull-request", "!schedule"],
    });
    expect(stepFaults("when: {event: [push, pull]}")).toEqual(['"event" cannot be "pull"']);
    expect(stepFaults("when: {branch: {a: b}}")).toHaveLength(1);
  });

  test("env holds variables for this step, values as written", () => {
    expect(step("env: {A: 1.10, b: yes, C: }").env).toEqual([
      { name: "A", value: "1.10" },
      { name: "b", value: "yes" },
      { name: "C", value: "" },
    ]);
    expect(stepFaults("env: A=1")[0]).toContain('"env" must be a map of variables');
    expect(stepFaults("env: {A-B: x}")).toEqual(['"A-B" is not the name of a variable']);
    expect(stepFaults("env: {A: [x]}")).toHaveLength(1);
  });

  test("allow-failure is a bool", () => {
    expect(step("allow-failure: true").allowFailure).toBe(true);
    expect(stepFaults("allow-failure: 'true'")).toHaveLength(1);
  });

  test("with holds options, whatever they are called", () => {
    const found = step(
      "with: {timeout: 10, name: x, env: A=1, with: w, cwd: z, other: 1.5}\nname: shown\ntimeout: 1m\nplain: p",
    );
    expect(found).toMatchObject({ displayName: "shown", timeoutMs: 60_000 });
    expect(found.cwd).toBeUndefined();
    expect(Object.fromEntries(found.options.map(option => [option.name, option.value]))).toEqual({
      timeout: "10",
      name: "x",
      env: "A=1",
      with: "w",
      cwd: "z",
      other: "1.5",
      plain: "p",
    });
  });

  test("an option that is given twice, plain and under with, is warned of", () => {
    const { file, problems } = load("box: a\nbuild:\n  steps:\n    - s: {a: 1, with: {a: 2}}\n");
    expect(file!.pipelines.get("build")!.steps[0]!.options).toEqual([{ name: "a", value: "2" }]);
    expect(problems).toHaveLength(1);
  });

  test("the flat form has these keys too", () => {
    const found = pipeline("steps:\n  - script:\n    code: make\n    timeout: 5m\n    when: always")
      .steps[0]!;
    expect(found).toMatchObject({
      ref: "script",
      timeoutMs: 300_000,
      options: [{ name: "code", value: "make" }],
    });
  });

  test("a long key that is misspelt is taken for an option, with a word", () => {
    const { problems } = load("box: a\nbuild:\n  steps:\n    - s: {timout: 5m}\n");
    expect(problems).toEqual([
      expect.objectContaining({ severity: "warning", hint: expect.stringContaining('"timeout"') }),
    ]);
  });

  test("an unknown key of ours is warned of", () => {
    const { problems } = load("box: a\nbuild:\n  steps:\n    - s: {when: {branches: main}}\n");
    expect(problems).toEqual([
      expect.objectContaining({ severity: "warning", hint: 'Did you mean "branch"?' }),
    ]);
  });
});

describe("a pipeline", () => {
  test("timeout, class, reports", () => {
    expect(pipeline("timeout: 2h\nclass: large\nreports: [a/*.xml, b.xml]")).toMatchObject({
      timeoutMs: 7_200_000,
      class: "large",
      reports: ["a/*.xml", "b.xml"],
      targets: new Map(),
    });
    expect(pipeline("reports: '**/TEST-*.xml'").reports).toEqual(["**/TEST-*.xml"]);
  });

  test("matrix", () => {
    expect(pipeline("matrix: {node: [20, 22.0, lts], os: alpine}").matrix).toEqual({
      node: ["20", "22.0", "lts"],
      os: ["alpine"],
    });
    for (const [wrong, word] of [
      ["[a]", "must be a map"],
      ["{a: []}", "has no values"],
      ["{a: [x, x]}", "a value twice"],
      ["{a-b: [x], A_B: [y]}", "two axes have the variable MATRIX_A_B"],
      ["{a: [{b: c}]}", "must be a text"],
      ["{'a b': [c]}", "cannot be an axis"],
      ["{include: [c]}", "cannot be an axis"],
      [
        `{a: [${Array.from({ length: 17 }, (_, at) => at)}], b: [${Array.from({ length: 16 }, (_, at) => at)}]}`,
        "272 combinations",
      ],
    ] as const) {
      expect(faultsOf(`matrix: ${wrong}`)[0], wrong).toContain(word);
    }
  });

  test("resources", () => {
    expect(
      pipeline("resources: {cpu: 500m, memory: 512Mi, ephemeral-storage: 1G, arch: arm64}").resources,
    ).toEqual({
      cpu: 0.5,
      memoryBytes: 536_870_912,
      ephemeralStorageBytes: 1_000_000_000,
      arch: "arm64",
    });
    expect(pipeline("resources: {cpu: 1.5}").resources).toEqual({ cpu: 1.5 });
    for (const wrong of [
      "cpu: 0",
      "cpu: many",
      "cpu: 1000",
      "memory: 1",
      "memory: 5X",
      "memory: 100Ti",
      "arch: [a]",
    ]) {
      expect(faultsOf(`resources: {${wrong}}`), wrong).toHaveLength(1);
    }
  });

  test("concurrency", () => {
    expect(pipeline("concurrency: deploy").concurrency).toEqual({ group: "deploy", cancelInProgress: false });
    expect(pipeline("concurrency: {group: g, cancel-in-progress: yes}").concurrency).toEqual({
      group: "g",
      cancelInProgress: true,
    });
    expect(faultsOf("concurrency: {cancel-in-progress: true}")).toEqual(['"concurrency" has no group']);
  });

  test("cache", () => {
    expect(pipeline("cache: [node_modules]").cache).toEqual({ paths: ["node_modules"], fallbackKeys: [] });
    expect(pipeline("cache: {paths: a, key: k-$X, fallback-keys: [k-, l-]}").cache).toEqual({
      paths: ["a"],
      key: "k-$X",
      fallbackKeys: ["k-", "l-"],
    });
    expect(faultsOf("cache: {key: k}")).toEqual(['"cache" has no paths']);
  });

  test("artifacts", () => {
    expect(pipeline("artifacts: dist/**").artifacts).toEqual([{ name: "artifacts", paths: ["dist/**"] }]);
    expect(pipeline("artifacts: [a, b]").artifacts).toEqual([{ name: "artifacts", paths: ["a", "b"] }]);
    expect(
      pipeline("artifacts:\n  - a\n  - {name: logs, paths: [x, y], retention: 2w}\n  - b").artifacts,
    ).toEqual([
      { name: "artifacts", paths: ["a", "b"] },
      { name: "logs", paths: ["x", "y"], retentionDays: 14 },
    ]);
    expect(pipeline("artifacts: {name: one, paths: x, retention: 3}").artifacts).toEqual([
      { name: "one", paths: ["x"], retentionDays: 3 },
    ]);
    expect(faultsOf("artifacts: [{name: a, paths: b}, {name: a, paths: c}]")).toEqual([
      'two artifacts are called "a"',
    ]);
    for (const name of ["output", "a b", "../x", "-", ""]) {
      expect(faultsOf(`artifacts: {name: '${name}', paths: b}`), name).toHaveLength(1);
    }
    expect(faultsOf("artifacts: {name: a}")).toEqual(["an artifact has no paths"]);
    expect(faultsOf("artifacts: {paths: a, retention: 0}")).toHaveLength(1);
    expect(faultsOf("artifacts: [[a]]")).toHaveLength(1);
  });

  test("checkout", () => {
    expect(pipeline("checkout: {depth: 0, submodules: true, lfs: false, tags: on}").checkout).toEqual({
      depth: 0,
      submodules: true,
      lfs: false,
      tags: true,
    });
    expect(faultsOf("checkout: {depth: -1}")).toHaveLength(1);
    expect(faultsOf("checkout: deep")).toHaveLength(1);
  });

  test("all that is wrong is told at once", () => {
    expect(faultsOf("timeout: x\nmatrix: {a: []}\ncache: {}\nsteps: [{s: {retry: 99}}]")).toHaveLength(4);
  });
});

describe("a service", () => {
  const ready = (value: string) => {
    const { file, problems } = load(`services:\n  - id: db\n    ready: ${value}\nbuild: {steps: [s]}\n`);
    return { ready: file?.services[0]?.ready, problems: problems.map(problem => problem.severity) };
  };

  test("ready is a port or a command, with a timeout", () => {
    expect(ready("5432")).toEqual({ ready: { port: 5432, timeoutMs: 60_000 }, problems: [] });
    expect(ready("pg_isready -q")).toEqual({
      ready: { command: "pg_isready -q", timeoutMs: 60_000 },
      problems: [],
    });
    expect(ready("{port: 80, timeout: 5s}").ready).toEqual({ port: 80, timeoutMs: 5000 });
    expect(ready("{command: x, timeout: 2}").ready).toEqual({ command: "x", timeoutMs: 120_000 });
  });

  test.each([
    "0",
    "65536",
    "{port: 1, command: x}",
    "{timeout: 5s}",
    "[80]",
    "{port: a}",
    "{port: 1, timeout: 2h}",
  ])("ready: %s cannot be", value => {
    const found = ready(value);
    expect(found.ready).toBeUndefined();
    expect(found.problems).toContain("error");
  });

  test("a box has nothing to be ready", () => {
    expect(load("box: {id: a, ready: 80}\nbuild: {steps: [s]}").problems).toHaveLength(1);
  });
});

describe("a workflow", () => {
  test("on in all its forms", () => {
    expect(workflow("on: push\npipelines: []").on).toEqual({ push: {} });
    expect(workflow("on: [push, pullRequest, manual]\npipelines: []").on).toEqual({
      push: {},
      pullRequest: {},
      manual: true,
    });
    const keys = `on:
  push: {branches: [main, release/*], tags: v*, paths: src/**}
  pullRequest:
  schedule:
    - 30 3 * * 1-5
    - {cron: "*/10 0-6,12 1 jan,feb sun", timeZone: Europe/Berlin}
  manual: false
pipelines: []`;
    expect(workflow(keys).on).toEqual({
      push: { branches: ["main", "release/*"], tags: ["v*"], paths: ["src/**"] },
      pullRequest: {},
      schedule: [{ cron: "30 3 * * 1-5" }, { cron: "*/10 0-6,12 1 jan,feb sun", timeZone: "Europe/Berlin" }],
      manual: false,
    });
    expect(workflow('on: {schedule: "0 0 * * *"}\npipelines: []').on).toEqual({
      schedule: [{ cron: "0 0 * * *" }],
    });
    expect(workflow("pipelines: []").on).toBeUndefined();
  });

  test.each([
    ["on: tuesday", '"on" cannot be "tuesday"'],
    ["on: {push: main}", '"push" must be a map, not the text "main"'],
    ["on: {schedule: hourly}", 'the schedule "hourly" cannot be used: it needs five fields'],
    ["on: {schedule: 61 * * * *}", 'the schedule "61 * * * *" cannot be used: the minute cannot be "61"'],
    ["on: {schedule: 5-3 * * * *}", 'the schedule "5-3 * * * *" cannot be used: the minute cannot be "5-3"'],
    [
      "on: {schedule: '*/0 * * * *'}",
      'the schedule "*/0 * * * *" cannot be used: the minute cannot be "*/0"',
    ],
    ["on: {schedule: {cron: 0 0 * * *, timeZone: Mars/Base}}", 'there is no time zone "Mars/Base"'],
    ["on: {manual: 5}", '"manual" must be true or false, not "5"'],
  ])("%s is an error", (keys, message) => {
    expect(workflowErrors(keys)).toEqual([message]);
  });

  test("branches, approval and environment of its entries", () => {
    const keys =
      "pipelines:\n  - name: build\n    branches: main\n    approval: true\n    environment: production";
    expect(workflow(keys).pipelines[0]).toMatchObject({
      branches: ["main"],
      approval: true,
      environment: "production",
    });
    expect(workflowErrors("pipelines: [{name: build, approval: later}]")).toHaveLength(1);
  });

  test("one without a name, and two of one name, are errors", () => {
    expect(load("workflows: [{pipelines: []}]\nbuild: {steps: [s]}").file).toBeUndefined();
    expect(
      load("workflows: [{name: a, pipelines: []}, {name: a, pipelines: []}]\nbuild: {steps: [s]}").file,
    ).toBeUndefined();
  });
});

describe("in a wercker.yml the new words are what they always were", () => {
  test("options of steps", () => {
    const words = "timeout: 5m, retry: 3, when: always, env: A=1, allow-failure: yes";
    const { file, problems } = load(`box: a\nbuild:\n  steps:\n    - s: {${words}, with: x}\n`, "wercker");
    const found = file!.pipelines.get("build")!.steps[0]!;
    expect(Object.fromEntries(found.options.map(option => [option.name, option.value]))).toEqual({
      timeout: "5m",
      retry: "3",
      when: "always",
      env: "A=1",
      "allow-failure": "true",
      with: "x",
    });
    expect(found).not.toHaveProperty("timeoutMs");
    expect(problems).toHaveLength(1);
  });

  test("deploy targets, or what makes a pipeline unusable", () => {
    const { file } = load("box: a\nbuild: {cache: [s1], matrix: [s2]}\nother: {timeout: 5m}\n", "wercker");
    expect([...file!.pipelines.get("build")!.targets.keys()]).toEqual(["cache", "matrix"]);
    expect(file!.malformed.has("other")).toBe(true);
  });

  test("unknown keys of services and workflows", () => {
    const text = `services: [{id: db, ready: 5432}]
workflows: [{name: w, on: push, pipelines: [{name: build, branches: [main], approval: true}]}]
build: {steps: [s]}
`;
    const { file, problems } = load(text, "wercker");
    expect(problems).toEqual([]);
    expect(file!.services).toEqual([{ id: "db", env: [], ports: [], auth: {} }]);
    expect(file!.workflows[0]).not.toHaveProperty("on");
    expect(file!.workflows[0]!.pipelines[0]).not.toHaveProperty("branches");
  });
});
