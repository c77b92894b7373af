// Large files by Debian's git-lfs, from a server of its batch API in this process.

import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { systemClock } from "../lib/clock.ts";
import { type FetchCommitOptions, fetchCommit } from "./fetch-commit.ts";
import {
  createRepository,
  type GitServer,
  startGitServer,
  type TestRepository,
} from "./fixtures/git-server.ts";
import { serveLfs } from "./fixtures/lfs-server.ts";

let root: string;
let repository: TestRepository;
let server: GitServer;

beforeEach(async () => {
  root = mkdtempSync(path.join(tmpdir(), "git-lfs-"));
  repository = createRepository(path.join(root, "repositories", "app"));
  mkdirSync(path.join(root, "private"), { mode: 0o700 });
  server = await startGitServer({ root: path.join(root, "repositories") });
});
afterEach(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(root, { recursive: true, force: true });
});

const attributes = "*.bin filter=lfs diff=lfs merge=lfs -text\n";

function fetched(commit: string, more: Partial<FetchCommitOptions> = {}) {
  rmSync(path.join(root, "out"), { recursive: true, force: true });
  return fetchCommit({
    repository: `${server.url}/app/.git`,
    commit,
    lfs: true,
    environment: { PATH: process.env.PATH },
    directory: path.join(root, "out"),
    privateDirectory: path.join(root, "private"),
    limits: { bytes: 50 * 2 ** 20, seconds: 60 },
    clock: systemClock,
    signal: new AbortController().signal,
    ...more,
  });
}

const out = (name: string) => readFileSync(path.join(root, "out", name));

test("large files are there with their content, where they are wanted", async () => {
  const lfs = serveLfs(server);
  const [one, two] = [randomBytes(300_000), randomBytes(5)];
  const pointer = lfs.add(one);
  const commit = repository.commit({
    ".gitattributes": attributes,
    "one.bin": pointer,
    "below/two.bin": lfs.add(two),
    "plain.txt": "plain",
  });
  expect(await fetched(commit)).toEqual({ ok: true });
  expect(out("one.bin").equals(one)).toBe(true);
  expect(out("below/two.bin").equals(two)).toBe(true);
  expect(out("plain.txt").toString()).toBe("plain");
  expect(await fetched(commit, { lfs: false })).toEqual({ ok: true });
  expect(out("one.bin").toString()).toBe(pointer);
  expect(lfs.violations).toEqual([]);
});

test("the credential goes to the repository's host, and is in no file of the checkout", async () => {
  const lfs = serveLfs(server, { login: "reader:s3cret-word" });
  const commit = repository.commit({ ".gitattributes": attributes, "a.bin": lfs.add(randomBytes(1000)) });
  const credential = { kind: "password" as const, username: "reader", password: "s3cret-word" };
  expect(await fetched(commit, { credential })).toEqual({ ok: true });
  expect(out("a.bin")).toHaveLength(1000);
  expect(lfs.logins).toContain("reader:s3cret-word");
  expect(out(".git/config").toString()).not.toContain("s3cret");
  expect(await fetched(commit)).toMatchObject({ ok: false, refusal: { code: "git-auth" } });
  const wrong = { ...credential, password: "other" };
  expect(await fetched(commit, { credential: wrong })).toMatchObject({ refusal: { code: "git-auth" } });
});

test("the credential goes to no other host that the repository names", async () => {
  await using other = await startGitServer({ root });
  const elsewhere = serveLfs(other, { login: "reader:s3cret-word" });
  const commit = repository.commit({
    ".gitattributes": attributes,
    ".lfsconfig": `[lfs]\n\turl = ${other.url}/app/.git/info/lfs\n`,
    "a.bin": elsewhere.add(randomBytes(1000)),
  });
  const credential = { kind: "password" as const, username: "reader", password: "s3cret-word" };
  expect(await fetched(commit, { credential })).toMatchObject({ refusal: { code: "git-auth" } });
  expect(elsewhere.logins).toEqual([]);
});

test("a file that the server does not have is named", async () => {
  const lfs = serveLfs(server);
  const commit = repository.commit({ ".gitattributes": attributes, "gone.bin": lfs.add(randomBytes(9)) });
  lfs.objects.clear();
  expect(await fetched(commit)).toMatchObject({
    ok: false,
    refusal: { code: "git-lfs", message: expect.stringContaining("gone.bin") as string },
  });
});

test("large files over the limit end the checkout", async () => {
  const lfs = serveLfs(server);
  const commit = repository.commit({
    ".gitattributes": attributes,
    "a.bin": lfs.add(randomBytes(3_000_000)),
  });
  const limits = { bytes: 2_000_000, seconds: 60 };
  expect(await fetched(commit, { limits })).toMatchObject({ refusal: { code: "git-too-large" } });
});

test("a repository does not lead git-lfs to this machine's own files", async () => {
  const commit = repository.commit({
    ".gitattributes": attributes,
    ".lfsconfig": `[lfs]\n\turl = file://${repository.directory}\n`,
    "a.bin": serveLfs(server).add(randomBytes(9)),
  });
  expect(await fetched(commit)).toMatchObject({ refusal: { code: "git-protocol" } });
});
