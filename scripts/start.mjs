// `npm start`: sets the clone up, and starts the platform with an example (scripts/start-platform.ts).

import { spawn } from "node:child_process";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { root, setUp } from "./set-up.mjs";

setUp(fileURLToPath(import.meta.url));

const platform = spawn(process.execPath, [path.join(root, "scripts", "start-platform.ts")], {
  stdio: "inherit",
});
// The terminal tells both of Ctrl-C; whoever ends only this one ends the platform too.
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => platform.kill(signal));
platform.on("exit", (code, signal) => {
  process.exitCode = code ?? (signal === null ? 1 : 130);
});
