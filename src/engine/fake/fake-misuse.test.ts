// The fake engine is there to catch who breaks the port's rules. Here the rules are broken.

import { expect, test } from "vitest";
import { tarOf } from "../contract/box-under-test.ts";
import type { Workspace } from "../engine.ts";
import { plainRequest } from "../fixtures/plain-request.ts";
import { createFakeEngine, type FakeEngineOptions } from "./fake-engine.ts";

const { signal } = new AbortController();
const request = plainRequest({ signal });

async function started(options: FakeEngineOptions = {}): Promise<Workspace> {
  const result = await createFakeEngine(options).start(request);
  if (!result.ok) throw new Error(result.refusal.message);
  return result.value;
}

test.each(["put", "get", "signalAll", "restart"] as const)("%s after the end is told", async call => {
  const workspace = await started();
  await workspace[Symbol.asyncDispose]();
  const { box } = workspace;
  const calls = {
    put: () => box.put(tarOf([]), "/", signal),
    get: () => box.get("/", signal),
    signalAll: () => box.signalAll("KILL"),
    restart: () => box.restart(signal),
  };
  await expect(calls[call]()).rejects.toThrow(`${call} after the workspace was disposed of`);
});

test("a restart while the box runs is told", async () => {
  await using workspace = await started();
  await expect(workspace.box.restart(signal)).rejects.toThrow("restart of a box that runs");
});

test("a put into nowhere is told", async () => {
  await using workspace = await started();
  const put = workspace.box.put(tarOf([{ name: "x" }]), "/no/such/place", signal);
  await expect(put).rejects.toThrow("/no/such/place");
});

test("a second reader of the output is told", async () => {
  await using workspace = await started();
  const { output } = workspace.box.channel;
  const read = async () => {
    for await (const _ of output) break;
  };
  await read();
  await expect(read()).resolves.toBeUndefined();
  const again = workspace.box.channel.output[Symbol.asyncIterator]().next();
  expect(await again).toEqual({ done: true, value: undefined });
});

test("what was asked is remembered in its order", async () => {
  const engine = createFakeEngine();
  const result = await engine.start(request);
  if (!result.ok) throw new Error("not started");
  const { box } = result.value;
  await box.put(tarOf([{ name: "x", content: "y" }]), "/", signal);
  await box.get("/x", signal);
  await box.get("/y", signal);
  await box.signalAll("TERM");
  await box.channel.write("exit 0\n");
  await result.value[Symbol.asyncDispose]();
  expect(engine.calls.slice(1)).toEqual([
    { call: "put", at: "/" },
    { call: "get", path: "/x", found: true },
    { call: "get", path: "/y", found: false },
    { call: "signalAll", signal: "TERM" },
    { call: "write", text: "exit 0\n" },
    { call: "dispose" },
  ]);
  expect(engine.files.read("/x")?.toString()).toBe("y");
  expect(engine.open).toBe(0);
});
