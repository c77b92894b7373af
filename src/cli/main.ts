#!/usr/bin/env node
// The program. It answers `--version` with nothing loaded but itself; everything else is imported when it is known
// to be needed.

import { readFileSync } from "node:fs";
import { enableCompileCache } from "node:module";
import path from "node:path";

const args = process.argv.slice(2);
const only = args.length === 1 ? args[0] : undefined;
// npm links the program under both of its names; the wercker name brings that program's habits.
const name =
  path.basename(process.argv[1] ?? "").replace(/\.(cmd|js|exe)$/, "") === "wercker" ? "wercker" : "slipway";

if (only === "--version" || only === "-version" || only === "-v" || only === "-V") {
  process.stdout.write(name === "wercker" ? `wercker version ${version()} (Slipway)\n` : `${version()}\n`);
} else if (name === "slipway" && args[0] === "runner") {
  // A runner's start is part of every job's: it loads what it needs and nothing of the rest.
  const { runnerCommand } = await import("./runner-main.ts");
  const { env, stdin, stderr } = process;
  process.exitCode = await runnerCommand({ env, stdin, stderr, version: version() }, args.slice(1));
  setTimeout(() => process.exit(), 1000).unref();
} else {
  // In a directory of the user's own: a shared one would let others prepare code for us.
  if (process.env.HOME) {
    enableCompileCache(
      path.join(process.env.XDG_CACHE_HOME || path.join(process.env.HOME, ".cache"), "slipway"),
    );
  }
  const { runProgram } = await import("./program.ts");
  process.exitCode = await runProgram({
    name,
    version: version(),
    args,
    env: process.env,
    cwd: process.cwd(),
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
  });
  // Whatever a library keeps open must not keep the person waiting: everything is written and cleaned up by now.
  setTimeout(() => process.exit(), 1000).unref();
}

function version(): string {
  const manifest = path.join(import.meta.dirname, "..", "..", "package.json");
  return (JSON.parse(readFileSync(manifest, "utf8")) as { version: string }).version;
}
