import { expect, test } from "vitest";
import { loadPipelineFile } from "./load.ts";
import { parseErrorText } from "./parse-error-text.ts";

const textOf = (file: string) =>
  parseErrorText(loadPipelineFile(Buffer.from(file), { dialect: "wercker", name: ".wercker.yml" }).problems);

test.each([
  ["", "Your wercker.yml is empty."],
  ["# nothing\n", "Your wercker.yml is empty."],
  ["box: a\nbuild:\n  steps:\n    - script:\n", "Step script is empty"],
  ["box: a\nbuild:\n\tsteps: []\n", "yaml: line 3: a tab cannot indent YAML"],
  ["box: a\nbuild: x: y\n", "yaml: line 2: mapping values are not allowed in this context"],
])("%j", (file, message) => {
  expect(textOf(file)).toBe(`Error parsing your wercker.yml:\n  ${message}`);
});

test("warnings are no reason", () => {
  expect(textOf("box: a\nbuild: hi\n")).toBeUndefined();
});
