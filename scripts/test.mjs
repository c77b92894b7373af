// `npm test`: everything that must hold, on a fresh clone too. Types, lint, unit tests and container tests; installs
// what they need where it may, starts a Docker daemon where none answers, and stops the one it started.
//
//   npm test                     everything
//   npm test -- --unit           what needs Node and a shell only
//   npm test -- src/plan         the tests whose path holds this text, in both projects
//
// The last line is `N passed, N failed`. The exit code is 0 only when something ran, all of it passed, nothing was
// skipped and nothing was left out.

import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { root, setUp } from "./set-up.mjs";
import { findDaemon, installPackages, missingNeeds, startDaemon, whyNoInstall } from "./system.mjs";

const say = text => console.log(`slipway test: ${text}`);

setUp(fileURLToPath(import.meta.url));
process.exitCode = await main(process.argv.slice(2));

async function main(args) {
  const unknown = args.find(arg => arg.startsWith("-") && arg !== "--unit");
  if (unknown !== undefined) {
    console.error(`slipway test: unknown option ${unknown}; there is --unit, and any number of paths`);
    return 2;
  }
  const filters = args.filter(arg => !arg.startsWith("-"));
  const tally = { passed: 0, failed: 0, skipped: 0, notRun: [] };
  if (filters.length === 0) {
    await check(tally, "types", "tsc", ["--noEmit"]);
    await check(tally, "lint", "biome", ["check", "."]);
  }
  await vitest(tally, "unit", filters, process.env);
  if (!args.includes("--unit")) await containerTests(tally, filters);
  return conclude(tally);
}

/** Container tests with a daemon: one that is there, or one of our own for as long as they take. */
async function containerTests(tally, filters) {
  let daemon = await findDaemon();
  const missing = missingNeeds(daemon !== undefined);
  if (missing.length > 0) {
    const reason = whyNoInstall();
    if (reason !== undefined) {
      const names = missing.map(need => `${need.package} (${need.purpose})`).join(", ");
      tally.notRun.push(
        `container tests: missing ${names}, and ${reason}. On Debian, run as root:\n` +
          `  apt-get install --no-install-recommends ${missing.map(need => need.package).join(" ")}`,
      );
      return;
    }
    installPackages(missing, say);
    daemon = await findDaemon();
  }
  if (daemon !== undefined) {
    say(`container tests use the Docker daemon at ${daemon}`);
    await vitest(tally, "container", filters, { ...process.env, DOCKER_HOST: daemon });
    return;
  }
  if (process.getuid?.() !== 0) {
    tally.notRun.push("container tests: no Docker daemon answers, and only root may start one; start Docker");
    return;
  }
  const own = await startDaemon(say);
  const interrupt = () => own.stop().then(() => process.exit(130));
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, interrupt);
  try {
    await vitest(tally, "container", filters, { ...process.env, DOCKER_HOST: own.host });
  } finally {
    await own.stop();
  }
}

async function check(tally, name, program, args) {
  say(name);
  const ok = (await run(program, args, process.env)) === 0;
  tally[ok ? "passed" : "failed"] += 1;
}

/** Runs one project of vitest.config.ts and adds what its report counts. */
async function vitest(tally, project, filters, env) {
  say(`${project} tests`);
  const folder = mkdtempSync(path.join(os.tmpdir(), "slipway-test-"));
  const file = path.join(folder, "report.json");
  try {
    const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${file}`];
    const selection = filters.length === 0 ? [] : ["--passWithNoTests", ...filters];
    const status = await run("vitest", ["run", "--project", project, ...reporters, ...selection], env);
    count(tally, project, status, readReport(file));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function readReport(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return undefined;
  }
}

function count(tally, project, status, report) {
  const passed = report?.numPassedTests ?? 0;
  const failed = report?.numFailedTests ?? 0;
  tally.passed += passed;
  tally.failed += failed;
  tally.skipped += (report?.numPendingTests ?? 0) + (report?.numTodoTests ?? 0);
  // A file that does not load, an unhandled error, a crash: nothing of it is a failed test in the report.
  if (status !== 0 && failed === 0) {
    console.error(`slipway test: ${project} tests ended with ${status}; the reason stands above`);
    tally.failed += 1;
  }
}

function conclude(tally) {
  for (const text of tally.notRun) console.error(`slipway test: NOT RUN: ${text}`);
  if (tally.skipped > 0) console.error(`slipway test: ${tally.skipped} skipped; no test may be skipped`);
  if (tally.passed === 0) console.error("slipway test: nothing ran");
  const failed = tally.failed + tally.notRun.length + tally.skipped;
  console.log(`${tally.passed} passed, ${failed} failed`);
  return failed === 0 && tally.passed > 0 ? 0 : 1;
}

function run(program, args, env) {
  const child = spawn(path.join(root, "node_modules", ".bin", program), args, {
    cwd: root,
    env,
    stdio: "inherit",
  });
  return new Promise(resolve => {
    child.once("error", error => {
      console.error(`slipway test: ${program} does not start: ${error.message}`);
      resolve(127);
    });
    child.once("exit", (code, signal) => resolve(code ?? (signal === "SIGINT" ? 130 : 1)));
  });
}
