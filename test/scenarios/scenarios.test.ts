// Every `NN-name.yml` here is run, and what it says must be what `NN-name.expected.json` has.
// `SLIPWAY_WRITE_EXPECTED=1` writes the expectations anew: read the difference before you keep it.

import { readdirSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { expect, test } from "vitest";
import { type Outcome, runScenario } from "./run-scenario.ts";

const directory = import.meta.dirname;
const names = readdirSync(directory)
  .filter(name => name.endsWith(".yml"))
  .map(name => name.slice(0, -".yml".length));

test.each(names)("%s", async name => {
  const text = await readFile(join(directory, `${name}.yml`), "utf8");
  const outcome = await runScenario(`${name}.yml`, text, directory);
  const expected = join(directory, `${name}.expected.json`);
  if (process.env.SLIPWAY_WRITE_EXPECTED === "1" && !isDeepStrictEqual(outcome, await read(expected))) {
    await writeFile(expected, oneEventALine(outcome));
  }
  expect(outcome).toEqual(await read(expected));
});

test("every expectation has its scenario, and there are enough of them", () => {
  const expected = readdirSync(directory).filter(name => name.endsWith(".expected.json"));
  expect(expected.map(name => name.slice(0, -".expected.json".length)).sort()).toEqual(names.toSorted());
  expect(names.length).toBeGreaterThanOrEqual(30);
});

async function read(path: string): Promise<unknown> {
  const text = await readFile(path, "utf8").catch(() => "null");
  return JSON.parse(text);
}

/** As the formatter leaves it: an event on a line of its own where it fits. */
function oneEventALine(outcome: Outcome): string {
  const text = JSON.stringify(outcome, null, 1);
  const lines = text.replaceAll(/\{\n\s*"type"[^{}]*\}/g, event => JSON.stringify(JSON.parse(event)));
  return `${lines}\n`;
}
