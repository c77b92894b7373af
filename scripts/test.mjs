// `npm test`: everything that must hold, on a fresh clone too. Types, lint, unit, browser and container tests; installs
// what they need where it may, starts a Docker daemon where none answers, and stops the one it started.
//
//   npm test                     everything
//   npm test -- --unit           what needs Node and a shell only
//   npm test -- src/plan         the tests whose path holds this text, in both projects
//
// The last line is `N passed, N failed`. The exit code is 0 only when something ran, all of it passed, nothing was
// skipped and nothing was left out.

import { spawn } from "node:child_process";
// Not by name: the Node that reads this first may not have globSync yet.
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { root, setUp } from "./set-up.mjs";
import {
  findDaemon,
  installPackages,
  missingNeeds,
  startDaemon,
  whatIsLeft,
  whyNoInstall,
} from "./system.mjs";
import { addReport, conclude, emptyTally } from "./tally.mjs";

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
  const tally = emptyTally();
  const container = testFiles(filters).filter(file => file.endsWith(".container.test.ts"));
  const browser = testFiles(filters).filter(file => file.endsWith(".browser.test.ts"));
  const unit = testFiles(filters).filter(file => !container.includes(file) && !browser.includes(file));
  const wantsNeeds = container.length + browser.length > 0 && !args.includes("--unit");
  const hasNeeds = wantsNeeds && (await haveNeeds(tally));
  if (filters.length === 0) {
    await check(tally, "types", "tsc", ["--noEmit"]);
    await check(tally, "types of the pages", "tsc", ["--noEmit", "-p", "web"]);
    await check(tally, "lint", "biome", ["check", "."]);
  }
  if (unit.length > 0) await vitest(tally, ["unit", "process"], filters, process.env);
  if (hasNeeds && browser.length > 0) await vitest(tally, ["browser"], filters, process.env);
  if (hasNeeds && container.length > 0)
    await containerTests(tally, filters).catch(error => tally.crashed.push(error.message));
  const { complaints, totals, exitCode } = conclude(tally);
  for (const text of complaints) console.error(`slipway test: ${text}`);
  console.log(totals);
  return exitCode;
}

/** Test files whose path holds one of the texts; all without any. */
function testFiles(filters) {
  const files = fs.globSync("{src,test,steps,web}/**/*.test.ts", { cwd: root });
  return files.filter(file => filters.length === 0 || filters.some(filter => file.includes(filter)));
}

/** Whether container tests can run: installs what is missing where it may, before anything else needs it. */
async function haveNeeds(tally) {
  const missing = missingNeeds((await findDaemon()) !== undefined);
  if (missing.length === 0) return true;
  const reason = whyNoInstall();
  if (reason !== undefined) {
    const names = missing.map(need => `${need.package} (${need.purpose})`).join(", ");
    tally.notRun.push(
      `container and browser tests: missing ${names}, and ${reason}. On Debian, run as root:\n` +
        `  apt-get install --no-install-recommends ${missing.map(need => need.package).join(" ")}`,
    );
    return false;
  }
  try {
    installPackages(missing, say);
    return true;
  } catch (error) {
    tally.crashed.push(`container and browser tests did not run: ${error.message}`);
    return false;
  }
}

/** Container tests with a daemon: one that is there, or one of our own for as long as they take. */
async function containerTests(tally, filters) {
  const daemon = await findDaemon();
  if (daemon !== undefined) {
    say(`container tests use the Docker daemon at ${daemon}`);
    await vitest(tally, ["container"], filters, { ...process.env, DOCKER_HOST: daemon });
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
    await vitest(tally, ["container"], filters, { ...process.env, DOCKER_HOST: own.host });
    // Nobody else used this daemon: whatever is there now was left by a test.
    const left = await whatIsLeft(own.host);
    if (left.length > 0) tally.crashed.push(`the tests left at the daemon: ${left.join(", ")}`);
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
async function vitest(tally, projects, filters, env) {
  const name = `${projects.join(" and ")} tests`;
  say(name);
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "slipway-test-"));
  const file = path.join(folder, "report.json");
  try {
    const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${file}`];
    const status = await run(
      "vitest",
      ["run", ...projects.flatMap(project => ["--project", project]), ...reporters, ...filters],
      env,
    );
    addReport(tally, name, status, readReport(file));
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

function readReport(file) {
  try {
    return JSON.parse(fs.readFileSync(file, "utf8"));
  } catch {
    return undefined;
  }
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
