import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import type { Dialect } from "../core/job.ts";
import { checkFile } from "./check.ts";
import { fileKeys, type KeyRow } from "./file-keys.ts";
import { schemaText } from "./json-schema.ts";

const page = readFileSync(new URL("../../docs/pipeline-file.md", import.meta.url), "utf8");

interface Example {
  line: number;
  dialect: Dialect;
  text: string;
}

const examples: Example[] = [...page.matchAll(/^```yaml( wercker)?\n([\s\S]*?)^```$/gm)].map(match => ({
  line: page.slice(0, match.index).split("\n").length,
  dialect: match[1] === undefined ? "slipway" : "wercker",
  text: match[2]!,
}));

test("the page has examples", () => {
  expect(examples.length).toBeGreaterThan(5);
});

describe.each(examples)("the example in line $line", ({ dialect, text }) => {
  test("loads and is checked without a problem", () => {
    const { problems, report } = checkFile(Buffer.from(text), { dialect, name: `${dialect}.yml` });
    expect(problems).toEqual([]);
    expect(Object.keys(report.pipelines).length).toBeGreaterThan(0);
  });

  test("is valid for editors", () => {
    const validate = new Ajv2020({
      allowUnionTypes: true,
      strictTypes: false,
      strictRequired: false,
    }).compile(JSON.parse(schemaText()));
    validate(parse(text));
    expect(validate.errors).toBeNull();
  });
});

test("every key of the table is on the page", () => {
  for (const [group, rows] of Object.entries(fileKeys) as [string, KeyRow[]][]) {
    for (const row of rows) expect(page, `${group}: ${row.name}`).toContain(`\`${row.name}\``);
  }
});

test("the object of check --json has the shape that the page shows", () => {
  const shown = JSON.parse(/^```json\n([\s\S]*?)^```$/m.exec(page)![1]!);
  const text = `box: node:24
build:
  services: []
  steps: [{script: {name: compile, code: make}}]
  production: []
services: [{id: postgres, tag: 17, name: db, env: {MODE: test}, ready: 5432}]
workflows: [{name: main, pipelines: [{name: build}]}]
`;
  const { report } = checkFile(Buffer.from(text), { dialect: "slipway", name: "slipway.yml" });
  expect({ ...report, problems: [] }).toEqual({ ...shown, problems: [] });
  expect(Object.keys(shown.problems[0])).toEqual(["severity", "line", "column", "message", "hint"]);
});
