// The commands as typed: what they print, where, and how they end.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { callProgram } from "../../src/cli/fixtures/call-program.ts";
import { type StandIn, startStandIn } from "../kubernetes/stand-in.ts";

let cluster: StandIn;
let cwd: string;
beforeEach(async () => {
  cluster = await startStandIn();
  cwd = mkdtempSync(path.join(os.tmpdir(), "slipway-command-"));
  writeFileSync(path.join(cwd, "kubeconfig"), cluster.kubeconfig(), { mode: 0o600 });
});
afterEach(async () => {
  await cluster[Symbol.asyncDispose]();
  rmSync(cwd, { recursive: true });
});

const call = (...args: string[]) =>
  callProgram(args, { cwd, env: { HOME: cwd, KUBECONFIG: path.join(cwd, "kubeconfig") } });

test("install prints manifests without a cluster, and no secret but where it is asked for", async () => {
  await cluster.away();
  const printed = await call("install", "--profile", "kind");
  expect(printed.code).toBe(0);
  const kinds = parseAllDocuments(printed.stdout).map(each => (each.toJS() as { kind: string }).kind);
  expect(kinds).toContain("StatefulSet");
  expect(kinds).not.toContain("Secret");
  const named = await call("install", "--profile", "kind", "--image", "registry.example.org/ci:7");
  expect(named.stdout.replaceAll("registry.example.org/ci:7", "slipway:latest")).toBe(printed.stdout);
  expect(named.stdout).not.toBe(printed.stdout);
  const secrets = await call("install", "--profile", "kind", "--secrets");
  expect(secrets.stdout).toMatch(/kind: Secret[\s\S]*workerToken: sww_[\w-]{43}\n/);
});

test("diff ends with 1 while something would change, apply makes it, uninstall takes it out", async () => {
  expect(await call("install", "--profile", "kind", "--diff")).toMatchObject({ code: 1, stderr: "" });
  expect((await call("install", "--profile", "kind", "--apply", "--no-wait")).code).toBe(0);
  expect(await call("install", "--profile", "kind", "--diff")).toMatchObject({
    code: 0,
    stdout: "nothing would change\n",
  });
  // Nothing runs there: it says so, and is no success.
  const waited = await call("install", "--profile", "kind", "--apply", "--wait-seconds", "0");
  expect([waited.code, waited.stderr]).toEqual([
    3,
    expect.stringContaining("applied, but it does not run yet"),
  ]);
  expect((await call("uninstall", "--profile", "kind", "--delete-data")).stdout).toContain(
    "removed Secret slipway/slipway-secrets",
  );
}, 120_000);

test("wrong usage and a cluster that is away say what to do", async () => {
  expect(await call("install", "--apply", "--diff")).toMatchObject({ code: 2 });
  const production = await call("install");
  expect([production.code, production.stderr]).toEqual([2, expect.stringContaining("blobs.s3.address")]);
  writeFileSync(path.join(cwd, "ours.yaml"), "wroker: {}\n");
  expect((await call("install", "--values", "ours.yaml", "--profile", "kind")).stderr).toContain(
    'did you mean "worker"?',
  );
  await cluster.away();
  const away = await call("install", "--profile", "kind", "--apply");
  expect([away.code, away.stderr]).toEqual([3, expect.stringContaining("kubectl config get-contexts")]);
  expect(await call("node-config", "--class", "peasant")).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("--server"),
  });
  const config = await call("node-config", "--class", "peasant", "--server", "10.0.0.1");
  expect([config.code, config.stderr]).toEqual([
    0,
    expect.stringContaining("SLIPWAY_JOIN_TOKEN, SLIPWAY_JOIN_CA_HASH"),
  ]);
});
