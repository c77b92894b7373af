// Git over ssh against a real sshd on this machine: the key is offered from a private file, the host's key is checked.

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { connect, createServer } from "node:net";
import os, { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { systemClock } from "../lib/clock.ts";
import { type FetchCommitOptions, fetchCommit } from "./fetch-commit.ts";
import { createRepository } from "./fixtures/git-server.ts";

let root: string;
let port: number;
let sshd: ChildProcess;
let commit: string;

beforeAll(async () => {
  root = mkdtempSync(path.join(tmpdir(), "git-ssh-"));
  for (const name of ["host", "user", "other"]) {
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", path.join(root, name)]);
  }
  mkdirSync(path.join(root, "private"), { mode: 0o700 });
  // sshd refuses to start without it.
  if (process.getuid?.() === 0) mkdirSync("/run/sshd", { recursive: true, mode: 0o755 });
  commit = createRepository(path.join(root, "app")).commit({ a: "1" });
  port = await freePort();
  const settings = {
    Port: port,
    ListenAddress: "127.0.0.1",
    HostKey: path.join(root, "host"),
    AuthorizedKeysFile: path.join(root, "user.pub"),
    StrictModes: "no",
    UsePAM: "no",
    PasswordAuthentication: "no",
    PermitRootLogin: "prohibit-password",
    PidFile: "none",
  };
  const file = path.join(root, "sshd_config");
  writeFileSync(
    file,
    Object.entries(settings)
      .map(([name, value]) => `${name} ${value}\n`)
      .join(""),
  );
});
beforeEach(async () => {
  const file = path.join(root, "sshd_config");
  sshd = spawn("/usr/sbin/sshd", ["-D", "-e", "-f", file], { stdio: "ignore" });
  while (!(await answers(port))) await new Promise(resolve => setTimeout(resolve, 20));
});
afterEach(async () => {
  sshd.kill("SIGTERM");
  await once(sshd, "exit");
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port: free } = server.address() as AddressInfo;
  server.close();
  return free;
}

function answers(at: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(at, "127.0.0.1");
    socket.on("error", () => resolve(false));
    socket.on("connect", () => {
      socket.destroy();
      resolve(true);
    });
  });
}

async function fetched(more: Partial<FetchCommitOptions> & { key?: string }): Promise<string> {
  const answer = await answerOf(more);
  return answer.ok ? readFileSync(path.join(root, "out", "a"), "utf8") : answer.refusal.code;
}

async function answerOf(more: Partial<FetchCommitOptions> & { key?: string }) {
  const out = path.join(root, "out");
  rmSync(out, { recursive: true, force: true });
  const privateKey = readFileSync(path.join(root, more.key ?? "user"), "utf8");
  return fetchCommit({
    repository: `ssh://${os.userInfo().username}@127.0.0.1:${port}${root}/app/.git`,
    commit,
    credential: { kind: "ssh-key", privateKey },
    environment: { PATH: process.env.PATH },
    directory: out,
    privateDirectory: path.join(root, "private"),
    limits: { bytes: 2 ** 20, seconds: 60 },
    clock: systemClock,
    signal: new AbortController().signal,
    ...more,
  });
}

test("the key opens the repository, with whatever ends its lines have, and is removed", async () => {
  expect(await fetched({})).toBe("1");
  const text = readFileSync(path.join(root, "user"), "utf8").trimEnd().replaceAll("\n", "\r\n");
  expect(await fetched({ credential: { kind: "ssh-key", privateKey: text } })).toBe("1");
  expect(execFileSync("ls", [path.join(root, "private")], { encoding: "utf8" })).toBe("");
});

test("another key is refused, and one that is none", async () => {
  expect(await fetched({ key: "other" })).toBe("git-auth");
  expect(await fetched({ credential: { kind: "ssh-key", privateKey: "nonsense" } })).toBe("git-auth");
});

test("with a list of known hosts another key of the host is refused, and the right one taken", async () => {
  const known = (key: string) => {
    const file = path.join(root, `known-${key}`);
    writeFileSync(file, `[127.0.0.1]:${port} ${readFileSync(path.join(root, `${key}.pub`), "utf8")}`);
    return { hostKeys: { file, strict: true } };
  };
  expect(await fetched(known("host"))).toBe("1");
  expect(await fetched(known("other"))).toBe("git-host-key");
  expect(await fetched({ hostKeys: { file: "/dev/null", strict: true } })).toBe("git-host-key");
});

test("the key of a host is remembered when it is first met; another one is refused then, with what to do", async () => {
  const file = path.join(root, "known_hosts");
  const met = { hostKeys: { file, strict: false } };
  expect(await fetched(met)).toBe("1");
  const remembered = readFileSync(file, "utf8");
  expect(remembered).toContain(readFileSync(path.join(root, "host.pub"), "utf8").split(" ")[1]);
  expect(await fetched(met)).toBe("1");
  expect(readFileSync(file, "utf8")).toBe(remembered);
  // As if the host had had another key then.
  const other = readFileSync(path.join(root, "other.pub"), "utf8");
  writeFileSync(file, `[127.0.0.1]:${port} ${other}`);
  const refused = await answerOf(met);
  expect(refused).toMatchObject({
    ok: false,
    refusal: { code: "git-host-key", hint: expect.stringContaining(`${file}:1`) as string },
  });
  expect(refused).toMatchObject({
    refusal: { hint: expect.stringContaining("another key than before") as string },
  });
  expect(readFileSync(file, "utf8")).toBe(`[127.0.0.1]:${port} ${other}`);
});

test("what is not there is not found", async () => {
  const repository = `ssh://${os.userInfo().username}@127.0.0.1:${port}${root}/none`;
  expect(await fetched({ repository })).toBe("git-not-found");
});

test("a host that does not answer is no refusal", async () => {
  const repository = `ssh://git@127.0.0.1:${await freePort()}/app`;
  await expect(fetched({ repository })).rejects.toMatchObject({ code: "git-unreachable" });
});
