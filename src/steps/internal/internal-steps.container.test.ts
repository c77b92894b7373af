// The internal steps on a real daemon, with a real registry to push to.

import { gunzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { madeBy, testDaemon } from "../../../test/containers/docker-daemon.ts";
import { startRegistry, type TestRegistry } from "../../../test/containers/registry.ts";
import { testEngine, testRequest } from "../../../test/containers/test-engine.ts";
import { buildTestImages, testImages } from "../../../test/containers/test-images.ts";
import type { DaemonClient } from "../../engine/docker/daemon-client.ts";
import { imagePath } from "../../engine/docker/image-calls.ts";
import type { Workspace } from "../../engine/engine.ts";
import { packEntries } from "../../lib/tar/pack-entries.ts";
import { readArchive } from "../../lib/tar/read-archive.ts";
import { bytesOf, contextUnderTest, type Given, type UnderTest } from "./fixtures/context-under-test.ts";
import { internalStep } from "./internal-step.ts";

let client: DaemonClient;
let registry: TestRegistry;
let locked: TestRegistry;
let workspace: Workspace;
let runId: string;
const made = new Set<string>();
const signal = new AbortController().signal;

beforeAll(async () => {
  client = await testDaemon();
  await buildTestImages(client);
  registry = await startRegistry({ auth: false });
  locked = await startRegistry({ auth: true });
});
afterAll(async () => {
  await registry[Symbol.asyncDispose]();
  await locked[Symbol.asyncDispose]();
});

beforeEach(async () => {
  const request = testRequest();
  runId = request.runId;
  const started = await testEngine(client).start({
    ...request,
    box: { ...request.box, env: [{ name: "BOXED", value: "yes" }] },
  });
  if (!started.ok) throw new Error(started.refusal.message);
  workspace = started.value;
  await lay({
    "pipeline/source/Dockerfile": `FROM ${testImages.sh}\nARG WHO\nCOPY a /a\nRUN echo "built for $WHO" > /b\n`,
    "pipeline/source/a": "from the box\n",
    "pipeline/output/bin/tool": "a tool\n",
  });
});
afterEach(async () => {
  await workspace[Symbol.asyncDispose]();
  for (const image of made)
    await client.call({ method: "DELETE", path: `/images/${imagePath(image)}` }).catch(() => {});
  made.clear();
  expect(await madeBy(client, [runId])).toEqual([]);
});

async function lay(files: Record<string, string>): Promise<void> {
  const directories = ["pipeline", "pipeline/source", "pipeline/output", "pipeline/output/bin"];
  const entries = [
    ...directories.map(path => ({ kind: "directory", path }) as const),
    ...Object.entries(files).map(
      ([path, content]) => ({ kind: "file", path, content, mode: 0o755 }) as const,
    ),
  ];
  const put = await workspace.box.put(
    packEntries(entries, { owner: { uid: 0, gid: 0 }, mtime: 0 }),
    "/",
    signal,
  );
  if (!put.ok) throw new Error(put.refusal.message);
}

async function run(action: string, given: Given) {
  const under: UnderTest = contextUnderTest(given);
  const step = await internalStep(action);
  const { box, images, paths } = workspace;
  const answer = await step!.run({ ...under.context, box, images, paths, runId });
  return { ...under, answer };
}

interface Pushed {
  config: { config: Record<string, unknown>; rootfs: { diff_ids: string[] } };
  layers: string[];
}

/** What the registry has under the name, as anyone would fetch it. */
async function pushed(from: TestRegistry, name: string, tag: string): Promise<Pushed> {
  const { username, password } = from.credentials;
  const authorization = `Basic ${Buffer.from(`${username}:${password.reveal()}`).toString("base64")}`;
  const get = async (path: string) => {
    const headers = { authorization, accept: "application/vnd.docker.distribution.manifest.v2+json" };
    const response = await fetch(`http://${from.host}/v2/${name}/${path}`, { headers });
    if (!response.ok) throw new Error(`${path}: ${response.status}`);
    return Buffer.from(await response.arrayBuffer());
  };
  const manifest = JSON.parse((await get(`manifests/${tag}`)).toString());
  const config = JSON.parse((await get(`blobs/${manifest.config.digest}`)).toString());
  const layers: string[] = [];
  for (const layer of manifest.layers)
    layers.push(...(await pathsOf(gunzipSync(await get(`blobs/${layer.digest}`)))));
  return { config, layers };
}

async function pathsOf(archive: Uint8Array): Promise<string[]> {
  const stream = (async function* () {
    yield archive;
  })();
  const paths: string[] = [];
  for await (const entry of readArchive(stream)) if (entry.kind === "file") paths.push(entry.path);
  return paths;
}

describe("docker-push", () => {
  test("pushes the box as it is, under every tag, and removes the tags where that is wanted", async () => {
    const repository = `${registry.host}/push/box`;
    const { answer, said } = await run("docker-push", {
      options: {
        repository,
        tag: "one two",
        cmd: "serve --port 80",
        ports: "80",
        labels: "a=b",
        "working-dir": "/srv",
      },
      settings: { cleanupImages: true },
    });
    expect(answer).toMatchObject({ outcome: "passed" });
    for (const tag of ["one", "two"]) {
      expect(said.stdout).toContain(`\nPushed ${repository}:${tag}\n`);
      const { config, layers } = await pushed(registry, "push/box", tag);
      expect(config.config).toMatchObject({
        Cmd: ["serve", "--port", "80"],
        ExposedPorts: { "80/tcp": {} },
        WorkingDir: "/srv",
        Labels: { a: "b" },
      });
      expect(config.config.Env).toContain("BOXED=yes");
      expect(JSON.stringify(config.config)).not.toContain("slipway-box");
      expect(layers).toContain("pipeline/source/a");
      expect(await workspace.images!.exists(`${repository}:${tag}`)).toBe(false);
    }
  });

  test("an entrypoint alone drops the box's command", async () => {
    const repository = `${registry.host}/push/entry`;
    await run("docker-push", {
      options: { repository, entrypoint: "/entry" },
      settings: { cleanupImages: true },
    });
    const { config } = await pushed(registry, "push/entry", "latest");
    expect(config.config.Entrypoint).toEqual(["/entry"]);
    expect(config.config.Cmd ?? []).toEqual([]);
  });

  test("needs the credentials of a registry that asks for them", async () => {
    const repository = `${locked.host}/push/box`;
    made.add(`${repository}:latest`);
    const without = await run("docker-push", { options: { repository } });
    expect(without.answer.outcome).toBe("failed");
    expect(without.answer.message).toMatch(/refuses|credentials|denied|basic auth/i);
    const { username, password } = locked.credentials;
    const wrong = await run("docker-push", { options: { repository, username, password: "wrong" } });
    expect(wrong.answer.outcome).toBe("failed");
    const right = await run("docker-push", {
      options: {
        repository: "push/box",
        registry: `http://${locked.host}/v2`,
        username: "$U",
        password: "$P",
      },
      environment: { U: username, P: password.reveal() },
    });
    expect(right.answer).toMatchObject({ outcome: "passed" });
    expect(right.said.hidden).toContain(password.reveal());
    expect((await pushed(locked, "push/box", "latest")).layers).toContain("pipeline/source/a");
  });

  test("a registry that is away breaks the run, and does not fail it", async () => {
    const repository = "127.0.0.1:1/push/box";
    made.add(`${repository}:latest`);
    await expect(run("docker-push", { options: { repository } })).rejects.toMatchObject({
      code: "registry-unreachable",
    });
  });
});

test("docker-scratch-push pushes the output and nothing else", async () => {
  const repository = `${registry.host}/scratch/tool`;
  const { answer } = await run("docker-scratch-push", {
    options: { repository, cmd: "/bin/tool", env: "A=b" },
    settings: { cleanupImages: true },
  });
  expect(answer).toMatchObject({ outcome: "passed" });
  const { config, layers } = await pushed(registry, "scratch/tool", "latest");
  expect(config.config).toMatchObject({ Cmd: ["/bin/tool"], Env: ["A=b"] });
  expect(layers).toEqual(["bin/tool"]);
});

describe("docker-build, docker-run and docker-kill", () => {
  test("an image is built of the box's source, pushed, run beside the box and ended", async () => {
    const settings = { pull: "never" } as const;
    made.add(`${runId}web`);
    const build = await run("docker-build", {
      settings,
      options: { "image-name": "web", "build-args": "WHO=me" },
    });
    expect(build.answer).toMatchObject({ outcome: "passed" });
    expect(build.said.progress).toContain("COPY a /a");

    const repository = `${registry.host}/build/web`;
    const push = await run("docker-push", {
      options: { repository, "image-name": "web" },
      settings: { cleanupImages: true },
    });
    expect(push.answer).toMatchObject({ outcome: "passed" });
    expect((await pushed(registry, "build/web", "latest")).layers).toEqual(
      expect.arrayContaining(["a", "b"]),
    );

    const options = { image: "web", name: "web", cmd: "httpd -f -p 8080 -h /", env: "A=b" };
    const started = await run("docker-run", { settings, options });
    expect(started.answer).toMatchObject({ outcome: "passed" });
    const again = await run("docker-run", { settings, options });
    expect(again.answer).toMatchObject({ outcome: "failed" });
    const container = await client.call<{
      State: { Running: boolean };
      Config: { Env: string[] };
      NetworkSettings: { Networks: Record<string, { Aliases: string[] }> };
    }>({ method: "GET", path: `/containers/${runId}web/json` });
    expect(container.State.Running).toBe(true);
    expect(container.Config.Env).toContain("A=b");
    expect(Object.values(container.NetworkSettings.Networks)[0]!.Aliases).toContain("web");

    expect((await run("docker-kill", { options: { name: "web" } })).answer).toMatchObject({
      outcome: "passed",
    });
    expect(await madeBy(client, [runId])).not.toContain(expect.stringContaining(`${runId}web`));
    expect((await run("docker-kill", { options: { name: "web" } })).answer).toMatchObject({
      outcome: "failed",
    });
  });

  test("a build that fails says why", async () => {
    await lay({ "pipeline/source/Dockerfile": `FROM ${testImages.sh}\nRUN echo so it goes; exit 7\n` });
    const settings = { pull: "never" } as const;
    const { answer, said } = await run("docker-build", { settings, options: { "image-name": "bad" } });
    expect(answer.outcome).toBe("failed");
    expect(answer.message).toContain("7");
    expect(said.progress).toContain("so it goes");
  });

  test("an image that does not exist fails docker-run", async () => {
    const options = { image: `${registry.host}/no/such`, name: "x" };
    const { answer } = await run("docker-run", { options });
    expect(answer.outcome).toBe("failed");
    expect(answer.message).toContain("/no/such");
  });
});

test("store-container keeps an image that the daemon loads again", async () => {
  const { answer, stored } = await run("store-container", {});
  expect(answer).toMatchObject({ outcome: "passed" });
  const name = `run-${runId}:latest`;
  expect(await workspace.images!.exists(name)).toBe(false);
  const archive = (async function* () {
    yield stored.get("container")!;
  })();
  for await (const entry of readArchive(archive)) {
    if (!entry.path.endsWith(".tar.gz")) continue;
    const image = await bytesOf(entry.content);
    const loaded = await workspace.images!.load(
      (async function* () {
        yield image;
      })(),
      () => {},
      signal,
    );
    expect(loaded.ok).toBe(true);
  }
  made.add(name);
  expect(await workspace.images!.exists(name)).toBe(true);
});
