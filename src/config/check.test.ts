import { describe, expect, test } from "vitest";
import type { Dialect } from "../core/job.ts";
import { checkFile } from "./check.ts";

function check(text: string, dialect: Dialect = "slipway") {
  return checkFile(Buffer.from(text), { dialect, name: `${dialect}.yml` });
}

const told = (text: string, dialect?: Dialect) =>
  check(text, dialect).problems.map(({ severity, line, message }) => `${severity} ${line} ${message}`);

test("the report has the file as a run will use it", () => {
  const text = `box: {id: "alpine:3.20", cmd: /bin/sh}
services: [redis, {id: postgres, tag: 9.6, name: db, env: {a: 1, B: yes}, ports: [5432], ready: 5432, password: $P}]
build:
  base-path: /go/src/x/
  docker: true
  steps:
    - npm-install
    - script: {name: compile, cwd: sub, code: make, i: 010}
    - me/slack@1.0
    - internal/docker-run: {name: db, image: x}
  after-steps: [s]
  staging: [one, two]
deploy:
  box: node
  services: []
workflows:
  - name: all
    pipelines: [{name: build}, {name: b2, pipelineName: build, requires: [build]}]
`;
  const { report } = check(text);
  const step = (id: string, name: string, options = {}, cwd: string | null = null) => ({
    id,
    name,
    cwd,
    options,
  });
  const services = [
    { id: "redis" },
    {
      id: "postgres",
      tag: "9.6",
      name: "db",
      env: { a: "1", B: "yes" },
      ports: ["5432"],
      ready: { port: 5432, timeoutMs: 60_000 },
      password: "$P",
    },
  ];
  expect(report).toEqual({
    problems: expect.any(Array),
    box: { id: "alpine:3.20", cmd: "/bin/sh" },
    services,
    pipelines: {
      build: {
        box: { id: "alpine:3.20", cmd: "/bin/sh" },
        services,
        steps: [
          step("npm-install", "npm-install"),
          step("script", "compile", { code: "make", i: "8" }, "sub"),
          step("me/slack@1.0", "slack"),
          step("internal/docker-run", "docker run", { name: "db", image: "x" }),
        ],
        afterSteps: [step("s", "s")],
        targets: { staging: [step("one", "one"), step("two", "two")] },
        basePath: "/go/src/x",
        docker: true,
      },
      deploy: {
        box: { id: "node" },
        services: [],
        steps: [],
        afterSteps: [],
        targets: {},
        basePath: null,
        docker: false,
      },
    },
    workflows: [
      {
        name: "all",
        pipelines: [
          { name: "build", pipelineName: "build", requires: [] },
          { name: "b2", pipelineName: "build", requires: ["build"] },
        ],
      },
    ],
  });
  expect(Object.keys(report)).toEqual(["problems", "box", "services", "pipelines", "workflows"]);
});

test("of a file that cannot be used the report has the problems only", () => {
  expect(check("")).toMatchObject({
    text: "",
    report: { problems: [{ severity: "error" }], box: null, services: [], pipelines: {}, workflows: [] },
  });
});

test("a good file has no problem", () => {
  expect(told("box: alpine\nbuild:\n  steps:\n    - script:\n        code: make\n")).toEqual([]);
});

describe("pipelines that cannot be used", () => {
  const bad = "{docker: 'true'}";

  test("are warnings where nobody uses them", () => {
    expect(told(`box: a\nother: ${bad}\nbuild: {steps: [s]}\n`)[0]).toMatch(/^warning 2/);
    expect(told(`box: a\nbuild: ${bad}\n`, "wercker")).toEqual([expect.stringMatching(/^warning 2/)]);
  });

  test("are errors where they run by default, where there is no other, and where a workflow names them", () => {
    expect(told(`box: a\nbuild: ${bad}\nother: {steps: [s]}\n`)[0]).toMatch(/^error 2/);
    expect(told(`box: a\nother: ${bad}\n`)[0]).toMatch(/^error 2/);
    const workflow = `box: a\nother: ${bad}\nbuild: {steps: [s]}\nworkflows: [{name: w, pipelines: [{name: other}]}]\n`;
    for (const dialect of ["slipway", "wercker"] as const) {
      expect(told(workflow, dialect)).toEqual([
        expect.stringMatching(/^error 2 pipeline "other" cannot be used/),
        "error 4 invalid workflow w: pipeline other is not defined",
      ]);
    }
  });
});

describe("boxes", () => {
  test("a pipeline without a box is an error", () => {
    expect(told("build: {steps: [s]}\n")).toEqual(["error 1 No box definition found for pipeline build"]);
    expect(told("box: a\nbuild: {steps: [s]}\n")).toEqual([]);
    expect(told("build: {box: a, steps: [s]}\n")).toEqual([]);
  });

  test("what exists for its anchors needs none", () => {
    expect(
      told("x-d: &d {steps: [s]}\n.e: {}\nv: &v {A: b}\nbuild:\n  box: {id: a, env: *v}\n  <<: *d\n"),
    ).toEqual([]);
  });

  test("an @ is allowed in front of a digest only", () => {
    const digest = `a@sha256:${"0".repeat(64)}`;
    expect(told(`box: ${digest}\nbuild: {steps: [s]}\n`)).toEqual([]);
    expect(told("box: me/java8@0.0.1\nbuild: {steps: [s]}\n", "wercker")).toEqual([
      "error 1 Invalid box name, '@' is not allowed in docker repositories: \"me/java8@0.0.1\"",
    ]);
    expect(check("box: me/java8@0.0.1\nbuild: {steps: [s]}\n").problems[0]!.hint).toContain("me/java8:0.0.1");
  });

  test("a wrong name is an error where it is used, and a warning where it is not", () => {
    expect(told("box: 'a b'\nbuild: {steps: [s]}\n")).toEqual([
      expect.stringMatching(/^error 1 "a b" is not/),
    ]);
    expect(told("box: 'a b'\nbuild: {box: c, steps: [s]}\n")).toEqual([
      expect.stringMatching(/^warning 1 "a b" is not/),
    ]);
    expect(told("box: a\nservices: [{tag: x, id: 'c d'}]\nbuild: {steps: [s]}\n")).toEqual([
      expect.stringMatching(/^error 2/),
    ]);
  });

  test("registries with a port, and variables, are fine", () => {
    expect(
      told("box: host:5000/x:1\nservices: ['$IMAGE', {id: db, url: file://../db}]\nbuild: {steps: [s]}\n"),
    ).toEqual([]);
  });

  test("ports, passwords and services of one name are looked at", () => {
    expect(
      told("box: {id: a, ports: ['80:x', '127.0.0.1:1:2/udp', 'a:b:c', 80]}\nbuild: {steps: [s]}\n"),
    ).toEqual(['warning 1 "80:x" is not a port', 'warning 1 "a:b:c" is not a port']);
    expect(told("box: {id: a, username: u, password: secret}\nbuild: {steps: [s]}\n")).toEqual([
      'warning 1 "password" stands in the file, for all to read',
    ]);
    expect(
      told("box: a\nservices: [me/redis:6, redis, {id: redis, name: other}]\nbuild: {steps: [s]}\n"),
    ).toEqual(['warning 2 two services are called "redis"']);
  });
});

test("empty pipelines and pipelines without steps are warned of", () => {
  expect(told("box: a\nbuild:\nother: {steps: []}\n")).toEqual([
    "warning 2 Pipeline build is empty",
    "warning 3 Pipeline other has no steps",
  ]);
});

test("workflows are validated, and the source of their artifacts", () => {
  const workflow =
    "workflows: [{name: w, pipelines: [{name: build}, {name: b, pipelineName: build, artifactPipeline: build}]}]";
  expect(told(`box: a\nbuild: {steps: [s]}\n${workflow}\n`)).toEqual([
    "error 3 invalid workflow w: multiple root pipelines: build, b",
    'warning 3 artifactPipeline "build" is not among what "b" requires',
  ]);
});
