// Something to see on every page: a run that has passed, one that has failed, one that waits for approval, one that no worker takes; tests, artifacts,
// variables, schedules, tokens. The texts are given, so that they may be as bad as anybody makes them.

import type { Client } from "../../src/client/client.ts";
import { endOf, makeProject, startRun } from "../server/projects.ts";
import { eventually } from "../server/server-process.ts";

/** What people and jobs choose freely. */
export interface Texts {
  step: string;
  pipeline: string;
  workflow: string;
  environment: string;
  combination: string;
  suite: string;
  test: string;
  message: string;
  /** File that the job leaves. No `/` and no `'`. */
  file: string;
  output: string;
  token: string;
  branch: string;
}

export const plainTexts: Texts = {
  step: "unit tests",
  pipeline: "deploy",
  workflow: "ship",
  environment: "production",
  combination: "22",
  suite: "shop.cart",
  test: "adds up prices",
  message: "expected 12 to be 13",
  file: "shop.txt",
  output: "all is well",
  token: "from my desk",
  branch: "main",
};

export interface Seeded {
  passed: { number: number; job: string };
  failed: { number: number; job: string };
  /** A job of it wants to be approved. */
  waiting: { number: number; run: string };
  /** No worker takes its job. */
  queued: { number: number; run: string };
}

const quoted = JSON.stringify;

/** Base64 for what a shell prints: no byte of it means anything to the shell. */
const printed = (text: string) => `printf %s ${Buffer.from(text, "latin1").toString("base64")} | base64 -d`;

function fileOf(texts: Texts): string {
  const xml = (text: string) =>
    text.replace(/[&<>"]/g, char => `&#${char.charCodeAt(0)};`).replace(/[^\x20-\x7e]/g, "?");
  const report = (failing: string) =>
    `<testsuite name="${xml(texts.suite)}"><testcase classname="${xml(texts.suite)}" name="${xml(texts.test)}" time="0.2">` +
    `${failing}</testcase><testcase classname="${xml(texts.suite)}" name="empties a cart" time="0.4"/></testsuite>`;
  const job = (failing: string, code: string) => `
  reports: [report.xml]
  artifacts: [{ name: site, paths: ["site/**"] }]
  cache: { paths: [kept], key: kept }
  steps:
    - script: { name: prepare, code: "mkdir -p site kept; echo kept > kept/one; echo 1 > 'site/${texts.file}'" }
    - script:
        name: ${quoted(texts.step)}
        code: |
          ${printed(report(failing))} > report.xml
          ${printed(texts.output)}; echo
          ${code}
`;
  const steps = '\n  steps: [{ script: { name: go, code: "echo it goes" } }]\n';
  return [
    `build:${job("", "echo the end")}`,
    `broken:${job(`<failure message="${xml(texts.message)}">${xml(texts.message)}</failure>`, "exit 3")}`,
    `${quoted(texts.pipeline)}:${steps}`,
    `many:\n  matrix: { version: [${quoted(texts.combination)}, other] }${steps}`,
    `away:\n  class: large${steps}`,
    "workflows:",
    `  - name: ${quoted(texts.workflow)}
    pipelines:
      - { name: build }
      - { name: many, requires: [build] }
      - { name: ${quoted(texts.pipeline)}, requires: [build], approval: true, environment: ${quoted(texts.environment)} }`,
    "",
  ].join("\n");
}

/** In `main/app` of an empty server with the host engine. */
export async function seedPages(client: Client, texts: Texts = plainTexts): Promise<Seeded> {
  await makeProject(client);
  const project = { organisation: "main", project: "app" };
  // No worker takes it.
  await client.setClass({ params: { class: "large" }, body: { engine: "host" } });
  await client.setVariable({
    params: { ...project, name: "PLAIN" },
    body: { value: texts.suite, protected: false },
  });
  await client.setVariable({
    params: { ...project, name: "SECRET" },
    body: { value: "never seen again", protected: true },
  });
  await client.setOrganisationVariable({
    params: { organisation: "main", name: "SHARED" },
    body: { value: texts.message, protected: false },
  });
  await client.setSchedule({
    params: { ...project, schedule: "nightly" },
    body: { cron: "30 3 * * *", timeZone: "Europe/Madrid", branch: texts.branch, workflow: texts.workflow },
  });
  await client.createToken({ body: { name: texts.token } });
  await client.createProjectToken({ params: project, body: { name: texts.token } });
  await client.createWorkerToken({ body: { name: texts.token, classes: ["default"] } });
  const file = fileOf(texts);
  const [passed, failed, waiting, queued] = [
    await startRun(client, file, { pipeline: "build" }),
    await startRun(client, file, { pipeline: "broken" }),
    await startRun(client, file, { workflow: texts.workflow }),
    await startRun(client, file, { pipeline: "away" }),
  ];
  const of = async (run: string) => {
    const { number, jobs, detail, problems } = await endOf(client, run);
    if (jobs.length === 0) throw new Error(`run ${number}: ${detail} ${JSON.stringify(problems)}`);
    return { number, job: jobs[0]!.id };
  };
  const stands = (run: string, isSo: (run: Awaited<ReturnType<Client["getRun"]>>) => boolean) =>
    eventually(async () => {
      const found = await client.getRun({ params: { run } });
      return isSo(found) && { number: found.number, run };
    }, `what run ${run} waits for`);
  return {
    passed: await of(passed),
    failed: await of(failed),
    waiting: await stands(
      waiting,
      ({ jobs }) => jobs.length === 4 && jobs.filter(({ outcome }) => outcome === "passed").length === 3,
    ),
    queued: await stands(queued, ({ jobs }) => jobs[0]?.state === "queued"),
  };
}

/** Every page, in each of its looks that differ. */
export function everyPage({ passed, failed, waiting, queued }: Seeded): string[] {
  const project = "/projects/main/app";
  const run = (number: number) => `${project}/runs/${number}`;
  return [
    "/",
    "/sign-in",
    "/start",
    "/start?project=main/app",
    "/queue",
    "/workers",
    "/account",
    ...["", "/worker-tokens", "/organisations", "/handlers", "/audit"].map(tab => `/server${tab}`),
    ...["", "/variables", "/audit", "/settings"].map(tab => `/organisations/main${tab}`),
    project,
    `${project}?outcome=failed`,
    `${project}/tests`,
    `${project}/figures`,
    `${project}/schedules`,
    `${project}/variables`,
    `${project}/settings`,
    run(passed.number),
    run(failed.number),
    run(waiting.number),
    run(queued.number),
    `${run(failed.number)}/tests`,
    `${run(passed.number)}/jobs/${passed.job}`,
    `${run(failed.number)}/jobs/${failed.job}`,
    `${run(failed.number)}/jobs/${failed.job}/timeline`,
    `${run(failed.number)}/jobs/${failed.job}/results`,
    `${run(failed.number)}/jobs/${failed.job}/specification`,
    "/nothing/like/this",
  ];
}
