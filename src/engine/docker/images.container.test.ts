// Images: pulled for a run, and what the image steps do with them, against real daemons and a real registry.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { madeBy, testDaemon } from "../../../test/containers/docker-daemon.ts";
import { startPodman } from "../../../test/containers/podman-daemon.ts";
import { startRegistry, type TestRegistry } from "../../../test/containers/registry.ts";
import { testEngine, testRequest } from "../../../test/containers/test-engine.ts";
import { buildTestImages, testImages } from "../../../test/containers/test-images.ts";
import { Cancel } from "../../core/cancel.ts";
import { Secret } from "../../core/secret.ts";
import { BoxUnderTest, tarOf } from "../contract/box-under-test.ts";
import type { ContainerSpec, EngineNews, EngineRequest } from "../engine.ts";
import type { BuildRequest, ImageTools, RunRequest } from "../image-tools.ts";
import { unlessGone } from "./container-calls.ts";
import type { DaemonClient } from "./daemon-client.ts";
import { imagePath } from "./image-calls.ts";

const forever = new AbortController().signal;
let open: TestRegistry;
let closed: TestRegistry;

const daemons = {
  docker: async () => ({ client: await testDaemon(), stop: async () => {} }),
  podman: async () => {
    const podman = await startPodman([open.host, closed.host, "127.0.0.1:1"]);
    return { client: podman.client, stop: async () => podman[Symbol.asyncDispose]() };
  },
};

beforeAll(async () => {
  [open, closed] = await Promise.all([startRegistry({ auth: false }), startRegistry({ auth: true })]);
});

afterAll(async () => {
  await Promise.all([open[Symbol.asyncDispose](), closed[Symbol.asyncDispose]()]);
});

describe.each(Object.entries(daemons))("on %s", (product, daemon) => {
  let client: DaemonClient;
  let stop: () => Promise<void>;
  const made = new Set<string>();

  beforeAll(async () => {
    ({ client, stop } = await daemon());
    await buildTestImages(client);
  });

  afterAll(async () => {
    for (const image of made) {
      await unlessGone(
        client.call({ method: "DELETE", path: `/images/${imagePath(image)}`, query: { force: true } }),
      );
    }
    expect(await madeBy(client)).toEqual([]);
    await stop();
  });

  function name(repository: string, registry = open): string {
    const image = `${registry.host}/${product}/${repository}:1`;
    made.add(image);
    return image;
  }

  function box(image: string, change: Partial<ContainerSpec> = {}): ContainerSpec {
    return { image, shownImage: `shown ${image}`, alias: "", env: [], ports: [], volumes: [], ...change };
  }

  async function remove(image: string): Promise<void> {
    await client.call({ method: "DELETE", path: `/images/${imagePath(image)}`, query: { force: true } });
  }

  interface Workbench extends AsyncDisposable {
    tools: ImageTools;
    box: BoxUnderTest;
    said: string[];
    tell(text: string): void;
  }

  /** A running box and the image tools beside it. */
  async function workbench(change: Partial<EngineRequest> = {}): Promise<Workbench> {
    const started = await testEngine(client).start(testRequest(change));
    if (!started.ok) throw new Error(started.refusal.message);
    const { images } = started.value;
    if (images === undefined) throw new Error("no image tools");
    const under = new BoxUnderTest(started.value);
    await under.greeted();
    const said: string[] = [];
    return {
      tools: images,
      box: under,
      said,
      tell: text => said.push(text),
      [Symbol.asyncDispose]: () => started.value[Symbol.asyncDispose](),
    };
  }

  async function pushed(image: string, registry: TestRegistry): Promise<void> {
    await using bench = await workbench();
    await bench.tools.tag(testImages.sh, image);
    const login = registry === closed ? closed.credentials : undefined;
    const answer = await bench.tools.push(image, login, bench.tell, forever);
    expect(answer).toEqual({ ok: true, value: undefined });
    expect(bench.said.join("")).not.toBe("");
    await bench.tools.remove(image);
    expect(await bench.tools.exists(image)).toBe(false);
  }

  /** Starts and ends a run. Gives the news of it. */
  async function run(change: Partial<EngineRequest>) {
    const news: EngineNews[] = [];
    const request = testRequest({ ...change, report: each => news.push(each) });
    const answer = await testEngine(client).start(request);
    if (answer.ok) await answer.value[Symbol.asyncDispose]();
    expect(await madeBy(client, [request.runId])).toEqual([]);
    const told = news
      .map(each => (each.kind === "output" ? Buffer.from(each.bytes).toString() : ""))
      .join("");
    return {
      answer,
      told,
      streams: new Set(news.flatMap(each => (each.kind === "output" ? [each.stream] : []))),
    };
  }

  test("a missing image is pulled with progress, one that is here is not, `always` asks again", async () => {
    const image = name("pulled");
    await pushed(image, open);
    const first = await run({ box: box(image), pull: "missing" });
    expect(first.answer.ok).toBe(true);
    expect([...first.streams]).toEqual(["engine"]);
    expect(first.told.split("\n").length).toBeLessThan(20);
    const second = await run({ box: box(image), pull: "missing" });
    expect(second).toMatchObject({ answer: { ok: true }, told: "" });
    const third = await run({ box: box(image), pull: "always" });
    expect(third.answer.ok).toBe(true);
    expect(third.told).not.toBe("");
  });

  test("an image that the registry does not have is refused", async () => {
    const { answer } = await run({ box: box(name("never-pushed")), pull: "missing" });
    expect(answer).toMatchObject({
      ok: false,
      refusal: { code: "image-not-found", hint: expect.any(String) },
    });
    if (!answer.ok) expect(answer.refusal.message).toContain("shown ");
  });

  test("of several images that cannot be had, the run is refused once, and nothing is left", async () => {
    const { answer } = await run({
      box: box(name("none-1")),
      services: [box(name("none-2"), { alias: "a" }), box(name("none-3"), { alias: "b" })],
      pull: "missing",
    });
    expect(answer).toMatchObject({ ok: false, refusal: { code: "image-not-found" } });
  });

  test("an image behind a login is refused without one, and had with one", async () => {
    const image = name("secret", closed);
    await pushed(image, closed);
    const none = await run({ box: box(image), pull: "missing" });
    expect(none.answer).toMatchObject({ ok: false, refusal: { code: "image-denied" } });
    const wrong = { ...closed.credentials, password: new Secret("wrong") };
    const bad = await run({ box: box(image, { credentials: wrong }), pull: "missing" });
    expect(bad.answer).toMatchObject({ ok: false, refusal: { code: "image-denied" } });
    if (!bad.answer.ok) expect(bad.answer.refusal.hint).toContain("check username and password");
    const good = await run({ box: box(image, { credentials: closed.credentials }), pull: "missing" });
    expect(good.answer.ok).toBe(true);
    await remove(image);
    const found = await testEngine(client, {
      findLogin: async () => ({ server: closed.host, username: "tester", password: "open-sesame" }),
    }).start(testRequest({ box: box(image), pull: "always" }));
    expect(found.ok).toBe(true);
    if (found.ok) await found.value[Symbol.asyncDispose]();
  });

  test("a registry that does not answer is no fault of the user's, also when the image is here", async () => {
    const image = "127.0.0.1:1/none/app:1";
    await expect(run({ box: box(image), pull: "missing" })).rejects.toMatchObject({
      code: "registry-unreachable",
    });
    await client.call({
      method: "POST",
      path: `/images/${imagePath(testImages.sh)}/tag`,
      query: { repo: "127.0.0.1:1/none/app", tag: "1" },
    });
    made.add(image);
    await expect(run({ box: box(image), pull: "always" })).rejects.toMatchObject({
      code: "registry-unreachable",
    });
    expect((await run({ box: box(image), pull: "missing" })).answer.ok).toBe(true);
  });

  test("a name that is no name is refused", async () => {
    const { answer } = await run({ box: box("127.0.0.1:1/UPPER/app:1"), pull: "missing" });
    expect(answer).toMatchObject({ ok: false, refusal: { code: "image-invalid" } });
  });

  test("a pull that is aborted leaves by its reason", async () => {
    const abort = new AbortController();
    const reason = new Cancel("canceled", "enough");
    const engine = testEngine(client, {
      findLogin: async () => {
        abort.abort(reason);
        return undefined;
      },
    });
    const request = testRequest({ box: box(name("aborted")), pull: "always", signal: abort.signal });
    await expect(engine.start(request)).rejects.toBe(reason);
    expect(await madeBy(client, [request.runId])).toEqual([]);
  });

  test("a commit has the box's files and variables, and nothing of ours", async () => {
    await using bench = await workbench({
      box: { ...box(testImages.entrypoint), env: [{ name: "A", value: "1" }] },
    });
    await bench.box.run("echo made >/made; exit 0\n");
    const image = name("committed");
    await bench.tools.commit(image, { labels: { mine: "yes" }, ports: ["80"], message: "why" }, forever);
    const { Config } = await client.call<{
      Config: {
        Cmd: string[];
        Entrypoint: string[];
        Env: string[];
        Labels: Record<string, string>;
        ExposedPorts: object;
      };
    }>({ method: "GET", path: `/images/${imagePath(image)}/json` });
    expect(Config.Entrypoint).toEqual(["/entry"]);
    expect(Config.Cmd.join(" ")).not.toContain("slipway");
    expect(Config.Env).toContain("A=1");
    expect(Config.Labels).toMatchObject({ mine: "yes" });
    expect(Object.keys(Config.ExposedPorts)).toEqual(["80/tcp"]);
    for (const [label, value] of Object.entries(Config.Labels)) {
      if (label.startsWith("dev.slipway.")) expect(value, label).toBe("");
    }
    await using again = await workbench({ box: box(image) });
    expect((await again.box.run("cat /made; exit 0\n")).stdout).toBe("made\n");
  });

  test("a commit says what the file says", async () => {
    await using bench = await workbench();
    const image = name("configured");
    const config = {
      cmd: ["serve"],
      entrypoint: ["/bin/app"],
      env: ["B=2"],
      workingDir: "/srv",
      user: "1000",
      volumes: ["/data"],
      stopSignal: "SIGINT",
      author: "someone",
    };
    await bench.tools.commit(image, config, forever);
    const inspected = await client.call<{ Config: Record<string, unknown>; Author: string }>({
      method: "GET",
      path: `/images/${imagePath(image)}/json`,
    });
    expect(inspected.Author).toBe("someone");
    expect(inspected.Config).toMatchObject({
      Cmd: ["serve"],
      Entrypoint: ["/bin/app"],
      WorkingDir: "/srv",
      User: "1000",
      Volumes: { "/data": {} },
      StopSignal: expect.stringMatching(/^(SIGINT|2)$/),
    });
  });

  test("a push without the right is refused", async () => {
    await using bench = await workbench();
    const image = name("refused", closed);
    await bench.tools.tag(testImages.sh, image);
    const answer = await bench.tools.push(image, undefined, bench.tell, forever);
    expect(answer).toMatchObject({ ok: false, refusal: { code: "image-denied" } });
  });

  test("a push to where nobody listens is broken", async () => {
    await using bench = await workbench();
    const image = "127.0.0.1:1/none/pushed:1";
    made.add(image);
    await bench.tools.tag(testImages.sh, image);
    const pushing = bench.tools.push(image, undefined, bench.tell, forever);
    await expect(pushing).rejects.toMatchObject({ code: "registry-unreachable" });
  });

  test("what is saved can be loaded, and what is no image is refused", async () => {
    await using bench = await workbench();
    const image = name("saved");
    await bench.tools.tag(testImages.sh, image);
    const chunks: Uint8Array[] = [];
    for await (const chunk of await bench.tools.save(image, forever)) chunks.push(chunk);
    await bench.tools.remove(image);
    const archive = async function* () {
      yield* chunks;
    };
    expect(await bench.tools.load(archive(), bench.tell, forever)).toMatchObject({ ok: true });
    expect(await bench.tools.exists(image)).toBe(true);
    const wrong = await bench.tools.load(tarOf([{ name: "x", content: "no image" }]), bench.tell, forever);
    expect(wrong).toMatchObject({ ok: false, refusal: { code: "image-not-loaded" } });
  });

  function build(tag: string, dockerfile: string, change: Partial<BuildRequest> = {}): BuildRequest {
    return {
      tag,
      context: tarOf([
        { name: "Dockerfile", content: dockerfile },
        { name: "file", content: "in context" },
      ]),
      dockerfile: "Dockerfile",
      buildArgs: {},
      labels: {},
      extraHosts: [],
      quiet: false,
      noCache: true,
      squash: false,
      pull: false,
      keepIntermediate: false,
      credentials: [],
      ...change,
    };
  }

  test("an image is built from a context, with arguments and labels", async () => {
    await using bench = await workbench();
    const image = name("built");
    const dockerfile = `FROM ${testImages.sh}\nARG WORD\nCOPY file /file\nENV WORD=$WORD\nLABEL a=b\n`;
    const request = build(image, dockerfile, { buildArgs: { WORD: "said" }, labels: { c: "d" } });
    expect(await bench.tools.build(request, bench.tell, forever)).toMatchObject({ ok: true });
    expect(bench.said.join("")).toMatch(/COPY file/);
    const { Config } = await client.call<{ Config: { Env: string[]; Labels: object } }>({
      method: "GET",
      path: `/images/${imagePath(image)}/json`,
    });
    expect(Config.Env).toContain("WORD=said");
    expect(Config.Labels).toMatchObject({ a: "b", c: "d" });
  });

  test("a build runs commands on the run's network, with the hosts it is given", async () => {
    await using bench = await workbench();
    expect(await bench.tools.run(beside(), bench.tell, forever)).toMatchObject({ ok: true });
    const lines = [
      `FROM ${testImages.sh}`,
      "RUN grep -q '10.9.8.7.*one' /etc/hosts && grep -q '10.9.8.6.*two' /etc/hosts",
      // Podman's builds do not ask the network's name server.
      product === "podman"
        ? "RUN echo hello"
        : "RUN for i in 1 2 3 4 5 6 7 8 9; do wget -qO /got http://web:8080/ && break; sleep 0.2; done; cat /got",
    ];
    const request = build(name("ran"), `${lines.join("\n")}\n`, {
      extraHosts: ["one:10.9.8.7", "two:10.9.8.6"],
    });
    expect(await bench.tools.build(request, bench.tell, forever)).toEqual({ ok: true, value: undefined });
    expect(bench.said.join("")).toContain("hello");
  });

  test("a build that fails is the user's, with what it said", async () => {
    await using bench = await workbench();
    const request = build(name("failing"), `FROM ${testImages.sh}\nCOPY nowhere /x\n`);
    const answer = await bench.tools.build(request, bench.tell, forever);
    expect(answer).toMatchObject({ ok: false, refusal: { code: "build-failed" } });
  });

  test("a build takes its base image with the login it is given", async () => {
    const base = name("base", closed);
    await pushed(base, closed);
    await using bench = await workbench();
    const image = name("on-base");
    const denied = await bench.tools.build(build(image, `FROM ${base}\n`), bench.tell, forever);
    expect(denied.ok).toBe(false);
    const request = build(image, `FROM ${base}\n`, { credentials: [closed.credentials], pull: true });
    expect(await bench.tools.build(request, bench.tell, forever)).toMatchObject({ ok: true });
  });

  function beside(change: Partial<RunRequest> = {}): RunRequest {
    return { image: testImages.service, name: "web", env: [], ports: [], ...change };
  }

  test("a container beside the box is reached by its name, ends by kill, and else with the workspace", async () => {
    await using bench = await workbench();
    expect(await bench.tools.run(beside(), bench.tell, forever)).toMatchObject({ ok: true });
    const read = "until wget -qO- http://web:8080/ 2>/dev/null; do sleep 0.1; done; exit 0\n";
    expect((await bench.box.run(read)).stdout).toBe("hello\n");
    const twice = await bench.tools.run(beside(), bench.tell, forever);
    expect(twice).toMatchObject({ ok: false, refusal: { code: "name-taken" } });
    expect(await bench.tools.kill("web")).toMatchObject({ ok: true });
    expect(await bench.tools.kill("web")).toMatchObject({
      ok: false,
      refusal: { code: "no-such-container" },
    });
    expect(await bench.tools.run(beside({ name: "stays" }), bench.tell, forever)).toMatchObject({ ok: true });
  });

  test("a container beside the box that cannot run is refused, and its name is free again", async () => {
    await using bench = await workbench();
    const wrong = await bench.tools.run(beside({ cmd: ["/not/there"] }), bench.tell, forever);
    expect(wrong).toMatchObject({ ok: false, refusal: { code: "service-not-started" } });
    expect(await bench.tools.run(beside(), bench.tell, forever)).toMatchObject({ ok: true });
    const port = await bench.tools.run(beside({ name: "b", ports: ["x:y"] }), bench.tell, forever);
    expect(port).toMatchObject({ ok: false, refusal: { code: "bad-port" } });
    const missing = await bench.tools.run(beside({ name: "c", image: name("no") }), bench.tell, forever);
    expect(missing).toMatchObject({ ok: false, refusal: { code: "image-not-found" } });
  });
});
