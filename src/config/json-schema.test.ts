import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { checkFile } from "./check.ts";
import { fileKeys, type KeyRow } from "./file-keys.ts";
import { firstFileFor } from "./first-file.ts";
import { schemaText } from "./json-schema.ts";

const stored = new URL("../../schema/slipway.schema.json", import.meta.url);
const validate = new Ajv2020({
  strict: true,
  allowUnionTypes: true,
  strictTypes: false,
  strictRequired: false,
}).compile(JSON.parse(schemaText()));

/** What an editor would say: YAML 1.2 with merge keys, then the schema. */
function editorErrors(text: string): string[] {
  const value: unknown = parse(text, { merge: true });
  return validate(value)
    ? []
    : (validate.errors ?? []).map(error => `${error.instancePath} ${error.message}`);
}

function loaderErrors(text: string): string[] {
  const { problems } = checkFile(Buffer.from(text), { dialect: "slipway", name: "slipway.yml" });
  return problems.filter(problem => problem.severity === "error").map(problem => problem.message);
}

test("the stored schema is the one that is printed: node scripts/write-schema.ts", () => {
  expect(readFileSync(stored, "utf8")).toBe(schemaText());
});

test("every key of the table is described in the schema", () => {
  const text = schemaText();
  for (const rows of Object.values(fileKeys) as KeyRow[][]) {
    for (const row of rows) expect(text, row.name).toContain(JSON.stringify(row.description));
  }
});

const all = `
box: {id: node, tag: 22, env: {A: 1}, ports: [80, "81:82"], username: u, password: $P}
services:
  - redis
  - {id: postgres, name: db, ready: {port: 5432, timeout: 30s}}
  - {id: x, ready: 80}
  - {id: y, ready: curl localhost}
command-timeout: 20
no-response-timeout: 5m
source-dir: app
ignore-file: .ignore
x-anchors: &steps [one]
build:
  box: alpine
  services: []
  steps:
    - npm-install
    - script:
        name: compile
        code: make
        timeout: 5m
        retry: {attempts: 3, delay: 5s}
        when: {branch: main, result: always, event: [push]}
        env: {A: b}
        allow-failure: true
        with: {timeout: x}
    - script:
      name: flat
      code: make
      retry: 2
      when: failed
  after-steps: *steps
  base-path: /go/src/x
  docker: true
  timeout: 1h
  matrix: {node: [20, 22], os: alpine}
  resources: {cpu: 500m, memory: 512Mi, ephemeral-storage: 1G, arch: arm64}
  class: large
  concurrency: {group: g, cancel-in-progress: true}
  cache: {paths: [a], key: k, fallback-keys: [l]}
  reports: ["**/*.xml"]
  artifacts: [dist, {name: logs, paths: "*.log", retention: 2w}]
  checkout: {depth: 0, submodules: true, lfs: true, tags: false}
  staging: [one, {two: {a: b}}]
empty:
workflows:
  - name: all
    on:
      push: {branches: [main], tags: v*, paths: src/**}
      pullRequest:
      schedule: [0 0 * * *, {cron: 0 1 * * *, timeZone: UTC}]
      run: {workflows: [short], outcomes: [passed, failed], branches: main}
      manual: true
    pipelines:
      - {name: build, branches: main, environment: production, approval: false}
      - {name: again, pipelineName: build, requires: [build], artifactPipeline: build, envFile: x.env}
  - name: short
    on: [push, manual]
    pipelines: [{name: build}]
`;

test("a file with every key of the format is valid, for the schema and for the loader", () => {
  expect(editorErrors(all)).toEqual([]);
  expect(loaderErrors(all)).toEqual([]);
  for (const [group, rows] of Object.entries(fileKeys) as [string, KeyRow[]][]) {
    for (const row of rows.filter(row => row.dialect === "slipway"))
      expect(all, `${group}: ${row.name}`).toContain(row.name);
  }
});

test("first files are valid", () => {
  for (const names of [["package.json"], ["go.mod"], ["Dockerfile"], []]) {
    expect(editorErrors(firstFileFor(names).text)).toEqual([]);
  }
});

describe("what the loader refuses, the schema marks too", () => {
  test.each([
    "box: [a]",
    "box: {id: a, ports: '80'}",
    "box: {id: a, volumes: [x]}",
    "services: redis",
    "services: [{id: a, ready: {port: 1, command: x}}]",
    "services: [{id: a, ready: 70000}]",
    "build: hi",
    "build: {steps: {a: b}}",
    "build: {steps: [{script: echo}]}",
    "build: {steps: [{script: }]}",
    "build: {steps: [{}]}",
    "build: {steps: [[a]]}",
    "build: {foo: bar}",
    "build: {docker: 'true'}",
    "build: {timeout: soon}",
    "build: {steps: [{s: {timeout: soon}}]}",
    "build: {steps: [{s: {retry: 99}}]}",
    "build: {steps: [{s: {when: never}}]}",
    "build: {steps: [{s: {env: A=1}}]}",
    "build: {steps: [{s: {allow-failure: 'yes'}}]}",
    "build: {steps: [{s: {with: [a]}}]}",
    "build: {matrix: [a]}",
    "build: {matrix: {include: [a]}}",
    "build: {resources: {cpu: many}}",
    "build: {resources: {memory: 5X}}",
    "build: {concurrency: {cancel-in-progress: true}}",
    "build: {cache: {key: k}}",
    "build: {artifacts: {name: a}}",
    "build: {checkout: {depth: -1}}",
    "workflows: {a: b}",
    "workflows: [{pipelines: []}]",
    "workflows: [{name: a, on: tuesday, pipelines: []}]",
    "workflows: [{name: a, pipelines: [{requires: [b]}]}]",
  ])("%s", line => {
    const text = `box: a\n${line}\n`.replace(/^box: a\n(?=box:)/, "");
    const { problems } = checkFile(Buffer.from(text), { dialect: "slipway", name: "slipway.yml" });
    expect(problems).not.toEqual([]);
    expect(editorErrors(text)).not.toEqual([]);
  });
});
