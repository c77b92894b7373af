// How boxes and services start, and how they are refused: the same on Docker and on Podman.

import { createServer } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { madeBy, testDaemon } from "../../../test/containers/docker-daemon.ts";
import { startPodman } from "../../../test/containers/podman-daemon.ts";
import { testEngine, testRequest } from "../../../test/containers/test-engine.ts";
import { buildTestImages, testImages } from "../../../test/containers/test-images.ts";
import type { Refusal } from "../../core/failure.ts";
import { BoxUnderTest, tarOf } from "../contract/box-under-test.ts";
import type { ContainerSpec, EngineRequest } from "../engine.ts";
import type { DaemonClient } from "./daemon-client.ts";

const forever = new AbortController().signal;

function container(image: string, change: Partial<ContainerSpec> = {}): ContainerSpec {
  return { image, shownImage: image, alias: "", env: [], ports: [], volumes: [], ...change };
}

const daemons = {
  docker: async () => ({ client: await testDaemon(), stop: async () => {} }),
  podman: async () => {
    const podman = await startPodman();
    return { client: podman.client, stop: async () => podman[Symbol.asyncDispose]() };
  },
};

describe.each(Object.entries(daemons))("on %s", (product, daemon) => {
  let client: DaemonClient;
  let stop: () => Promise<void>;

  beforeAll(async () => {
    ({ client, stop } = await daemon());
    await buildTestImages(client);
  });

  afterAll(async () => {
    expect(await madeBy(client)).toEqual([]);
    await stop();
  });

  async function started(change: Partial<EngineRequest>): Promise<BoxUnderTest & AsyncDisposable> {
    const answer = await testEngine(client).start(testRequest(change));
    if (!answer.ok) throw new Error(`${answer.refusal.code}: ${answer.refusal.message}`);
    return Object.assign(new BoxUnderTest(answer.value), {
      [Symbol.asyncDispose]: () => answer.value[Symbol.asyncDispose](),
    });
  }

  /** The refusal of a start, after which nothing is left. */
  async function refused(change: Partial<EngineRequest>): Promise<Refusal> {
    const request = testRequest(change);
    const answer = await testEngine(client).start(request);
    if (answer.ok) {
      await answer.value[Symbol.asyncDispose]();
      throw new Error("the start was not refused");
    }
    expect(await madeBy(client, [request.runId])).toEqual([]);
    expect(answer.refusal.hint).toBeDefined();
    return answer.refusal;
  }

  /** Runs a script in a box, and gives what it prints. */
  async function printed(change: Partial<EngineRequest>, script: string): Promise<string> {
    await using box = await started(change);
    await box.greeted();
    return (await box.run(`${script}\nexit 0\n`)).stdout;
  }

  function greeting(box: BoxUnderTest): string {
    return box.listener.text("stdout").split("\n")[0] ?? "";
  }

  test("the image's entrypoint is kept", async () => {
    expect(await printed({ box: container(testImages.entrypoint) }, "echo $ENTERED")).toBe("yes\n");
  });

  test("the file's entrypoint takes the place of the image's", async () => {
    const box = container(testImages.entrypoint, { entrypoint: ["/usr/bin/env", "ENTERED=otherwise"] });
    expect(await printed({ box }, "echo $ENTERED")).toBe("otherwise\n");
  });

  test("an entrypoint that swallows the supervisor leaves a box that never greets, and goes all the same", async () => {
    const request = testRequest({ box: container(testImages.swallow) });
    const answer = await testEngine(client).start(request);
    if (!answer.ok) throw new Error(answer.refusal.message);
    await answer.value[Symbol.asyncDispose]();
    expect(await madeBy(client, [request.runId])).toEqual([]);
  });

  test("a box without a shell is refused", async () => {
    const refusal = await refused({ box: container(testImages.noShell) });
    expect(refusal.code).toBe("box-without-shell");
    expect(refusal.message).toContain(testImages.noShell);
  });

  test("a box that is alone gets no network of its own, and reaches out as any container does", async () => {
    const request = testRequest({ alone: true });
    const answer = await testEngine(client).start(request);
    if (!answer.ok) throw new Error(answer.refusal.message);
    await using workspace = answer.value;
    expect((await madeBy(client, [request.runId])).map(made => made.split(" ")[0])).toEqual(["container"]);
    const box = new BoxUnderTest(workspace);
    await box.greeted();
    expect((await box.run("cut -d: -f1 /proc/net/dev\nexit 0\n")).stdout).toMatch(/eth0|tap0/);
  });

  test("bash is the session shell where there is one", async () => {
    await using box = await started({ box: container(testImages.bash) });
    await box.greeted();
    expect(greeting(box)).toMatch(/ ready 0 0 \/bin\/bash$/);
    expect((await box.run("echo $BASH_VERSION; exit 0\n")).stdout).toMatch(/^\d/);
  });

  test("the box's cmd is the session shell", async () => {
    await using box = await started({ box: container(testImages.bash, { cmd: ["/bin/sh", "-u"] }) });
    await box.greeted();
    expect(greeting(box)).toMatch(/ ready 0 0 \/bin\/sh$/);
    expect((await box.run('echo "$-"; exit 0\n')).stdout).toContain("u");
  });

  test("a user other than root keeps his rights, takes files and signals", async () => {
    await using box = await started({ box: container(testImages.nonroot) });
    await box.greeted();
    expect(greeting(box)).toMatch(/ ready 1000 \d+ /);
    await box.write("mine", [
      { name: "file", content: "text", uid: 1000, gid: 1000, mode: 0o600 },
      { name: "theirs", content: "secret", mode: 0o600 },
    ]);
    const run = await box.run("cat /pipeline/mine/file; cat /pipeline/mine/theirs || echo no; exit 0\n");
    expect(run.stdout).toBe("textno\n");
    const end = await box.begin("echo ready; sleep 1000\n");
    await box.listener.until(stdout => stdout.includes("ready\n"));
    await box.box.signalAll("TERM");
    expect((await end()).status).toBe(143);
  });

  test("a read-only root is told where a file would go", async () => {
    await using box = await started({ readOnlyRoot: true });
    await box.greeted();
    const put = await box.box.put(tarOf([{ name: "pipeline/", type: "directory" }]), "/", forever);
    expect(put).toMatchObject({ ok: false, refusal: { code: "read-only-root", hint: expect.any(String) } });
  });

  test("a directory that is not there takes nothing", async () => {
    await using box = await started({});
    await box.greeted();
    const put = await box.box.put(tarOf([{ name: "file", content: "x" }]), "/not/there", forever);
    // Podman makes the directory; nothing is lost either way.
    if (product === "podman") expect(put.ok).toBe(true);
    else expect(put).toMatchObject({ ok: false, refusal: { code: "no-such-directory" } });
  });

  test("no space left is the disk's no, with what to do", async () => {
    const name = `slipway-test-small-${product}-${process.pid}`;
    const options = { type: "tmpfs", device: "tmpfs", o: "nr_blocks=256" };
    await client.call({
      method: "POST",
      path: "/volumes/create",
      json: { Name: name, Driver: "local", DriverOpts: options },
    });
    try {
      await using box = await started({
        enableVolumes: true,
        box: container(testImages.sh, { volumes: [{ host: name, guest: "/small" }] }),
      });
      await box.greeted();
      const big = tarOf([{ name: "big", content: Buffer.alloc(8 * 1_048_576) }]);
      const put = await box.box.put(big, "/small", forever);
      expect(put).toMatchObject({
        ok: false,
        refusal: { code: "no-space", hint: expect.stringContaining("room") },
      });
      expect((await box.run("echo still here; exit 0\n")).stdout).toBe("still here\n");
    } finally {
      await client.call({ method: "DELETE", path: `/volumes/${name}` });
    }
  });

  test("a port that is in use is refused, and published only when asked", async () => {
    const server = createServer().listen(0, "0.0.0.0");
    try {
      await new Promise(resolve => server.once("listening", resolve));
      const { port } = server.address() as { port: number };
      const box = container(testImages.sh, {
        ports: [{ containerPort: 80, hostPort: port, protocol: "tcp" }],
      });
      expect((await refused({ box, exposePorts: true })).code).toBe("port-taken");
      expect(await printed({ box }, "echo started")).toBe("started\n");
    } finally {
      await new Promise(resolve => server.close(resolve));
    }
  });

  test("a network that is not there is refused by name", async () => {
    const refusal = await refused({ network: "slipway-test-nowhere" });
    expect(refusal.code).toBe("network-not-found");
    expect(refusal.message).toContain("slipway-test-nowhere");
  });

  test("a network that is there is used, and left", async () => {
    const name = `slipway-test-${product}-${process.pid}`;
    await client.call({ method: "POST", path: "/networks/create", json: { Name: name, Driver: "bridge" } });
    try {
      await using box = await started({ network: name, services: [serving()] });
      await box.greeted();
      expect((await box.run("wget -qO- http://web:8080/; exit 0\n")).stdout).toBe("hello\n");
      await box[Symbol.asyncDispose]();
      await client.call({ method: "GET", path: `/networks/${name}` });
    } finally {
      await client.call({ method: "DELETE", path: `/networks/${name}` });
    }
  });

  function serving(change: Partial<ContainerSpec> = {}): ContainerSpec {
    return container(testImages.service, {
      alias: "web",
      ready: { port: 8080, timeoutMs: 20_000 },
      ...change,
    });
  }

  test("the ports and variables of a service's image are linked, those it was handed are not", async () => {
    const first = serving({ env: [{ name: "OWN", value: "1" }] });
    const second = serving({ alias: "second-web" });
    const variables = await printed({ services: [first, second] }, "env | grep WEB | sort");
    expect(variables).toContain("WEB_ENV_GREETING=hello\n");
    expect(variables).toContain("WEB_ENV_OWN=1\n");
    expect(variables).toMatch(/^WEB_PORT=tcp:\/\/[\d.]+:8080$/m);
    expect(variables).toMatch(/^SECOND_WEB_PORT_8080_TCP_ADDR=[\d.]+$/m);
    expect(variables).not.toContain("SECOND_WEB_ENV_WEB_");
  });

  test("a later service reaches an earlier one, which is ready by then", async () => {
    const second = container(testImages.sh, {
      alias: "client",
      cmd: ["/bin/sh", "-c", "wget -qO- http://web:8080/ >/got; sleep 1000"],
      ready: { command: "grep -q hello /got", timeoutMs: 20_000 },
    });
    expect(await printed({ services: [serving(), second] }, "echo up")).toBe("up\n");
  });

  test("a service that ends before it is ready is refused with its last lines", async () => {
    const service = serving({ cmd: ["/bin/sh", "-c", "echo cannot bind; exit 3"] });
    const refusal = await refused({ services: [service] });
    expect(refusal.code).toBe("service-not-ready");
    expect(refusal.message).toMatch(/service web .* ended with exit code 3 .*\n?cannot bind/s);
  });

  test("a service whose command never succeeds is refused", async () => {
    const service = serving({ ready: { command: "false", timeoutMs: 300 } });
    const refusal = await refused({ services: [service] });
    expect(refusal).toMatchObject({ code: "service-not-ready" });
    expect(refusal.message).toContain("was not ready (false) within 0.3 s");
  });

  test("a service that cannot run its command is refused by name", async () => {
    const refusal = await refused({ services: [serving({ cmd: ["/not/there"] })] });
    expect(refusal.code).toBe("service-not-started");
    expect(refusal.message).toContain("service web");
  });

  test("a service without a shell is probed from the box", async () => {
    // Nothing listens in it: what counts is that the box is asked, and says no.
    const service = container(testImages.noShell, { alias: "bare", ready: { port: 99, timeoutMs: 400 } });
    const request = testRequest({ services: [service] });
    const answer = await testEngine(client, { sharesNetwork: false }).start(request);
    if (answer.ok) await answer.value[Symbol.asyncDispose]();
    expect(answer).toMatchObject({ ok: false, refusal: { code: "service-not-ready" } });
    expect(await madeBy(client, [request.runId])).toEqual([]);
  });

  test("without a shared network a port is seen from inside the service", async () => {
    const request = testRequest({ services: [serving()] });
    const answer = await testEngine(client, { sharesNetwork: false }).start(request);
    if (!answer.ok) throw new Error(answer.refusal.message);
    await answer.value[Symbol.asyncDispose]();
  });

  test("direct mount lets the box write into a directory of this machine", async () => {
    const { mkdtempSync, readFileSync, rmSync } = await import("node:fs");
    const directory = mkdtempSync("/tmp/slipway-mount-");
    try {
      await printed(
        { mounts: [{ host: directory, guest: "/pipeline/source" }] },
        "echo hi >/pipeline/source/f",
      );
      expect(readFileSync(`${directory}/f`, "utf8")).toBe("hi\n");
      // Podman makes what is missing.
      const missing = [{ host: `${directory}/none`, guest: "/x" }];
      if (product === "docker") expect((await refused({ mounts: missing })).code).toBe("volume-invalid");
    } finally {
      rmSync(directory, { recursive: true });
    }
    const remote = testEngine(client, { sharesFiles: false });
    const answer = await remote.start(testRequest({ mounts: [{ host: "/tmp", guest: "/x" }] }));
    expect(answer).toMatchObject({ ok: false, refusal: { code: "direct-mount-remote" } });
  });

  test("a box that the kernel ends for its memory says so", async () => {
    await using box = await started({ memoryBytes: 32 * 1_048_576, memorySwapBytes: 32 * 1_048_576 });
    await box.greeted();
    const run = await box.run("tail /dev/zero; exit $?\n");
    expect(run.status).toBe(137);
    expect((await box.run("echo lives; exit 0\n")).stdout).toBe("lives\n");
  });

  test("a box that someone kills has ended, one that someone removes is lost", async () => {
    await using box = await started({});
    await box.greeted();
    const { channel } = box.listener;
    const name = (await madeBy(client))
      .find(each => each.startsWith("container"))
      ?.split("/")
      .at(-1);
    await client.call({ method: "POST", path: `/containers/${name}/kill` });
    expect(await channel.closed).toMatchObject({ kind: "exited", exitCode: 137 });
    await box.restart();
    const again = box.listener.channel;
    await client.call({ method: "DELETE", path: `/containers/${name}`, query: { force: true } });
    expect(["lost", "exited"]).toContain((await again.closed).kind);
  });

  test("kept containers are stopped and stay until they are swept", async () => {
    const request = testRequest({ keep: true });
    const answer = await testEngine(client).start(request);
    if (!answer.ok) throw new Error(answer.refusal.message);
    await answer.value[Symbol.asyncDispose]();
    const { leftovers, sweep } = await import("./sweep.ts");
    const kept = await leftovers(client, request.runId);
    expect(kept.map(each => each.kind).sort()).toEqual(["container", "network"]);
    const ours = (pid: number) => (pid === process.pid ? ("gone" as const) : ("alive" as const));
    const ownerState = (owner: { pid: number }) => ours(owner.pid);
    const nothing = await sweep(client, { ownerState, kept: false });
    expect(nothing.removed).toEqual([]);
    expect(nothing.left.map(each => each.reason)).toContain("it was kept on purpose");
    const swept = await sweep(client, { ownerState, kept: true });
    expect(swept.removed.map(each => each.name).sort()).toEqual(kept.map(each => each.name).sort());
    expect(await leftovers(client, request.runId)).toEqual([]);
  });

  test("what a living process or another machine answers for is not swept", async () => {
    await using box = await started({});
    await box.greeted();
    const { sweep } = await import("./sweep.ts");
    for (const state of ["alive", "elsewhere"] as const) {
      const swept = await sweep(client, { ownerState: () => state, kept: true });
      expect(swept.removed).toEqual([]);
      expect(swept.left.length).toBeGreaterThan(0);
    }
    expect((await box.run("echo lives; exit 0\n")).stdout).toBe("lives\n");
  });
});
