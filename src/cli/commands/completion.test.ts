// Completion scripts do what they are for: the bash one completes, the others name every command and flag.

import { execFile } from "node:child_process";
import { chmod, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { expect, test, vi } from "vitest";
import { commands } from "../command-table.ts";
import { projectWith, runProgram } from "../fixtures/run-program.ts";
import { globalFlags, runFlags } from "../flags.ts";

vi.setConfig({ testTimeout: 60_000 });

const offered = commands.filter(entry => !entry.passThrough).map(entry => entry.name);
const main = path.join(import.meta.dirname, "..", "main.ts");

/** What bash offers for the last word of a line. */
async function complete(dir: string, ...words: string[]): Promise<string[]> {
  const line = words.map(word => `'${word}'`).join(" ");
  const script = `source ./completion.bash; COMP_WORDS=(${line}); COMP_CWORD=${words.length - 1}; _slipway; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const env = { ...process.env, PATH: `${dir}:${path.dirname(process.execPath)}:${process.env.PATH ?? ""}` };
  const { stdout } = await promisify(execFile)("bash", ["--norc", "-c", script], { cwd: dir, env });
  return stdout.split("\n").filter(word => word !== "");
}

test("bash completes commands, flags, their choices, and the names of the file at hand", async () => {
  await using place = await projectWith({
    "slipway.yml": `
box: b
compile: {steps: [{script: {code: "true"}}]}
deliver: {steps: [{script: {code: "true"}}]}
workflows: [{name: everything, pipelines: [{name: compile}]}]
`,
  });
  const { dir } = place;
  const made = await runProgram(["completion", "bash"], { cwd: dir });
  await writeFile(path.join(dir, "completion.bash"), made.stdout);
  await writeFile(path.join(dir, "slipway"), `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`);
  await chmod(path.join(dir, "slipway"), 0o755);
  expect(await complete(dir, "slipway", "")).toEqual(offered);
  expect(await complete(dir, "slipway", "wo")).toEqual(["workflow", "workers"]);
  expect(await complete(dir, "slipway", "run", "")).toEqual(["compile", "deliver"]);
  expect(await complete(dir, "slipway", "workflow", "ev")).toEqual(["everything"]);
  expect(await complete(dir, "slipway", "run", "--attach")).toEqual(["--attach-on-error"]);
  expect(await complete(dir, "slipway", "run", "--engine", "")).toEqual(["auto", "docker", "host", "any"]);
  expect(await complete(dir, "slipway", "check", "slip")).toContain("slipway.yml");
  expect(await complete(dir, "slipway", "completion", "z")).toEqual(["zsh"]);
});

test.each(["zsh", "fish"])("the script for %s names every command and flag", async shell => {
  const { stdout, code } = await runProgram(["completion", shell], { cwd: "/" });
  expect(code).toBe(0);
  for (const name of offered) expect(stdout).toContain(name);
  for (const flag of [...globalFlags, ...runFlags].filter(each => !each.hidden)) {
    expect(stdout).toContain(shell === "fish" ? `-l ${flag.name} ` : `--${flag.name}`);
  }
});
