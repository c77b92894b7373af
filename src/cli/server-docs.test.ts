// docs/server-commands.md and the table of commands say the same.

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { commands } from "./command-table.ts";
import { globalFlags } from "./flags.ts";
import { serverOf } from "./remote-flags.ts";

const page = readFileSync(new URL("../../docs/server-commands.md", import.meta.url), "utf8");
const named = (name: string) => commands.find(entry => entry.name === name || entry.alias === name);

test("every command that speaks to a server is on the page", () => {
  const speaking = commands.filter(({ flags }) => flags.includes(serverOf[0]!)).map(({ name }) => name);
  expect(speaking.length).toBeGreaterThan(15);
  for (const name of [...speaking, "login", "logout", "servers"]) {
    expect(page.includes(`slipway ${name}`), name).toBe(true);
  }
});

test("every command and flag of the page is there", () => {
  const lines = page.split("\n").filter(line => line.includes("slipway "));
  expect(lines.length).toBeGreaterThan(20);
  for (const line of lines) {
    const entries = [...line.matchAll(/`(?:echo .*\| )?slipway ([a-z-]+)/g)].map(match => named(match[1]!));
    expect(entries, line).not.toContain(undefined);
    const flags = new Set([...globalFlags, ...entries.flatMap(entry => entry!.flags)].map(flag => flag.name));
    if (entries.length === 0 || !line.startsWith("| `slipway")) continue;
    for (const [, flag] of line.matchAll(/--([a-z][a-z-]*)/g))
      expect(flags.has(flag!), `--${flag} in ${line}`).toBe(true);
  }
});
