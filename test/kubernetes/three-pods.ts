// The whole thread: a push to a git repository becomes a run whose three pipelines go through three Pods, with a cache, a
// service, an artifact and a secret. Against whatever cluster the kubeconfig names.

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
import { createClient } from "../../src/client/client.ts";
import { startGitServer } from "../../src/git/fixtures/git-server.ts";
import { slipway } from "../server/cli-process.ts";
import { endOf, logOf, type Run } from "../server/projects.ts";
import { eventually, type ServerProcess, startServerProcess } from "../server/server-process.ts";
import { root } from "../sources.ts";

export interface ThreadPlace {
  /** Text of a kubeconfig. */
  kubeconfig: string;
  namespaces: { baseline: string; restricted: string };
  /** Slipway's image, there already. */
  runnerImage: string;
  /** An image with busybox, there already. */
  boxImage: string;
  /** Address of this machine as Pods see it. */
  hostAddress: string;
}

export interface Thread extends AsyncDisposable {
  server: ServerProcess;
  /** Commits the file, pushes it, and answers the run when it has ended. */
  push(file: string, message: string): Promise<Run>;
  /** The log of a pipeline's job. */
  log(run: Run, pipeline: string): Promise<string>;
  cli(...args: string[]): ReturnType<typeof slipway>;
  /** A directory for what is fetched. */
  place: string;
}

const project = "main/three";
export const secretValue = "a-value-that-nobody-sees";

export function threePipelines(box: string): string {
  return `box: ${box}
build:
  cache: [seen]
  artifacts:
    - name: page
      paths: [out/*.html]
  steps:
    - script:
        name: make
        code: |
          mkdir -p seen out
          echo one more >> seen/builds
          echo "the cache has seen $(wc -l < seen/builds) builds"
          echo "hidden is $HIDDEN"
          echo "<h1>page</h1>" > out/index.html
          cp -r out "$WERCKER_OUTPUT_DIR/"
test:
  services:
    - id: ${box}
      name: web
      cmd: httpd -f -p 8000 -h /etc
      ready: 8000
  reports: [reports/*.xml]
  steps:
    - script:
        name: ask
        code: |
          grep page out/index.html
          wget -q -O - http://web:8000/passwd | grep root
          mkdir reports
          echo '<testsuite name="page"><testcase name="heading"/></testsuite>' > reports/page.xml
          cp -r out "$WERCKER_OUTPUT_DIR/"
deploy:
  steps:
    - script:
        name: put in place
        code: echo "deployed $(cat out/index.html) with DEPLOY=$DEPLOY"
workflows:
  - name: all
    pipelines:
      - name: build
      - name: test
        requires: [build]
      - name: deploy
        requires: [test]
`;
}

export async function startThread(at: ThreadPlace): Promise<Thread> {
  await using stack = new AsyncDisposableStack();
  const place = mkdtempSync(path.join(os.tmpdir(), "slipway-three-"));
  stack.defer(() => rmSync(place, { recursive: true, force: true }));
  const kubeconfig = path.join(place, "kubeconfig");
  writeFileSync(kubeconfig, at.kubeconfig, { mode: 0o600 });
  const repositories = stack.use(
    await startGitServer({ root: path.join(place, "repositories"), host: at.hostAddress }),
  );
  const server = stack.use(
    await startServerProcess({
      runnerHost: at.hostAddress,
      flags: [
        ...["--launcher", "kubernetes", "--kubeconfig", kubeconfig],
        ...["--jobs-namespace", at.namespaces.baseline],
        ...["--restricted-namespace", at.namespaces.restricted],
        ...["--runner-image", at.runnerImage, "--runner-pull-policy", "Never", "--pull", "never"],
      ],
    }),
  );
  const { url, token } = server;
  const cli = (...args: string[]) => slipway(args, { cwd: place, url, token });
  const bare = path.join(place, "repositories", "three.git");
  mkdirSync(bare, { recursive: true });
  git(bare, "init", "--bare", "--initial-branch=main", ".");
  const tree = path.join(place, "tree");
  git(place, "clone", "--quiet", bare, tree);
  const made = await cli(
    "projects",
    "create",
    project,
    "--repository",
    `${repositories.url}/three.git`,
    "--json",
  );
  if (made.code !== 0) throw new Error(made.stderr);
  const hidden = ["secrets", "set", "HIDDEN", "--project", project];
  await slipway(hidden, { cwd: place, url, token, input: secretValue });
  const { webhookSecret, webhookUrl } = JSON.parse(made.stdout) as Record<
    "webhookSecret" | "webhookUrl",
    string
  >;
  writeFileSync(path.join(place, "secret"), webhookSecret, { mode: 0o600 });
  copyFileSync(path.join(root, "deploy", "hooks", "post-receive"), path.join(bare, "hooks", "post-receive"));
  chmodSync(path.join(bare, "hooks", "post-receive"), 0o755);
  git(bare, "config", "slipway.url", webhookUrl);
  git(bare, "config", "slipway.secretFile", path.join(place, "secret"));
  const client = createClient({ url, token });
  const all = stack.move();
  return {
    ...{ server, place, cli },
    async push(file, message) {
      writeFileSync(path.join(tree, "slipway.yml"), file);
      git(tree, "add", "--all");
      git(tree, "commit", "--quiet", "--allow-empty", "-m", message);
      git(tree, "push", "--quiet", "origin", "HEAD:main");
      const commit = git(tree, "rev-parse", "HEAD");
      const params = { organisation: "main", project: "three" };
      const run = await eventually(
        async () => (await client.listRuns({ params, query: { commit } })).items[0],
        `the run of ${commit}`,
      );
      return endOf(client, run.id, 120_000);
    },
    log(run, pipeline) {
      const job = run.jobs.find(({ name }) => name === pipeline);
      if (job === undefined) throw new Error(`no job ${pipeline}`);
      return logOf(client, job);
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

/** What an artifact's file holds. */
export async function artifactOf(thread: Thread, run: Run, artifact: string, file: string): Promise<string> {
  const got = await thread.cli("artifacts", "get", `${project}#${run.number}`, artifact, "-o", artifact);
  if (got.code !== 0) throw new Error(got.stderr);
  return readFileSync(path.join(thread.place, artifact, file), "utf8");
}

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
