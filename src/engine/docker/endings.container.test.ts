// However a run ends, nothing of it stays: aborted at any point of its start, with a daemon that dies in the midst,
// with a line that is cut.

import { PassThrough } from "node:stream";
import { beforeAll, expect, test } from "vitest";
import { madeBy, startDocker, testDaemon } from "../../../test/containers/docker-daemon.ts";
import { startProxy } from "../../../test/containers/socket-proxy.ts";
import { testEngine, testRequest } from "../../../test/containers/test-engine.ts";
import { buildTestImages, testImages } from "../../../test/containers/test-images.ts";
import { Cancel } from "../../core/cancel.ts";
import { BoxUnderTest } from "../contract/box-under-test.ts";
import type { ContainerSpec } from "../engine.ts";
import { connectDaemon, type DaemonCall, type DaemonClient } from "./daemon-client.ts";
import { leftovers } from "./sweep.ts";

let client: DaemonClient;

beforeAll(async () => {
  client = await testDaemon();
  await buildTestImages(client);
});

const service: ContainerSpec = {
  image: testImages.service,
  shownImage: "slipway-test/service",
  alias: "web",
  env: [],
  ports: [],
  volumes: [],
  ready: { port: 8080, timeoutMs: 20_000 },
};

/** The client, with something done before or after its nth call. */
function interrupted(at: number, when: "before" | "after", act: () => void): DaemonClient {
  let calls = 0;
  async function around<T>(call: DaemonCall, make: (call: DaemonCall) => Promise<T>): Promise<T> {
    const mine = ++calls;
    if (mine === at && when === "before") act();
    const answer = await make(call);
    if (mine === at && when === "after") act();
    return answer;
  }
  return {
    info: client.info,
    call: <T>(call: DaemonCall) => around(call, each => client.call<T>(each)),
    open: call => around(call, each => client.open(each)),
    hijack: call => around(call, each => client.hijack(each)),
  };
}

/** Starts a run that is aborted at one of its calls. False when it had started before. */
async function abortedAt(at: number, when: "before" | "after"): Promise<boolean> {
  const abort = new AbortController();
  const reason = new Cancel("canceled", `aborted ${when} call ${at}`);
  const engine = testEngine(interrupted(at, when, () => abort.abort(reason)));
  const request = testRequest({ services: [service], signal: abort.signal });
  let started = false;
  try {
    const answer = await engine.start(request);
    if (!answer.ok) throw new Error(answer.refusal.message);
    started = !abort.signal.aborted;
    await answer.value[Symbol.asyncDispose]();
  } catch (error) {
    expect(error).toBe(reason);
  }
  expect(await madeBy(client, [request.runId]), `left after an abort ${when} call ${at}`).toEqual([]);
  expect(engine.remaining()).toEqual([]);
  return !started;
}

test("an abort before or after any call of the start leaves nothing", { timeout: 240_000 }, async () => {
  for (const when of ["before", "after"] as const) {
    let aborted = 0;
    // There are fewer calls than that: the last points are never reached.
    for (let at = 1; at <= 15; at += 3) {
      const points = await Promise.all([at, at + 1, at + 2].map(point => abortedAt(point, when)));
      aborted += points.filter(point => point).length;
    }
    // Network, two images, service made, started, looked at, watched, box made, attached, started: at least.
    expect(aborted).toBeGreaterThanOrEqual(when === "before" ? 10 : 9);
    expect(aborted).toBeLessThan(15);
  }
});

test("a line that is cut in mid-run is told as lost, and what stays goes when it is mended", async () => {
  const { address } = client.info;
  if (address.kind !== "unix") throw new Error("this test needs a daemon on a socket");
  await using proxy = await startProxy(address.path);
  const behind = await connectDaemon({ kind: "unix", path: proxy.path });
  const engine = testEngine(behind);
  const request = testRequest();
  const answer = await engine.start(request);
  if (!answer.ok) throw new Error(answer.refusal.message);
  const box = new BoxUnderTest(answer.value);
  await box.greeted();
  await box.begin("sleep 1000\n");
  proxy.cut();
  const end = await box.listener.channel.closed;
  expect(end).toMatchObject({ kind: "lost", message: expect.stringContaining("does not answer") });
  await box.listener.toEnd();
  await box.listener.channel.write("dropped\n");

  const disposing = answer.value[Symbol.asyncDispose]();
  await expect(disposing).rejects.toMatchObject({
    code: "not-removed",
    message: expect.stringContaining(`wercker-pipeline-${request.runId}`),
    hint: expect.stringContaining("sweep"),
  });
  const remaining = engine.remaining();
  expect(remaining).toHaveLength(2);
  expect(remaining[0]).toBe(`container wercker-pipeline-${request.runId}`);
  proxy.mend();
  await answer.value[Symbol.asyncDispose]();
  expect(engine.remaining()).toEqual([]);
  expect(await leftovers(client, request.runId)).toEqual([]);
});

test("a daemon that hiccups while it cleans up is asked again", async () => {
  const { address } = client.info;
  if (address.kind !== "unix") throw new Error("this test needs a daemon on a socket");
  await using proxy = await startProxy(address.path);
  const behind = await connectDaemon({ kind: "unix", path: proxy.path });
  let refusals = 0;
  const moody: DaemonClient = {
    ...behind,
    async call<T>(call: DaemonCall) {
      if (call.method === "DELETE" && refusals++ < 2) {
        proxy.cut();
        const failed = behind.call<T>(call);
        await failed.catch(() => {});
        proxy.mend();
        return failed;
      }
      return behind.call<T>(call);
    },
  };
  const request = testRequest();
  const answer = await testEngine(moody).start(request);
  if (!answer.ok) throw new Error(answer.refusal.message);
  await answer.value[Symbol.asyncDispose]();
  expect(refusals).toBeGreaterThan(2);
  expect(await leftovers(client, request.runId)).toEqual([]);
});

test("when the box's client is gone without a word, the box ends by itself", async () => {
  const { address } = client.info;
  if (address.kind !== "unix") throw new Error("this test needs a daemon on a socket");
  await using proxy = await startProxy(address.path);
  const behind = await connectDaemon({ kind: "unix", path: proxy.path });
  const request = testRequest();
  const answer = await testEngine(behind).start(request);
  if (!answer.ok) throw new Error(answer.refusal.message);
  const box = new BoxUnderTest(answer.value);
  await box.greeted();
  proxy.cut();
  const path = `/containers/wercker-pipeline-${request.runId}/wait`;
  expect(await client.call({ method: "POST", path })).toMatchObject({ StatusCode: 0 });
  proxy.mend();
  await answer.value[Symbol.asyncDispose]();
});

test("a daemon that is killed in mid-run loses the box; started again, it is cleaned", async () => {
  await using daemon = await startDocker();
  await buildTestImages(daemon.client);
  const engine = testEngine(daemon.client);
  const request = testRequest();
  const answer = await engine.start(request);
  if (!answer.ok) throw new Error(answer.refusal.message);
  const box = new BoxUnderTest(answer.value);
  await box.greeted();
  await box.begin("sleep 1000\n");
  await daemon.kill();
  expect((await box.listener.channel.closed).kind).toBe("lost");
  const wrong = box.box.get("/pipeline", new AbortController().signal);
  await expect(wrong).rejects.toMatchObject({ code: "daemon-unreachable" });
  await daemon.restart();
  await answer.value[Symbol.asyncDispose]();
  expect(engine.remaining()).toEqual([]);
  expect(await leftovers(daemon.client, request.runId)).toEqual([]);
});

test("a terminal in the box: typed to, printed from, resized, ended", async () => {
  const answer = await testEngine(client).start(testRequest());
  if (!answer.ok) throw new Error(answer.refusal.message);
  await using workspace = answer.value;
  const input = new PassThrough();
  const output = new PassThrough();
  let seen = "";
  const listeners = new Set<() => void>();
  const size = { columns: 81, rows: 24 };
  const saw = (text: string) =>
    new Promise<void>(resolve => {
      const look = () => {
        if (!seen.includes(text)) return;
        output.off("look", look);
        resolve();
      };
      output.on("look", look);
      look();
    });
  output.on("data", chunk => {
    seen += chunk;
    output.emit("look");
  });
  const ended = workspace.box.terminal?.({
    prelude: "echo first-$((1 + 1))\n",
    input,
    output,
    size: () => size,
    onResize(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    signal: new AbortController().signal,
  });
  await saw("first-2");
  size.columns = 99;
  for (const listener of listeners) listener();
  input.write("until stty size | grep -q 99; do sleep 0.05; done; echo wide-$((2 + 3))\n");
  await saw("wide-5");
  input.write("exit\n");
  await ended;
  expect(listeners.size).toBe(0);
});
