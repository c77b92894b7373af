// Following, stopping and steering runs with the real command line against a real server.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { root } from "../sources.ts";
import { type Ended, slipway } from "./cli-process.ts";
import { endOf, makeProject } from "./projects.ts";
import { eventually, type ServerProcess, startServerProcess } from "./server-process.ts";

let server: ServerProcess;
let place: string;
const project = { SLIPWAY_PROJECT: "main/app" };
const cli = (args: string[], more: { input?: string; token?: string } = {}): Promise<Ended> =>
  slipway(args, { cwd: place, url: server.url, token: server.token, env: project, ...more });

beforeAll(async () => {
  place = mkdtempSync(path.join(os.tmpdir(), "slipway-follow-"));
  server = await startServerProcess();
  await makeProject(server.client);
  writeFileSync(
    path.join(place, "slipway.yml"),
    `
build: {steps: [{script: {name: greet, code: 'echo "hello $WHO"'}}]}
long: {steps: [{script: {name: wait, code: "echo waiting; sleep 300"}}]}
gate: {steps: [{script: {code: "echo open"}}]}
workflows: [{name: careful, pipelines: [{name: build}, {name: gate, requires: [build], approval: true}]}]
`,
  );
}, 90_000);

afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  rmSync(place, { recursive: true, force: true });
});

/** The program while it runs. */
function start(args: string[]) {
  const child: ChildProcess = spawn(process.execPath, [path.join(root, "src", "cli", "main.ts"), ...args], {
    cwd: place,
    env: {
      PATH: process.env.PATH,
      HOME: place,
      SLIPWAY_SERVER: server.url,
      SLIPWAY_TOKEN: server.token,
      ...project,
    },
  });
  let text = "";
  for (const stream of [child.stdout!, child.stderr!]) stream.on("data", part => (text += part));
  const ended = once(child, "close").then(([code]) => ({ code: code as number | null, text }));
  return {
    ended,
    interrupt: () => child.kill("SIGINT"),
    shows: (what: string) => eventually(async () => text.includes(what), what),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

const newest = async () =>
  (await server.client.listRuns({ params: { organisation: "main", project: "app" }, query: { limit: 1 } }))
    .items[0]!;

test("Ctrl-C cancels the run that one has started, and its outcome is the exit code", async () => {
  await using program = start(["run", "long", "--remote"]);
  await program.shows("waiting");
  program.interrupt();
  const { code, text } = await program.ended;
  expect(code).toBe(130);
  expect(text).toContain("once more leaves it to itself");
  expect(text).toContain("long canceled");
  expect(await newest()).toMatchObject({ outcome: "canceled" });
}, 60_000);

test("Ctrl-C of whoever only watches leaves the run alone", async () => {
  const started = await cli(["run", "long", "--remote", "--detach", "--json"]);
  const run = JSON.parse(started.stdout) as { id: string };
  await using program = start(["logs", "-f", run.id]);
  await program.shows("waiting");
  program.interrupt();
  expect((await program.ended).code).toBe(130);
  expect((await newest()).state).toBe("running");
  expect((await cli(["cancel", "latest", "--reason", "enough"])).code).toBe(0);
  expect(await endOf(server.client, run.id)).toMatchObject({ outcome: "canceled" });
  expect((await cli(["show", run.id])).stdout).toContain("enough");
}, 60_000);

test("a workflow waits for its approval, says so, and goes on; a rerun is the same again", async () => {
  await using program = start(["workflow", "careful", "--remote", "--var", "WHO=there"]);
  await program.shows("hello there");
  await eventually(async () => (await cli(["show", "latest"])).stdout.includes("approves gate"), "the wait");
  expect((await cli(["approve", "latest", "build"])).code).toBe(2);
  expect((await cli(["approve", "latest"])).stdout).toBe("approved gate\n");
  const { code, text } = await program.ended;
  expect(text).toContain("[gate] open");
  expect(code).toBe(0);
  await using again = start(["rerun", "latest", "-f"]);
  await again.shows("hello there");
  await eventually(async () => (await cli(["approve", "latest", "--refuse"])).code === 0, "the refusal");
  expect((await again.ended).code).not.toBe(0);
}, 120_000);

test("a colleague signs in with the password that an administrator gave, and may do what the role says", async () => {
  const made = await cli(["users", "create", "colleague", "--password-stdin"], {
    input: "a long password\n",
  });
  expect(made).toMatchObject({ code: 0, stdout: "made an account for colleague\n" });
  expect((await cli(["members", "main", "set", "colleague", "reader"])).code).toBe(0);
  expect((await cli(["members", "main"])).stdout).toMatch(/colleague +reader/);
  const response = await fetch(`${server.url}/api/v1/session`, {
    method: "POST",
    headers: { "content-type": "application/json", origin: server.url },
    body: JSON.stringify({ name: "colleague", password: "a long password" }),
  });
  const { csrf } = (await response.json()) as { csrf: string };
  const cookie = response.headers.getSetCookie()[0]!.split(";")[0]!;
  const token = await fetch(`${server.url}/api/v1/tokens`, {
    method: "POST",
    headers: { "content-type": "application/json", cookie, "x-slipway-csrf": csrf, origin: server.url },
    body: JSON.stringify({ name: "mine" }),
  });
  const { secret } = (await token.json()) as { secret: string };
  expect((await cli(["runs"], { token: secret })).code).toBe(0);
  const refused = await cli(["cancel", "latest"], { token: secret });
  expect(refused).toMatchObject({ code: 1, stdout: "" });
  expect(refused.stderr).toContain("reporter");
  expect((await cli(["secrets"], { token: secret })).code).toBe(1);
}, 60_000);

test("what is set up is listed, changed and removed", async () => {
  const schedule = ["schedules", "set", "nightly", "30 3 * * *", "--time-zone", "Europe/Madrid"];
  expect((await cli(schedule)).stdout).toContain("nightly starts next at");
  expect((await cli(["schedules", "--json"])).stdout).toContain('"timeZone":"Europe/Madrid"');
  expect((await cli(["schedules", "set", "bad", "never"])).code).toBe(2);
  expect((await cli(["schedules", "rm", "nightly"])).code).toBe(0);
  const hook = await cli(["hook"]);
  expect(hook.stdout).toMatch(/^#!\/bin\/sh\n/);
  expect(hook.stderr).toContain(`${server.url}/hooks/main/app`);
  expect((await cli(["projects", "set", "main/app", "--public", "--json"])).stdout).toContain(
    '"public":true',
  );
  expect((await cli(["projects", "delete", "main/app"])).code).toBe(2);
  expect((await cli(["projects", "delete", "main/app", "--yes"])).stdout).toBe("deleted main/app\n");
  expect((await cli(["projects"])).stdout).toBe("no projects that you may see\n");
}, 60_000);
