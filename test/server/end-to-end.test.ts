// What a team does on its first day, with the real command line against a real server: a project from a git repository, a
// push that starts a run, a secret, a log, an artifact, a failing run again on the laptop.

import { execFileSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createClient } from "../../src/client/client.ts";
import { startGitServer } from "../../src/git/fixtures/git-server.ts";
import { root } from "../sources.ts";
import { type Ended, slipway } from "./cli-process.ts";
import { endOf } from "./projects.ts";
import { eventually, type ServerProcess, startServerProcess } from "./server-process.ts";

let server: ServerProcess;
let place: string;
const cli = (args: string[], input?: string, cwd = place): Promise<Ended> =>
  slipway(args, { cwd, url: server.url, token: server.token, ...(input === undefined ? {} : { input }) });

const file = (fails: boolean) => `
build:
  steps:
    - script:
        name: make
        code: |
          echo "the token is $TOKEN"
          echo "built from $WERCKER_GIT_COMMIT" > "$WERCKER_OUTPUT_DIR/built.txt"
    - script:
        name: check
        code: ${fails ? "test -f fixed" : "true"}
deploy:
  steps:
    - script:
        code: cat built.txt
workflows:
  - name: ship
    pipelines:
      - name: build
      - name: deploy
        requires: [build]
`;

beforeAll(async () => {
  place = mkdtempSync(path.join(os.tmpdir(), "slipway-day-"));
  server = await startServerProcess();
}, 90_000);

afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  rmSync(place, { recursive: true, force: true });
});

function run(program: string, args: string[], cwd: string): string {
  const env = {
    ...process.env,
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_AUTHOR_NAME: "somebody",
    GIT_AUTHOR_EMAIL: "s@example.org",
    GIT_COMMITTER_NAME: "somebody",
    GIT_COMMITTER_EMAIL: "s@example.org",
  };
  return execFileSync(program, args, { cwd, env, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

test("from a repository to a green run, and from a red one to the laptop", async () => {
  await using git = await startGitServer({ root: path.join(place, "repositories") });
  const bare = path.join(place, "repositories", "shop.git");
  mkdirSync(bare, { recursive: true });
  run("git", ["init", "--bare", "--initial-branch=main", "."], bare);
  const tree = path.join(place, "shop");
  run("git", ["clone", "--quiet", bare, tree], place);

  expect((await cli(["classes", "set", "default", "engine=host"])).code).toBe(0);
  const made = await cli([
    "projects",
    "create",
    "main/shop",
    "--repository",
    `${git.url}/shop.git`,
    "--json",
  ]);
  expect(made.stderr).toBe("");
  const { webhookSecret, webhookUrl } = JSON.parse(made.stdout) as {
    webhookSecret: string;
    webhookUrl: string;
  };
  expect((await cli(["secrets", "set", "TOKEN", "--project", "main/shop"], "very-secret-value\n")).code).toBe(
    0,
  );

  // The hook that comes with the package.
  const hook = path.join(bare, "hooks", "post-receive");
  copyFileSync(path.join(root, "deploy", "hooks", "post-receive"), hook);
  chmodSync(hook, 0o755);
  writeFileSync(path.join(place, "secret"), webhookSecret, { mode: 0o600 });
  run("git", ["config", "slipway.url", webhookUrl], bare);
  run("git", ["config", "slipway.secretFile", path.join(place, "secret")], bare);

  const push = (fails: boolean, message: string) => {
    writeFileSync(path.join(tree, "slipway.yml"), file(fails));
    run("git", ["add", "."], tree);
    run("git", ["commit", "--quiet", "-m", message], tree);
    run("git", ["push", "--quiet", "origin", "HEAD:main"], tree);
    return run("git", ["rev-parse", "HEAD"], tree).trim();
  };
  const client = createClient({ url: server.url, token: server.token });
  const project = { organisation: "main", project: "shop" };
  const runOf = (commit: string) =>
    eventually(
      async () => (await client.listRuns({ params: project, query: { commit } })).items[0],
      `the run of ${commit}`,
    );

  const green = await runOf(push(false, "first"));
  const followed = await cli(["logs", "-f", `main/shop#${green.number}`]);
  expect(followed.stdout).toContain("the token is ");
  expect(followed.stdout).not.toContain("very-secret-value");
  expect(followed.stdout).toContain(`built from ${green.commit}`);
  expect(followed.code).toBe(0);
  expect(await endOf(client, green.id)).toMatchObject({
    outcome: "passed",
    event: "push",
    branch: "main",
    message: "first",
  });
  expect((await cli(["logs", `main/shop#${green.number}`, "--job", "build"])).stdout).not.toContain(
    "very-secret-value",
  );

  const fetched = await cli([
    "artifacts",
    "get",
    `main/shop#${green.number}`,
    "output",
    "--job",
    "build",
    "-o",
    "out",
  ]);
  expect(fetched.stderr).toBe("");
  expect(readFileSync(path.join(place, "out", "built.txt"), "utf8")).toBe(`built from ${green.commit}\n`);

  const red = await runOf(push(true, "second"));
  expect(await endOf(client, red.id)).toMatchObject({ outcome: "failed" });
  const shown = await cli(["show", `main/shop#${red.number}`]);
  expect(shown.stdout).toMatch(/build +failed/);
  expect(shown.stdout).toMatch(/deploy +skipped/);

  const laptop = path.join(place, "laptop");
  mkdirSync(laptop);
  writeFileSync(path.join(laptop, "values"), "TOKEN=mine\n");
  const replayed = await cli(
    ["replay", `main/shop#${red.number}`, "--job", "build", "--engine", "host", "--env-file", "values"],
    undefined,
    laptop,
  );
  expect(replayed.stdout).toContain("--- make passed");
  expect(replayed.stdout).toContain("--- check failed");
  expect(replayed.stdout + replayed.stderr).not.toContain("very-secret-value");
  expect(replayed.code).toBe(1);
}, 180_000);

test("a working tree of a laptop runs on the server as if it ran here", async () => {
  const tree = path.join(place, "tree");
  mkdirSync(tree);
  writeFileSync(
    path.join(tree, "slipway.yml"),
    "build:\n  steps:\n    - script:\n        name: look\n        code: cat uncommitted; exit 3\n",
  );
  writeFileSync(path.join(tree, "uncommitted"), "not in any commit\n");
  await cli(["projects", "create", "main/tree"]);
  const ended = await cli(["run", "--remote", "--project", "main/tree"], undefined, tree);
  expect(ended.stdout).toContain("not in any commit");
  expect(ended.stdout).toContain("--- look failed");
  expect(ended.code).toBe(1);
  const events = await cli(["logs", "-f", "main/tree#1", "--json"], undefined, tree);
  const types = events.stdout
    .trim()
    .split("\n")
    .map(line => (JSON.parse(line) as { type: string }).type);
  expect(types.at(0)).toBe("run-started");
  expect(types).toContain("log");
  expect(types.at(-1)).toBe("run-finished");
  expect((await cli(["queue"])).stdout).toContain("nothing waits or runs");
  expect((await cli(["runs", "main/tree", "--outcome", "failed", "--json"])).stdout).toContain('"number":1');
}, 90_000);

test("what the server refuses is told with what to do, by exit codes", async () => {
  const nothing = await cli(["show", "main/nothing#1"]);
  expect(nothing).toMatchObject({ code: 1, stderr: expect.stringContaining("no such thing") });
  const stranger = await slipway(["runs", "main/tree"], { cwd: place, url: server.url, token: "swp_wrong" });
  expect(stranger).toMatchObject({ code: 1, stderr: expect.stringContaining("slipway login") });
  const away = await slipway(["runs", "main/tree"], {
    cwd: place,
    url: "http://127.0.0.1:1",
    token: server.token,
  });
  expect(away).toMatchObject({ code: 3, stderr: expect.stringContaining("does not answer") });
  expect((await cli(["runs", "main/tree", "--limit", "many"])).code).toBe(2);
});
