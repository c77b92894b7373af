// `npm start`: sets the clone up, runs the pipeline of examples/hello where it can, and says what to try next.

import { spawnSync } from "node:child_process";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { root, setUp } from "./set-up.mjs";

setUp(fileURLToPath(import.meta.url));

const example = path.join(root, "examples", "hello");
const cli = path.join(root, "src", "cli", "main.ts");

const run = spawnSync(process.execPath, [cli, "run", "--engine", "any"], { cwd: example, stdio: "inherit" });
if (run.status === 0) {
  console.log(`
That was examples/hello/slipway.yml. What to try next:
  export PATH="${path.join(root, "bin")}:$PATH"
  slipway run DIR    the pipeline of a project of yours (slipway.yml or wercker.yml)
  slipway check FILE every problem of its file at once
  slipway init DIR   a first file for what lies in a directory
  slipway doctor     what this machine has, and what to do about what it lacks
  npm test           every test
README.md says more.`);
} else {
  console.error(
    "\nThe example did not pass, and it should have. `bin/slipway doctor` says what this machine lacks.",
  );
}
process.exitCode = run.status ?? 1;
