import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { DaemonSettings } from "./daemon-candidates.ts";
import { findDaemon } from "./discover.ts";

let home: string;
const servers: Server[] = [];

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "slipway-find-"));
});

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise(resolve => server.close(resolve));
  }
  rmSync(home, { recursive: true });
});

/** A daemon that answers pings and nothing else. */
async function daemonAt(path: string, version = "1.45"): Promise<void> {
  mkdirSync(join(path, ".."), { recursive: true });
  const server = createServer((_request, response) => {
    response.writeHead(200, { "api-version": version }).end("OK");
  });
  servers.push(server);
  await new Promise<void>(resolve => server.listen(path, resolve));
}

function settings(change: Partial<DaemonSettings> = {}): DaemonSettings {
  const configDirectory = join(home, ".docker");
  // A DOCKER_HOST or a context of our own, so that no daemon of this machine answers first.
  return { tlsVerify: false, configDirectory, home, platform: "linux", ...change };
}

function context(name: string, host: string, current = false): void {
  const meta = join(home, ".docker/contexts/meta", name);
  mkdirSync(meta, { recursive: true });
  writeFileSync(
    join(meta, "meta.json"),
    JSON.stringify({ Name: name, Endpoints: { docker: { Host: host } } }),
  );
  if (current) writeFileSync(join(home, ".docker/config.json"), JSON.stringify({ currentContext: name }));
}

test("the daemon of DOCKER_HOST, with what its place means", async () => {
  const path = join(home, "d.sock");
  await daemonAt(path);
  const { found, lookedFor } = await findDaemon(settings({ dockerHost: `unix://${path}` }));
  expect(lookedFor).toEqual([]);
  expect(found).toMatchObject({
    source: "DOCKER_HOST",
    sharesFiles: true,
    sharesNetwork: true,
    daemonSocket: path,
    client: { info: { apiVersion: "1.45", address: { kind: "unix", path } } },
  });
});

test("the daemon of the current context, in its virtual machine", async () => {
  const path = join(home, ".docker/desktop/docker.sock");
  await daemonAt(path);
  context("desktop-linux", `unix://${path}`, true);
  const { found } = await findDaemon(settings());
  expect(found).toMatchObject({
    source: "docker context desktop-linux",
    sharesNetwork: false,
    daemonSocket: "/var/run/docker.sock",
  });
});

test("a rootless daemon's containers are out of reach", async () => {
  const path = join(home, "runtime/docker.sock");
  await daemonAt(path);
  const runtimeDirectory = join(home, "runtime");
  const { found } = await findDaemon(settings({ runtimeDirectory, dockerHost: `unix://${path}` }));
  expect(found).toMatchObject({ sharesFiles: true, sharesNetwork: false, daemonSocket: path });
});

test("what was looked for is told, each with its reason", async () => {
  const missing = await findDaemon(settings({ dockerHost: `unix://${home}/none.sock` }));
  expect(missing).toEqual({
    found: undefined,
    lookedFor: [
      { source: "DOCKER_HOST", address: `unix://${home}/none.sock`, reason: "there is no such socket" },
    ],
  });
  const deaf = await findDaemon(settings({ dockerHost: "tcp://127.0.0.1:1" }));
  expect(deaf.lookedFor[0]?.reason).toBe("nothing listens there");
  context("far", "tcp://127.0.0.1:1");
  const far = await findDaemon(settings({ dockerContext: "far" }));
  expect(far.lookedFor).toMatchObject([{ source: "docker context far", reason: "nothing listens there" }]);
});

test("a daemon that is too old is told to be updated", async () => {
  const path = join(home, "old.sock");
  await daemonAt(path, "1.24");
  const { found, lookedFor } = await findDaemon(settings({ dockerHost: `unix://${path}` }));
  expect(found).toBeUndefined();
  expect(lookedFor[0]?.reason).toContain("1.24");
});

test("damaged files of the Docker tools are as good as none", async () => {
  const path = join(home, "d.sock");
  await daemonAt(path);
  context("good", `unix://${path}`);
  for (const [name, content] of [
    ["bad", "{"],
    ["empty", "null"],
    ["odd", '{"Name": 7}'],
  ] as const) {
    mkdirSync(join(home, ".docker/contexts/meta", name), { recursive: true });
    writeFileSync(join(home, ".docker/contexts/meta", name, "meta.json"), content);
  }
  writeFileSync(join(home, ".docker/config.json"), "not json");
  const { found } = await findDaemon(settings({ dockerContext: "good" }));
  expect(found?.source).toBe("docker context good");
});

test("a daemon behind ssh is spoken to through the Docker command there", async () => {
  const path = join(home, "d.sock");
  await daemonAt(path);
  // An ssh that is asked for the remote command and connects to the socket in its place.
  const program = `#!${process.execPath}
const words = process.argv.slice(2).join(" ");
if (!words.endsWith("-p 2222 me@far.example docker system dial-stdio")) { console.error("asked: " + words); process.exit(9); }
const socket = require("node:net").connect(${JSON.stringify(path)});
process.stdin.pipe(socket); socket.pipe(process.stdout);
`;
  mkdirSync(join(home, "bin"));
  writeFileSync(join(home, "bin/ssh"), program);
  chmodSync(join(home, "bin/ssh"), 0o755);
  const before = process.env.PATH;
  process.env.PATH = `${join(home, "bin")}:${before}`;
  try {
    const { found } = await findDaemon(settings({ dockerHost: "ssh://me@far.example:2222" }));
    expect(found).toMatchObject({
      sharesFiles: false,
      sharesNetwork: false,
      daemonSocket: "/var/run/docker.sock",
      client: { info: { apiVersion: "1.45" } },
    });
    const wrong = await findDaemon(settings({ dockerHost: "ssh://other.example" }));
    expect(wrong.lookedFor[0]?.reason).toContain("asked:");
  } finally {
    process.env.PATH = before;
  }
});
