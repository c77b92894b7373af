// What the pages about clusters say is there: commands, flags, values.

import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { commands } from "../../src/cli/command-table.ts";
import { globalFlags } from "../../src/cli/flags.ts";
import { readValues } from "../../src/install/read-values.ts";
import { valuesTable } from "../../src/install/values-table.ts";
import { root } from "../sources.ts";

const page = (name: string) => readFileSync(path.join(root, "docs", name), "utf8");

test("docs/production.md has the values as the schema has them (src/install/values-table.ts)", () => {
  expect(page("production.md")).toContain(valuesTable());
});

test("the values of the page can be read", () => {
  const [, text] = /```yaml\n([\s\S]*?)```/.exec(page("production.md"))!;
  const read = readValues(text, "production");
  expect(read.ok ? "" : read.refusal.message).toBe("");
});

test.each(["production.md", "minikube.md", "kind.md"])("%s names commands and flags that are there", name => {
  const lines = [...page(name).matchAll(/(?:^|[`&|] ?)slipway ([a-z-]+)([^`\n|#]*)/gm)];
  expect(lines.length).toBeGreaterThan(3);
  for (const [line, word, rest = ""] of lines) {
    const command = commands.find(each => each.name === word);
    expect(command, line).toBeDefined();
    const known = [...globalFlags, ...command!.flags].map(flag => flag.name);
    for (const [, flag] of rest.matchAll(/--([a-z][a-z-]*)/g)) expect(known, line).toContain(flag);
  }
});
