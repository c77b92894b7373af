// Every shell script of the project passes shellcheck as POSIX sh. It stands with the container tests since it needs
// a package of the system, as they do.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { root, sources } from "./sources.ts";

const run = promisify(execFile);

test("no shell script has what shellcheck warns of", async () => {
  const steps = sources("steps/*/*.sh").map(source => source.file);
  expect(steps.length).toBeGreaterThanOrEqual(12);
  await run("shellcheck", ["--shell=sh", ...steps, "bin/slipway", "deploy/hooks/post-receive"], {
    cwd: root,
  });
  await run("shellcheck", [".ci/run"], { cwd: root });
});
