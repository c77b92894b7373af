// A team's server as it looks after some weeks, for pictures of the pages: runs that really ran, with times that are moved back.

import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { sendTree } from "../../src/app/remote/send-tree.ts";
import type { Client } from "../../src/client/client.ts";
import type { Queryable } from "../../src/store/database.ts";
import { endOf } from "../server/projects.ts";
import { eventually } from "../server/server-process.ts";

export interface Shop {
  passed: { number: number; job: string };
  failed: { number: number; job: string };
  waiting: number;
}

const suites = ["cart", "checkout", "prices", "search"];
const tests = [
  "adds up prices",
  "empties the cart",
  "keeps what was chosen",
  "refuses a wrong code",
  "sorts by price",
];

/** One report: all pass but `failing`. */
function report(at: number, failing: string[]): string {
  const cases = suites.flatMap(suite =>
    tests.map((name, place) => {
      const seconds = (((at * 7 + place * 13) % 40) / 10).toFixed(2);
      const failed = failing.includes(`${suite}: ${name}`);
      const inner = failed
        ? `<failure message="expected 12.50 to be 12.49">at ${suite}.test.ts:4${place}</failure>`
        : "";
      return `<testcase classname="${suite}" name="${name}" time="${seconds}">${inner}</testcase>`;
    }),
  );
  return `<testsuite name="shop">${cases.join("")}</testsuite>`;
}

function fileOf(at: number, failing: string[]): string {
  const seconds = ((at * 37) % 17) / 10;
  const exit = failing.length > 0 ? "exit 1" : "true";
  return `
build:
  cache: { paths: [kept], key: kept-${Math.floor(at / 6)} }
  artifacts: [{ name: site, paths: ["site/**"], retention: 14d }]
  steps:
    - script:
        name: install
        code: |
          mkdir -p kept site; echo kept > kept/one
          for i in $(seq 1 24); do printf '\\033[32madded\\033[0m package-%s in 0.%ss\\n' $i $i; done
    - script: { name: compile, code: "echo 'compiling 214 files'; sleep ${(0.3 + seconds / 2).toFixed(2)}; echo '<html>' > site/index.html; printf '\\\\033[1mdone\\\\033[0m\\\\n'" }
test:
  reports: [report.xml]
  matrix: { browser: [firefox, chromium] }
  steps:
    - script:
        name: unit tests
        code: |
          echo ${Buffer.from(report(at, failing)).toString("base64")} | base64 -d > report.xml
          for suite in ${suites.join(" ")}; do printf '\\033[32m✓\\033[0m %s (5 tests)\\n' $suite; sleep ${(0.1 + seconds / 8).toFixed(2)}; done
          ${failing.length > 0 ? "printf '\\033[31m✗ prices: adds up prices\\033[0m\\n  expected 12.50 to be 12.49\\n' >&2; " : ""}${exit}
lint: { steps: [{ script: { name: lint, code: "echo 'no problem in 214 files'" } }] }
deploy: { steps: [{ script: { name: roll out, code: "echo 'version 4.2 is live'" } }] }
train: { class: gpu, steps: [{ script: { code: "echo training" } }] }
workflows:
  - name: ship
    pipelines:
      - { name: build }
      - { name: lint }
      - { name: test, requires: [build] }
      - { name: deploy, requires: [test, lint], approval: true, environment: production }
  - name: check
    pipelines: [{ name: build }, { name: lint }, { name: test, requires: [build] }]
`;
}

const messages = [
  "Prices are rounded once, at the end",
  "The cart survives a reload",
  "Search by part of a word",
  "Checkout asks for the country first",
  "Images are loaded when they are seen",
  "One currency per order",
  "A wrong code says which one it was",
];
const branches = ["main", "main", "fix/rounding", "main", "feature/search", "main"];
const people = ["maintainer", "developer", "designer"];
const runs = 14;

/** Of an empty server whose database is `db`. Takes a minute or two. */
export async function seedShop(client: Client, db: Queryable): Promise<Shop> {
  await client.setClass({ params: { class: "default" }, body: { engine: "host" } });
  await client.setClass({ params: { class: "gpu" }, body: { engine: "host" } });
  for (const [at, name] of people.entries()) {
    await client.createUser({ body: { name, password: "a long enough password" } });
    const role = (["owner", "maintainer", "reporter"] as const)[at]!;
    await client.setMember({ params: { organisation: "main", user: name }, body: { role } });
  }
  for (const name of ["api-client", "docs", "shop"]) {
    await client.createProject({ params: { organisation: "main" }, body: { name } });
  }
  const shop = { organisation: "main", project: "shop" };
  for (const [name, isSecret] of [
    ["REGISTRY", false],
    ["REGION", false],
    ["DEPLOY_KEY", true],
  ] as const) {
    await client.setVariable({ params: { ...shop, name }, body: { value: "eu-west", protected: isSecret } });
  }
  await client.setSchedule({
    params: { ...shop, schedule: "nightly" },
    body: { cron: "30 3 * * *", timeZone: "Europe/Madrid", branch: "main", workflow: "check" },
  });
  await client.setSchedule({
    params: { ...shop, schedule: "weekly-audit" },
    body: { cron: "0 6 * * 1", timeZone: "America/New_York", branch: "main", enabled: false },
  });
  const failingIn = (at: number) =>
    at % 7 === 3
      ? ["prices: adds up prices"]
      : at % 11 === 5
        ? ["search: sorts by price", "cart: empties the cart"]
        : [];
  const older: string[] = [];
  for (let at = 0; at < runs; at++)
    older.push(await start(client, "shop", at, failingIn(at), { workflow: "check" }));
  for (const project of ["docs", "api-client", "api-client"]) {
    older.push(
      await start(client, project, older.length, project === "docs" ? ["cart: empties the cart"] : [], {
        pipeline: "test",
      }),
    );
  }
  for (const run of older) await endOf(client, run, 180_000);
  await moveBack(db);
  const failed = await endOf(client, await start(client, "shop", 3, failingIn(3), { workflow: "ship" }));
  const waiting = await start(client, "shop", 14, [], { workflow: "ship" });
  const passed = await endOf(client, await start(client, "shop", 15, [], { workflow: "check" }));
  await start(client, "shop", 16, [], { pipeline: "train" });
  const { number } = await eventually(async () => {
    const run = await client.getRun({ params: { run: waiting } });
    return run.jobs.some(({ approval, state }) => approval === "wanted" && state === "waiting") &&
      run.jobs.filter(({ state }) => state === "finished").length === 4
      ? run
      : undefined;
  }, "the wait for approval");
  const jobOf = (run: typeof passed, outcome: string) =>
    run.jobs.find(each => each.pipeline === (outcome === "failed" ? "test" : "build"))!.id;
  return {
    passed: { number: passed.number, job: jobOf(passed, "passed") },
    failed: { number: failed.number, job: jobOf(failed, "failed") },
    waiting: number,
  };
}

async function start(
  client: Client,
  project: string,
  at: number,
  failing: string[],
  what: { workflow?: string; pipeline?: string },
): Promise<string> {
  const directory = mkdtempSync(path.join(os.tmpdir(), "slipway-tree-"));
  try {
    writeFileSync(path.join(directory, "slipway.yml"), fileOf(at, failing));
    const params = { organisation: "main", project };
    const { signal } = new AbortController();
    const source = await sendTree({ client, project: params, directory, signal });
    const message = messages[at % messages.length]!;
    const branch = branches[at % branches.length]!;
    const commit = createHash("sha1").update(`${project} ${at}`).digest("hex");
    return (await client.createRun({ params, body: { source, message, branch, commit, ...what } })).id;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** What has run until now happened over the last days, and was started by several people. */
async function moveBack(db: Queryable): Promise<void> {
  const by = `make_interval(hours => (select max(number)::int from runs r where r.project_id = runs.project_id) * 5 - runs.number::int * 5 + 2)`;
  await db.query(
    `update jobs set created_at = jobs.created_at - ${by}, queued_at = queued_at - ${by}, started_at = jobs.started_at - ${by},
       finished_at = jobs.finished_at - ${by} from runs where run_id = runs.id`,
  );
  await db.query(
    `update runs set created_at = created_at - ${by}, started_at = started_at - ${by}, finished_at = finished_at - ${by},
       person = (array['maintainer', 'developer', 'designer'])[1 + number % 3]`,
  );
}
