// A project that comes as it is: a file of the corpus in a git repository, pushed, run in real containers by a real server;
// its log followed, its output fetched, a red run done again on the laptop with Docker.

import { execFileSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
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
import { testDaemon } from "../containers/docker-daemon.ts";
import { corpusImages } from "../corpus/corpus-images.ts";
import { root } from "../sources.ts";
import { slipway } from "./cli-process.ts";
import { endOf } from "./projects.ts";
import { eventually, type ServerProcess, startServerProcess } from "./server-process.ts";

const corpus = path.join(root, "..", "shared", "corpus");
const name = "watawuwu__noritama__wercker";

let images: AsyncDisposable | undefined;
let server: ServerProcess | undefined;
let place: string;

beforeAll(async () => {
  images = await corpusImages(await testDaemon());
  place = mkdtempSync(path.join(os.tmpdir(), "slipway-corpus-push-"));
  const docker: Record<string, string> =
    process.env.DOCKER_HOST === undefined ? {} : { DOCKER_HOST: process.env.DOCKER_HOST };
  server = await startServerProcess({ flags: ["--engine", "docker", "--pull", "never"], env: docker });
}, 300_000);

afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await images?.[Symbol.asyncDispose]();
  rmSync(place, { recursive: true, force: true });
});

function git(cwd: string, ...args: string[]): string {
  const env = {
    ...process.env,
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_AUTHOR_NAME: "somebody",
    GIT_AUTHOR_EMAIL: "s@example.org",
    GIT_COMMITTER_NAME: "somebody",
    GIT_COMMITTER_EMAIL: "s@example.org",
  };
  return execFileSync("git", args, { cwd, env, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trim();
}

async function pushAndReplay(): Promise<void> {
  const { url, token } = server!;
  const docker =
    process.env.DOCKER_HOST === undefined ? {} : { env: { DOCKER_HOST: process.env.DOCKER_HOST } };
  const cli = (args: string[], cwd = place, input = "") =>
    slipway(args, { cwd, url, token, input, ...docker });
  await using repositories = await startGitServer({ root: path.join(place, "repositories") });
  const bare = path.join(place, "repositories", "noritama.git");
  mkdirSync(bare, { recursive: true });
  git(bare, "init", "--bare", "--initial-branch=main", ".");
  const tree = path.join(place, "tree");
  git(place, "clone", "--quiet", bare, tree);
  cpSync(path.join(root, "test", "corpus", "trees", name), tree, { recursive: true });
  copyFileSync(path.join(corpus, `${name}.yml`), path.join(tree, "wercker.yml"));
  const made = await cli([
    "projects",
    "create",
    "main/noritama",
    "--repository",
    `${repositories.url}/noritama.git`,
    "--json",
  ]);
  const { webhookSecret, webhookUrl } = JSON.parse(made.stdout) as {
    webhookSecret: string;
    webhookUrl: string;
  };
  await cli(["secrets", "set", "HIDDEN", "--project", "main/noritama"], place, "a-value-that-nobody-sees");
  const hook = path.join(bare, "hooks", "post-receive");
  copyFileSync(path.join(root, "deploy", "hooks", "post-receive"), hook);
  chmodSync(hook, 0o755);
  writeFileSync(path.join(place, "secret"), webhookSecret, { mode: 0o600 });
  git(bare, "config", "slipway.url", webhookUrl);
  git(bare, "config", "slipway.secretFile", path.join(place, "secret"));
  const client = createClient({ url, token });
  const push = async (message: string) => {
    git(tree, "add", "--all", "--force");
    git(tree, "commit", "--quiet", "-m", message);
    git(tree, "push", "--quiet", "origin", "HEAD:main");
    const commit = git(tree, "rev-parse", "HEAD");
    const params = { organisation: "main", project: "noritama" };
    return eventually(
      async () => (await client.listRuns({ params, query: { commit } })).items[0],
      `the run of ${commit}`,
    );
  };

  const green = await push("as it is");
  const followed = await cli(["logs", "-f", `main/noritama#${green.number}`]);
  expect(followed.stdout).toContain("1 test passed");
  expect(followed.code).toBe(0);
  expect(
    (await cli(["artifacts", "get", `main/noritama#${green.number}`, "output", "-o", "out"])).stderr,
  ).toBe("");
  expect(readFileSync(path.join(place, "out", "noritama"), "utf8")).toBe('#!/bin/sh\necho "noritama $1"\n');

  const file = readFileSync(path.join(tree, "wercker.yml"), "utf8");
  writeFileSync(
    path.join(tree, "wercker.yml"),
    `${file}\n    - script:\n        name: leak\n        code: echo "hidden is $HIDDEN"; exit 4\n`,
  );
  const red = await push("with a step that fails");
  const ended = await endOf(client, red.id);
  expect(ended.outcome).toBe("failed");
  const log = await cli(["logs", `main/noritama#${red.number}`]);
  expect(log.stdout).toContain("hidden is ");
  expect(log.stdout).not.toContain("a-value-that-nobody-sees");
  const laptop = path.join(place, "laptop");
  mkdirSync(laptop);
  const replayed = await cli(["replay", `main/noritama#${red.number}`, "--engine", "docker"], laptop);
  expect(replayed.stderr).toContain("HIDDEN");
  expect(replayed.stdout).toContain("1 test passed");
  expect(replayed.stdout).toContain("leak failed");
  expect(replayed.code).toBe(1);
}

if (existsSync(corpus)) {
  test("pushed, run in containers, fetched, and a red one again on the laptop", pushAndReplay, 240_000);
} else {
  test("the corpus is not beside the repository: none of its files is run", () => {
    console.log(`${corpus} is not there: none of its files was run`);
    expect(existsSync(corpus)).toBe(false);
  });
}
