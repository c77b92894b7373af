// What the host engine does beyond the contract: what a box sees of the machine, and what it cannot reach.

import { readlinkSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { systemClock } from "../../lib/clock.ts";
import { BoxUnderTest, tarOf } from "../contract/box-under-test.ts";
import type { ContainerSpec, EngineNews, EngineRequest } from "../engine.ts";
import { plainContainer, plainRequest } from "../fixtures/plain-request.ts";
import { createHostEngine, type HostEngineOptions } from "./host-engine.ts";
import { listProcesses } from "./processes.ts";

let root: string;
let news: EngineNews[];
let draws = 0;
const { signal } = new AbortController();

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "slipway-box-"));
  news = [];
});

afterEach(async () => {
  const left = await readdir(root);
  await rm(root, { recursive: true });
  expect(left, "left in the root").toEqual([]);
});

function container(change: Partial<ContainerSpec> = {}): ContainerSpec {
  return plainContainer({ shownImage: "some-image", ...change });
}

function request(change: Partial<EngineRequest> = {}): EngineRequest {
  const report = (one: (typeof news)[number]) => void news.push(one);
  return plainRequest({ box: container(), report, signal, ...change });
}

function engine(change: Partial<HostEngineOptions> = {}) {
  return createHostEngine({
    root,
    environment: {
      PATH: process.env.PATH,
      HOME: "/home/someone",
      LANG: "C.UTF-8",
      SSH_AUTH_SOCK: "/agent",
      CI: "1",
    },
    clock: systemClock,
    random: () => `${process.pid}-${++draws}`,
    graceMs: 200,
    ...change,
  });
}

async function start(change: Partial<EngineRequest> = {}, options: Partial<HostEngineOptions> = {}) {
  const started = await engine(options).start(request(change));
  if (!started.ok) throw new Error(started.refusal.message);
  const box = Object.assign(new BoxUnderTest(started.value), {
    [Symbol.asyncDispose]: () => started.value[Symbol.asyncDispose](),
  });
  await box.greeted();
  return box;
}

test("of our environment a box sees a handful of names, and its own", async () => {
  await using box = await start({ box: container({ env: [{ name: "OWN", value: "1" }] }) });
  const { stdout } = await box.run("env -0 | tr '\\n\\0' ' \\n' | cut -d= -f1 | sort; exit 0\n");
  const ofTheShell = ["OLDPWD", "PWD", "SHLVL", "_"];
  const names = stdout
    .trim()
    .split("\n")
    .filter(name => !ofTheShell.includes(name));
  expect(names).toEqual(["HOME", "LANG", "OWN", "PATH", "SLIPWAY_BOX", "TMPDIR"].sort());
});

test("temporary files go with the box", async () => {
  await using box = await start();
  await box.run('echo x > "$TMPDIR/left"; exit 0\n');
  const [directory = ""] = await readdir(root);
  expect(await readdir(join(root, directory, "tmp"))).toEqual(["left"]);
});

test("it says once, before anything else, that it isolates nothing", async () => {
  await using _box = await start();
  const warnings = news.filter(one => one.kind === "notice" && one.level === "warning");
  expect(warnings).toHaveLength(1);
  expect(news[0]).toMatchObject({ kind: "notice", message: expect.stringContaining("isolates") });
});

test("what it cannot give is told, not left out in silence", async () => {
  await using _box = await start({ memoryBytes: 1e9, network: "n", readOnlyRoot: true });
  expect(news.slice(1).map(one => one.kind === "notice" && one.message)).toEqual([
    "the host engine does without limits of memory and cpu",
    "the host engine does without networks and DNS servers",
    "the host engine does without a read-only root",
  ]);
});

test("a script may open its standard streams by name, as in a container", async () => {
  await using box = await start();
  const run = await box.run("echo one > /dev/stdout; echo two > /dev/stderr; echo three >&1; exit 0\n");
  expect(run).toMatchObject({ status: 0, stdout: "one\nthree\n", stderr: "two\n" });
});

test("when the main process ends, what it has started ends with it", async () => {
  await using box = await start();
  await box.run("(trap '' TERM HUP; while :; do sleep 1000; done) & setsid sleep 1000 & exit 0\n");
  await box.listener.channel.write("exit 0\n");
  await box.listener.toEnd();
  await box.listener.channel.closed;
  const cookies = (await listProcesses()).filter(one => one.cookie?.startsWith(`${process.pid}-`));
  expect(cookies).toEqual([]);
});

test("a process that lays off its environment is found by whom it comes from", async () => {
  await using box = await start();
  const file = `${box.workspace.paths.pipeline}/pid`;
  const end = await box.begin(`env -i /bin/sh -c 'echo $$ > ${file}; while :; do sleep 1; done' & wait\n`);
  let pid = "";
  while (pid === "") pid = (await readFile(file, "utf8").catch(() => "")).trim();
  await box.box.signalAll("KILL");
  expect((await end()).status).toBe(137);
  expect((await listProcesses()).map(one => one.pid)).not.toContain(Number(pid));
});

test("files go nowhere but into the private directory", async () => {
  await using box = await start();
  const { pipeline } = box.workspace.paths;
  const outside = await mkdtemp(join(tmpdir(), "slipway-outside-"));
  try {
    await writeFile(join(outside, "secret"), "x");
    await symlink(outside, join(pipeline, "way-out"));
    const archive = () => tarOf([{ name: "planted", content: "x" }]);
    for (const at of [outside, `${pipeline}/way-out`, `${pipeline}/../../..`]) {
      expect(await box.box.put(archive(), at, signal)).toMatchObject({
        ok: false,
        refusal: { code: "host-path" },
      });
    }
    const through = tarOf([{ name: "pipeline/way-out/planted", content: "x" }]);
    expect(await box.box.put(through, box.workspace.paths.root ?? "", signal)).toMatchObject({ ok: false });
    expect(await readdir(outside)).toEqual(["secret"]);
    expect(await box.box.get(join(outside, "secret"), signal)).toBeUndefined();
    expect(await box.box.get(`${pipeline}/way-out/secret`, signal)).toBeUndefined();
    expect(await box.box.get("/etc/passwd", signal)).toBeUndefined();
  } finally {
    await rm(outside, { recursive: true });
  }
});

test("a mount is the directory itself, and outlives the box", async () => {
  const source = await mkdtemp(join(tmpdir(), "slipway-source-"));
  try {
    await writeFile(join(source, "file"), "before");
    {
      await using box = await start({ mounts: [{ host: source, guest: "/pipeline/source" }] });
      const run = await box.run(
        `cd "${box.workspace.paths.pipeline}/source" && cat file && echo after > file; exit 0\n`,
      );
      expect(run.stdout).toBe("before");
    }
    expect(await readFile(join(source, "file"), "utf8")).toBe("after\n");
  } finally {
    await rm(source, { recursive: true });
  }
});

test("the box's shell is the one that is asked for", async () => {
  await using box = await start({ box: container({ cmd: ["/bin/sh"] }) });
  expect(box.listener.text("stdout")).toMatch(/ \/bin\/sh\n$/);
  await using other = await start({}, { shell: ["/bin/sh"] });
  expect(other.listener.text("stdout")).toMatch(/ \/bin\/sh\n$/);
});

test.each([false, true])("a box can belong to another user; made ready before: %s", async startsSoon => {
  const uid = process.getuid?.() === 0 ? 65_534 : (process.getuid?.() ?? 0);
  const gid = process.getgid?.() === 0 ? 65_534 : (process.getgid?.() ?? 0);
  await import("node:fs/promises").then(fs => fs.chmod(root, 0o755));
  await using box = await start({}, { spawnAs: { uid, gid }, startsSoon });
  expect(box.listener.text("stdout")).toContain(` ready ${uid} ${gid} `);
  await box.write("given", [{ name: "file", content: "x" }]);
  const file = `${box.workspace.paths.pipeline}/given/file`;
  expect(await stat(file)).toMatchObject({ uid, gid });
  const run = await box.run(`echo more >> ${file} && echo x > /dev/stderr && cat ${file}; exit 0\n`);
  expect(run).toMatchObject({ stdout: "xmore\n", stderr: "x\n" });
  // Whoever waited for an archive was for one.
  await box.write("again", [{ name: "file", content: "y" }]);
  expect(await stat(`${box.workspace.paths.pipeline}/again/file`)).toMatchObject({ uid, gid });
});

describe("a box that is made ready before it is asked for", () => {
  const ready = async () => {
    for (;;) {
      const [directory] = await readdir(root);
      const found = (await listProcesses()).filter(one => one.session === one.pid && isIn(one.pid));
      if (directory !== undefined && found[0] !== undefined) return { directory, pid: found[0].pid };
      await new Promise(resolve => setTimeout(resolve, 5));
    }
  };
  const isIn = (pid: number) => {
    try {
      return readlinkSync(`/proc/${pid}/cwd`).startsWith(root);
    } catch {
      return false;
    }
  };

  test("is the one that is used, and the next one is another", async () => {
    const host = engine({ startsSoon: true });
    const { directory, pid } = await ready();
    const started = await host.start(request());
    if (!started.ok) throw new Error(started.refusal.message);
    const workspace = started.value;
    expect(workspace.paths.root).toBe(join(root, directory));
    const box = new BoxUnderTest(workspace);
    await box.greeted();
    expect((await box.run("echo $PPID; pwd; echo $TMPDIR; exit 0\n")).stdout).toBe(
      `${pid}\n${join(root, directory)}\n${join(root, directory, "tmp")}\n`,
    );
    const next = await host.start(request());
    if (next.ok) expect(next.value.paths.root).not.toBe(workspace.paths.root);
    if (next.ok) await next.value[Symbol.asyncDispose]();
    await workspace[Symbol.asyncDispose]();
    expect((await listProcesses()).some(one => one.pid === pid)).toBe(false);
  });

  test.each<[string, Partial<ContainerSpec>, string]>([
    ["variables", { env: [{ name: "OWN", value: "1" }] }, "own 1"],
    ["a shell", { cmd: ["/bin/sh"] }, "own "],
  ])("is thrown away where %s of its own are wanted", async (_what, change, said) => {
    const host = engine({ startsSoon: true });
    const { directory, pid } = await ready();
    const started = await host.start(request({ box: container(change) }));
    if (!started.ok) throw new Error(started.refusal.message);
    const box = new BoxUnderTest(started.value);
    await box.greeted();
    expect((await box.run('echo "own $OWN"; exit 0\n')).stdout).toBe(`${said}\n`);
    expect(await readdir(root)).not.toContain(directory);
    expect((await listProcesses()).some(one => one.pid === pid)).toBe(false);
    await started.value[Symbol.asyncDispose]();
  });

  test("is replaced where it has ended meanwhile", async () => {
    const host = engine({ startsSoon: true });
    const { directory, pid } = await ready();
    process.kill(pid, "SIGKILL");
    // Until we have heard of it.
    const isThere = () => {
      try {
        return process.kill(pid, 0);
      } catch {
        return false;
      }
    };
    while (isThere()) await new Promise(resolve => setTimeout(resolve, 2));
    const started = await host.start(request());
    if (!started.ok) throw new Error(started.refusal.message);
    expect(started.value.paths.root).not.toBe(join(root, directory));
    await started.value[Symbol.asyncDispose]();
  });
});

test("what another user's box may not read is not read for it", async () => {
  const asRoot = process.getuid?.() === 0;
  const user = asRoot ? { uid: 65_534, gid: 65_534 } : { uid: process.getuid!(), gid: process.getgid!() };
  await import("node:fs/promises").then(fs => fs.chmod(root, 0o755));
  await using box = await start({}, { spawnAs: user });
  const { pipeline } = box.workspace.paths;
  await writeFile(`${pipeline}/private`, "of somebody else", { mode: asRoot ? 0o600 : 0 });
  const archive = await box.workspace.box.get(pipeline, signal);
  await expect(Array.fromAsync(archive!)).rejects.toMatchObject({ code: "host-files" });
});

test("a service without a command is refused before anything is started", async () => {
  const refused = await engine().start(
    request({ services: [container({ alias: "db", shownImage: "postgres:16" })] }),
  );
  expect(refused).toMatchObject({ ok: false, refusal: { code: "host-service-without-cmd" } });
  if (!refused.ok) expect(refused.refusal.message).toContain("postgres:16");
  expect(news).toEqual([]);
});

test("a service that cannot be started is refused with its name", async () => {
  const service = container({ alias: "db", shownImage: "db", cmd: ["/no/such/program"] });
  const refused = await engine().start(request({ services: [service] }));
  expect(refused).toMatchObject({ ok: false, refusal: { code: "service-not-ready" } });
  if (!refused.ok) expect(refused.refusal.message).toContain("/no/such/program");
});

test("a service that ends before it is ready is not waited for", async () => {
  const ready = { port: 1, timeoutMs: 60_000 };
  const service = container({ alias: "db", cmd: ["/bin/sh", "-c", "echo why >&2; exit 3"], ready });
  const refused = await engine().start(request({ services: [service] }));
  expect(refused).toMatchObject({ ok: false, refusal: { code: "service-not-ready" } });
  if (!refused.ok) expect(refused.refusal.message).toContain("exit code 3");
  expect(news).toContainEqual({ kind: "output", stream: "some-image-stderr", bytes: Buffer.from("why\n") });
});

test("a port that was open before the service came is no sign of it", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise(resolve => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  try {
    const service = container({
      alias: "db",
      cmd: ["/bin/sleep", "1000"],
      ready: { port, timeoutMs: 5_000 },
    });
    const refused = await engine().start(request({ services: [service] }));
    expect(refused).toMatchObject({ ok: false, refusal: { code: "port-taken" } });
    if (!refused.ok) expect(refused.refusal.message).toContain(String(port));
  } finally {
    await new Promise(resolve => server.close(resolve));
  }
});

test("two services on one port are refused with the names of both", async () => {
  const ports = [{ containerPort: 1, protocol: "tcp" as const }];
  const services = ["one", "other"].map(alias => container({ alias, cmd: ["/bin/sleep", "1000"], ports }));
  const refused = await engine().start(request({ services }));
  expect(refused).toMatchObject({ ok: false, refusal: { code: "port-taken" } });
  if (!refused.ok) expect(refused.refusal.message).toMatch(/other .*port 1, which the service one/);
});

test("a service is ready when its command says so", async () => {
  await mkdir(join(root, "flags"));
  const flag = join(root, "flags", "up");
  try {
    const ready = { command: `test -e ${flag}`, timeoutMs: 20_000 };
    const service = container({
      alias: "db",
      cmd: ["/bin/sh", "-c", `sleep 0.2; : > ${flag}; sleep 1000`],
      ready,
    });
    await using _box = await start({ services: [service] });
    expect(await readdir(join(root, "flags"))).toEqual(["up"]);
  } finally {
    await rm(join(root, "flags"), { recursive: true });
  }
});

test("an abort while a service is waited for leaves nothing", async () => {
  const abort = new AbortController();
  const service = container({
    alias: "db",
    cmd: ["/bin/sleep", "1000"],
    ready: { port: 1, timeoutMs: 60_000 },
  });
  const starting = engine().start(request({ services: [service], signal: abort.signal }));
  setImmediate(() => abort.abort(new Error("enough")));
  await expect(starting).rejects.toMatchObject({ kind: "canceled", message: "enough" });
  const cookies = (await listProcesses()).filter(one => one.cookie?.startsWith(`${process.pid}-`));
  expect(cookies).toEqual([]);
});
