import { execFileSync, spawnSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { systemClock } from "../lib/clock.ts";
import { type FetchCommitOptions, fetchCommit } from "./fetch-commit.ts";
import {
  createRepository,
  type GitServer,
  startGitServer,
  type TestRepository,
} from "./fixtures/git-server.ts";

// git and shells are started again and again, on whatever else the machine does.
vi.setConfig({ testTimeout: 30_000 });

let root: string;
let repository: TestRepository;
let out: string;

beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), "git-"));
  repository = createRepository(path.join(root, "repositories", "app"));
  out = path.join(root, "out");
  mkdirSync(path.join(root, "private"), { mode: 0o700 });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function options(
  server: GitServer,
  commit: string,
  more: Partial<FetchCommitOptions> = {},
): FetchCommitOptions {
  return {
    repository: `${server.url}/app/.git`,
    commit,
    environment: { PATH: process.env.PATH, HOME: root },
    directory: out,
    privateDirectory: path.join(root, "private"),
    limits: { bytes: 50 * 2 ** 20, seconds: 60 },
    clock: systemClock,
    signal: new AbortController().signal,
    ...more,
  };
}

const serve = (more: { login?: string; old?: boolean } = {}) =>
  startGitServer({ root: path.join(root, "repositories"), ...more });

const gitOut = (...args: string[]) => execFileSync("git", ["-C", out, ...args], { encoding: "utf8" }).trim();

test("a commit in the middle of the history is checked out, on its branch, with one commit of history", async () => {
  await using server = await serve();
  repository.commit({ a: "1" });
  const wanted = repository.commit({ a: "2", "dir/link": "-> ../a" });
  repository.commit({ a: "3" });
  expect(await fetchCommit(options(server, wanted, { ref: "refs/heads/main" }))).toEqual({ ok: true });
  expect(readFileSync(path.join(out, "a"), "utf8")).toBe("2");
  expect(readlinkSync(path.join(out, "dir/link"))).toBe("../a");
  expect(gitOut("rev-parse", "--abbrev-ref", "HEAD")).toBe("main");
  expect(gitOut("rev-list", "--count", "HEAD")).toBe("1");
  expect(gitOut("status", "--porcelain")).toBe("");
  expect(readdirSync(path.join(root, "private"))).toEqual([]);
});

test("depth 0 brings all of the history, tags bring the tags, a tag is what HEAD describes", async () => {
  await using server = await serve();
  repository.commit({ a: "1" });
  repository.git("tag", "v0");
  const wanted = repository.commit({ a: "2" });
  repository.git("tag", "-m", "second", "v1");
  const more = { ref: "refs/tags/v1", depth: 0, tags: true };
  expect(await fetchCommit(options(server, wanted, more))).toEqual({ ok: true });
  expect(gitOut("rev-list", "--count", "HEAD")).toBe("2");
  expect(gitOut("tag").split("\n")).toEqual(["v0", "v1"]);
  expect(gitOut("rev-parse", "HEAD")).toBe(wanted);
});

test("a host that gives out tips only is asked for the branch, and then for more of it", async () => {
  await using server = await serve({ old: true });
  const wanted = repository.commit({ a: "1" });
  for (let more = 0; more < 3; more++) repository.commit({ a: `more ${more}` });
  expect(await fetchCommit(options(server, wanted, { ref: "refs/heads/main" }))).toEqual({ ok: true });
  expect(readFileSync(path.join(out, "a"), "utf8")).toBe("1");
  rmSync(out, { recursive: true });
  expect(await fetchCommit(options(server, wanted))).toEqual({ ok: true });
  expect(readFileSync(path.join(out, "a"), "utf8")).toBe("1");
});

test("the password goes to the host and is nowhere afterwards", async () => {
  await using server = await serve({ login: "robot:s3cr et'$x" });
  const commit = repository.commit({ a: "1" });
  const credential = { kind: "password" as const, username: "robot", password: "s3cr et'$x" };
  expect(await fetchCommit(options(server, commit, { credential }))).toEqual({ ok: true });
  expect(server.logins).toContain("robot:s3cr et'$x");
  expect(spawnSync("grep", ["-r", "s3cr", root], { encoding: "utf8" }).stdout).toBe("");
  expect(gitOut("config", "remote.origin.url")).toBe(`${server.url}/app/.git`);
});

test("a host that is redirected to does not get the password", async () => {
  await using thief = await serve({ login: "robot:other" });
  await using server = await serve({ login: "robot:right" });
  const commit = repository.commit({ a: "1" });
  server.before = (request, response) => {
    response.writeHead(302, { location: `${thief.url}${request.url}` }).end();
    return true;
  };
  const credential = { kind: "password" as const, username: "robot", password: "right" };
  expect(await fetchCommit(options(server, commit, { credential }))).toMatchObject({
    ok: false,
    refusal: { code: "git-auth" },
  });
  expect(thief.requests.length).toBeGreaterThan(0);
  expect(thief.logins).toEqual([]);
});

test("what the host refuses is told as a refusal", async () => {
  await using server = await serve({ login: "robot:right" });
  await using open = await serve();
  const commit = repository.commit({ a: "1" });
  const credential = { kind: "password" as const, username: "robot", password: "wrong" };
  const code = async (wanted: FetchCommitOptions) => {
    rmSync(out, { recursive: true, force: true });
    const fetched = await fetchCommit(wanted);
    return fetched.ok ? "ok" : fetched.refusal.code;
  };
  expect(await code(options(server, commit))).toBe("git-auth");
  expect(await code(options(server, commit, { credential }))).toBe("git-auth");
  expect(await code(options(open, commit, { repository: `${open.url}/none/.git` }))).toBe("git-not-found");
  expect(await code(options(open, "a".repeat(40)))).toBe("git-no-commit");
  expect(await code(options(open, "a".repeat(40), { ref: "refs/heads/main" }))).toBe("git-no-commit");
  expect(await code(options(open, commit, { ref: "refs/heads/--upload-pack=touch" }))).toBe("git-ref");
  expect(await code(options(open, "--upload-pack=x"))).toBe("git-no-commit");
  expect(await code(options(open, commit, { repository: root }))).toBe("repository-file");
});

test("a host in trouble is no refusal", async () => {
  await using server = await serve();
  const commit = repository.commit({ a: "1" });
  server.before = (_, response) => {
    response.writeHead(503).end();
    return true;
  };
  await expect(fetchCommit(options(server, commit))).rejects.toMatchObject({ code: "git-unreachable" });
  const nowhere = { repository: "http://host.invalid/app.git" };
  rmSync(out, { recursive: true, force: true });
  await expect(fetchCommit(options(server, commit, nowhere))).rejects.toMatchObject({
    code: "git-unreachable",
  });
});

test("a repository on this machine is taken where that is allowed", async () => {
  await using server = await serve();
  const commit = repository.commit({ a: "1" });
  const local = { repository: repository.directory, allowFile: true };
  expect(await fetchCommit(options(server, commit, local))).toEqual({ ok: true });
  expect(server.requests).toEqual([]);
});

test("nothing of the repository is run", async () => {
  await using server = await serve();
  const mark = path.join(root, "mark");
  const commit = repository.commit({
    ".gitattributes": "* filter=evil\n",
    a: "1",
    ".lfsconfig": "[core]\n\tfsmonitor = touch\n",
  });
  writeFileSync(path.join(root, ".gitconfig"), `[filter "evil"]\n\tsmudge = touch ${mark}; cat\n`);
  expect(await fetchCommit(options(server, commit))).toEqual({ ok: true });
  expect(() => readFileSync(mark)).toThrow();
});

test("a checkout over the limit is refused before it is written", async () => {
  await using server = await serve();
  const commit = repository.commit({ zeros: "0".repeat(3_000_000), more: "0".repeat(3_000_001) });
  const limits = { bytes: 5_000_000, seconds: 60 };
  expect(await fetchCommit(options(server, commit, { limits }))).toMatchObject({
    ok: false,
    refusal: { code: "git-too-large" },
  });
  expect(readdirSync(out)).toEqual([".git"]);
});

test("time and a signal end it, with all that git has started", async () => {
  await using server = await serve();
  const commit = repository.commit({ a: "1" });
  const asked = Promise.withResolvers<void>();
  server.before = () => {
    asked.resolve();
    return true;
  };
  const canceled = new AbortController();
  const fetching = fetchCommit(options(server, commit, { signal: canceled.signal }));
  await asked.promise;
  canceled.abort(new Error("enough"));
  await expect(fetching).rejects.toThrow("enough");
  rmSync(out, { recursive: true, force: true });
  const limits = { bytes: 5_000_000, seconds: 0.3 };
  await expect(fetchCommit(options(server, commit, { limits }))).rejects.toMatchObject({
    code: "git-timeout",
  });
});

test("submodules come along", async () => {
  await using server = await serve();
  const library = createRepository(path.join(root, "repositories", "library"));
  library.commit({ "lib.txt": "lib" });
  repository.git("submodule", "--quiet", "add", library.directory, "vendor/library");
  const commit = repository.commit({
    ".gitmodules": '[submodule "library"]\n\tpath = vendor/library\n\turl = ../../library/.git\n',
  });
  expect(await fetchCommit(options(server, commit))).toEqual({ ok: true });
  expect(readdirSync(path.join(out, "vendor/library"))).toEqual([]);
  rmSync(out, { recursive: true });
  expect(await fetchCommit(options(server, commit, { submodules: true }))).toEqual({ ok: true });
  expect(readFileSync(path.join(out, "vendor/library/lib.txt"), "utf8")).toBe("lib");
});
