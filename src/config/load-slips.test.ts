import { describe, expect, test } from "vitest";
import type { Dialect } from "../core/job.ts";
import { loadPipelineFile } from "./load.ts";
import type { StepDefinition } from "./pipeline-file.ts";

const dialects: Dialect[] = ["wercker", "slipway"];
const boxA = "box: a\n";

function load(text: string, dialect: Dialect) {
  return loadPipelineFile(Buffer.from(text), { dialect, name: `${dialect}.yml` });
}

function optionsOf(step: StepDefinition): Record<string, string> {
  return Object.fromEntries(step.options.map(({ name, value }) => [name, value]));
}

describe("what looks like a slip", () => {
  test.each([
    ["boxx: a\nbuild: {box: b, steps: [s]}", 1, 'Did you mean "box"?'],
    ["service: [redis]\nbuild: {box: b, steps: [s]}", 1, 'Did you mean "services"?'],
    [
      "box: a\nbuild:\nsteps: [s]\n",
      3,
      '"steps" belongs into a pipeline: indent it below the pipeline\'s name',
    ],
    ["box: a\nbuild: {step: [s], steps: [t]}", 2, 'Did you mean "steps"?'],
    ["box: a\nbuild: {after_steps: [s]}", 2, 'Did you mean "after-steps"?'],
    ["box: a\nbuild: {basepath: /a/b, steps: [s]}", 2, 'Did you mean "base-path"?'],
    ["box: {id: a, tags: b}\nbuild: {steps: [s]}", 1, 'Did you mean "tag"?'],
    [
      "box: a\nbuild: {steps: [npm install]}",
      2,
      "Commands belong to a step script, under code:; a step's id is owner/name@version",
    ],
    ["box: a\nbuild: {steps: [me@1.0/slack]}", 2, "Write owner/name@version"],
    ["box: a\nbuild: {steps: [slack@]}", 2, "Write owner/name@version"],
    ["box: a\nbuild: {steps: [{script: {name: x}}]}", 2, "Put the commands under code:"],
    ["box: a\nbuild: {steps: [{script: {run: x}}]}", 2, "Write code: in place of run:"],
    ["box: {tag: x}\nbuild: {steps: [s]}", 1, "Name it with the key id, such as id: redis:7"],
    ["box: a\nservices: [{name: x}]\nbuild: {steps: [s]}", 2, "Name it with the key id, such as id: redis:7"],
  ])("%j", (text, line, hint) => {
    for (const dialect of dialects) {
      const found = load(text, dialect).problems.filter(problem => problem.line === line);
      expect(found, dialect).toHaveLength(1);
      expect(found[0], dialect).toMatchObject({ severity: "warning", hint });
    }
  });

  test.each([
    ["tag: 010", true],
    ["tag: 0x10", true],
    ["tag: 1_000", true],
    ["tag: +5", true],
    ["tag: yes", true],
    ["tag: off", true],
    ["tag: ~", true],
    ["tag:", true],
    ["tag: [a]", true],
    ["tag: {a: b}", true],
    ["tag: 18446744073709551615", true],
    ["tag: 1.0", true],
    ["tag: 80", false],
    ["tag: -5", false],
    ["tag: true", false],
    ["tag: True", false],
    ["tag: FALSE", false],
    ["tag: '010'", false],
    ["tag: ''", false],
    ["tag: 2016-01-01", false],
    ["tag: v1.0", false],
    ["tag: 1.2.3", false],
  ])("the option %s is warned of: %s", (option, warned) => {
    for (const dialect of dialects) {
      const { problems } = load(`${boxA}build:\n  steps:\n    - s:\n        ${option}\n`, dialect);
      expect(problems, dialect).toHaveLength(warned ? 1 : 0);
      if (warned) expect(problems[0], dialect).toMatchObject({ severity: "warning", line: 5 });
    }
  });

  test("a float that stays what it is, is warned of only where others read the file", () => {
    const text = `${boxA}build:\n  steps:\n    - s:\n        tag: 1.5\n`;
    expect(load(text, "wercker").problems).toHaveLength(1);
    expect(load(text, "slipway").problems).toEqual([]);
  });

  test("unknown keys of a wercker.yml are nobody's business unless they look like a slip", () => {
    const text =
      "box: {id: a, colour: red}\nsomething: else\nbuild: {steps: [s]}\nworkflows: [{name: w, pipelines: [], zz: 1}]\n";
    expect(load(text, "wercker").problems).toEqual([]);
    expect(load(text, "slipway").problems.map(problem => problem.line)).toEqual([1, 2, 4]);
  });

  test("in a step of two shapes what stands below the id is not used", () => {
    const text = `${boxA}build:\n  steps:\n    - script:\n        code: make\n      name: x\n`;
    const legacy = load(text, "wercker");
    expect(optionsOf(legacy.file!.pipelines.get("build")!.steps[0]!)).toEqual({});
    expect(legacy.problems[0]).toMatchObject({ severity: "warning", line: 6, column: 7 });
    expect(load(text, "slipway").file!.malformed.has("build")).toBe(true);
  });

  test("a pipeline whose steps are misspelt would pass without running them", () => {
    const text = `${boxA}build: {step: [s]}\n`;
    expect(load(text, "wercker").file!.pipelines.get("build")!.targets.has("step")).toBe(true);
    expect(load(text, "slipway").file!.malformed.get("build")).toContain(
      '"step" is taken for a deploy target',
    );
  });
});
