// Every example does on the host engine what its `expected.json` says.

import { expect, test } from "vitest";
import { exampleNames, runExample } from "./example-run.ts";

const names = await exampleNames();

test("there are examples", () => {
  expect(names).toContain("hello");
});

test.for(names)("%s", { timeout: 60_000 }, async (name, { signal }) => {
  await runExample(name, ["--engine", "host"], signal);
});
