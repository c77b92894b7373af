// The store of large bytes is full, slow, or refuses while jobs run: their logs are whole and readable all the time, what
// they leave is stored once or they are not green, and nobody waits for ever.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Client } from "../../src/client/client.ts";
import { endOf, logOf, logWith, startRun } from "../server/projects.ts";
import { eventually } from "../server/server-process.ts";
import { clientWithProject, type FaultWorld, openFaultWorld } from "./fault-world.ts";
import { isDenied, isFull, startS3StandIn } from "./s3-stand-in.ts";

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

const roles = ["api", "logs", "reporter"];
const lines = 30_000;
let world: FaultWorld;
let around: AsyncDisposableStack;

beforeEach(async () => {
  around = new AsyncDisposableStack();
  world = await openFaultWorld();
});
afterEach(async () => {
  await world[Symbol.asyncDispose]();
  await around.disposeAsync();
});

/** Prints more than becomes a row at once, and leaves what cannot be packed. */
function largeJob(name: string): string {
  return `
build:
  steps:
    - script:
        code: |
          echo ${name} >> ${world.marks}/began
          awk 'BEGIN { for (i = 1; i <= ${lines}; i++) printf "line %d of ${name}, ${name}, ${name}\\n", i }'
          head -c 300000 /dev/urandom > "$WERCKER_OUTPUT_DIR/made"
          echo ${name} >> ${world.marks}/ended
`;
}

function largeLog(name: string): string {
  return Array.from({ length: lines }, (_, at) => `line ${at + 1} of ${name}, ${name}, ${name}\n`).join("");
}

async function expectStored(client: Client, id: string, name: string): Promise<void> {
  const run = await endOf(client, id, 120_000);
  expect(run).toMatchObject({ outcome: "passed" });
  expect(run.jobs[0]!.attempts).toHaveLength(1);
  expect(await logOf(client, run.jobs[0]!)).toBe(largeLog(name));
  for (const mark of ["began", "ended"] as const) {
    expect(
      world
        .mark(mark)
        .split("\n")
        .filter(line => line === name),
    ).toHaveLength(1);
  }
  expect(await world.db.query("select name, files from artifacts where run_id = $1", [id])).toEqual([
    { name: "output", files: 1 },
  ]);
}

/** What the runner itself said of the run, for people. */
async function noticesOf(id: string): Promise<string> {
  const rows = await world.db.query<{ message: string }>(
    "select body->>'message' as message from events where run_id = $1 and body->>'type' = 'notice'",
    [id],
  );
  return rows.map(({ message }) => message).join("\n");
}

interface SmallStore {
  env: Record<string, string>;
  fill(): void;
  free(): void;
}

/** A file system of its own where this user may mount one, else a store that answers as a full one does. */
async function openSmallStore(): Promise<SmallStore> {
  const place = mkdtempSync(path.join(os.tmpdir(), "slipway-small-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=8m", "tmpfs", place], { stdio: "ignore" });
  } catch {
    rmSync(place, { recursive: true });
    const store = around.use(await startS3StandIn());
    return {
      env: store.env,
      fill: () => (store.refusal = () => isFull),
      free: () => (store.refusal = undefined),
    };
  }
  around.defer(() => {
    execFileSync("umount", ["--lazy", place]);
    rmSync(place, { recursive: true });
  });
  const filler = path.join(place, "filler");
  return {
    env: { SLIPWAY_BLOBS: `file://${place}/blobs` },
    fill() {
      for (let at = 0; ; at++) {
        try {
          writeFileSync(`${filler}-${at}`, Buffer.alloc(64 * 1024));
        } catch {
          return;
        }
      }
    },
    free() {
      for (const name of readdirSync(place)) if (name.startsWith("filler")) rmSync(path.join(place, name));
    },
  };
}

test("a full disk while jobs run: their logs are readable, nothing is green before it is stored, and all is when there is room", async () => {
  const store = await openSmallStore();
  const server = await world.start("main", roles, { env: store.env });
  const client = await clientWithProject(world, server);
  await world.worker({ api: server }, ["--capacity", "2"]);
  // Their sources are there; the disk is full before anything else of them is to be stored.
  const names = ["first", "second"];
  const ids = await Promise.all(names.map(name => startRun(client, largeJob(name))));
  store.fill();
  for (const [at, id] of ids.entries()) {
    expect(await logWith(client, id, `line ${lines} of`)).toBe(largeLog(names[at]!));
    await eventually(
      async () => /blob store.*(no space|full)/.test(await noticesOf(id)),
      "word of the full store",
    );
    expect(await client.getRun({ params: { run: id } })).toMatchObject({ state: "running", outcome: null });
  }
  expect(await world.db.query("select 1 from artifacts")).toEqual([]);
  store.free();
  for (const [at, id] of ids.entries()) await expectStored(client, id, names[at]!);
  await world.nothingLeft();
});

test("a store that takes seconds for each call delays ends, and neither logs nor anybody's lease", async () => {
  await using store = await startS3StandIn();
  const server = await world.start("main", roles, { env: store.env });
  const client = await clientWithProject(world, server);
  await world.worker({ api: server }, ["--capacity", "3"]);
  const names = ["first", "second", "third"];
  const ids = await Promise.all(names.map(name => startRun(client, largeJob(name))));
  store.delayMs = 6000;
  for (const [at, id] of ids.entries()) {
    expect(await logWith(client, id, `line ${lines} of`)).toBe(largeLog(names[at]!));
  }
  for (const [at, id] of ids.entries()) await expectStored(client, id, names[at]!);
  store.delayMs = 0;
  // What was late for the log and taken for lost is not kept twice.
  await eventually(async () => {
    const named = await world.db.query<{ key: string }>("select key from blobs");
    const keys = new Set(named.map(({ key }) => key));
    return [...store.objects.keys()].every(key => keys.has(key) || !key.includes("log/"));
  }, "the end of pieces that nobody names");
  await world.nothingLeft();
});

test("a store that forbids to write: broken within minutes, in the store's own words, and its log is whole", async () => {
  await using store = await startS3StandIn();
  const server = await world.start("main", roles, { env: store.env });
  const client = await clientWithProject(world, server);
  await world.worker({ api: server });
  const id = await startRun(client, largeJob("only"));
  store.refusal = () => isDenied;
  const began = Date.now();
  const run = await endOf(client, id, 150_000);
  expect(Date.now() - began).toBeGreaterThan(55_000);
  expect(run).toMatchObject({ outcome: "broken" });
  expect(run.jobs[0]).toMatchObject({
    outcome: "broken",
    detail: expect.stringContaining("403 AccessDenied Access Denied.") as string,
  });
  expect(run.jobs[0]!.attempts).toHaveLength(1);
  expect(await noticesOf(id)).toContain("waiting up to 1 min for the blob store");
  expect(await logOf(client, run.jobs[0]!)).toBe(largeLog("only"));
  expect(world.mark("ended")).toBe("only\n");
  await world.nothingLeft();
});
