// Every example does on the host engine what its `expected.json` says.

import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { exampleNames, runExample } from "./example-run.ts";
import { root } from "./sources.ts";

const names = await exampleNames();

test("there are examples", () => {
  expect(names).toContain("hello");
});

test.for(names)("%s", { timeout: 60_000 }, async (name, { signal }) => {
  await runExample(name, ["--engine", "host"], signal);
});

test("README.md shows the first example as it is", () => {
  const readme = readFileSync(path.join(root, "README.md"), "utf8");
  const file = readFileSync(path.join(root, "examples", "hello", "slipway.yml"), "utf8");
  expect(readme).toContain(file.slice(file.indexOf("box:")));
});
