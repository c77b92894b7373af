import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { systemClock } from "../lib/clock.ts";
import {
  createRepository,
  type GitServer,
  startGitServer,
  type TestRepository,
} from "./fixtures/git-server.ts";
import { listRemote, parseListing } from "./list-remote.ts";
import { openCommit } from "./open-commit.ts";

// git and shells are started again and again, on whatever else the machine does.
vi.setConfig({ testTimeout: 30_000 });

let root: string;
let repository: TestRepository;
let server: GitServer;

beforeEach(async () => {
  root = mkdtempSync(path.join(tmpdir(), "git-"));
  repository = createRepository(path.join(root, "repositories", "app"));
  mkdirSync(path.join(root, "private"), { mode: 0o700 });
  server = await startGitServer({ root: path.join(root, "repositories"), login: "robot:right" });
});
afterEach(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(root, { recursive: true, force: true });
});

const common = () => ({
  repository: `${server.url}/app/.git`,
  environment: { PATH: process.env.PATH },
  credential: { kind: "password" as const, username: "robot", password: "right" },
  clock: systemClock,
  signal: new AbortController().signal,
});

async function open(ref: string, commit?: string, bytes = 10 * 2 ** 20) {
  const opened = await openCommit({
    ...common(),
    ref,
    ...(commit === undefined ? {} : { commit }),
    directory: path.join(root, "look"),
    privateDirectory: path.join(root, "private"),
    limits: { bytes, seconds: 60 },
  });
  if (!opened.ok) throw new Error(opened.refusal.code);
  return opened.value;
}

test("files are fetched when they are looked at, and no others", async () => {
  const base = repository.commit({ "slipway.yml": "build: 1\n", "steps/a/run.sh": "echo a\n", big: "x" });
  repository.commit({ "src/main.ts": "2", "slipway.yml": "build: 2\n" });
  const head = repository.commit({ link: "-> slipway.yml" });
  await using commit = await open("refs/heads/main");
  expect(commit.commit).toBe(head);
  expect(commit.message).toBe("change link");
  expect(Object.fromEntries(commit.top)).toEqual({
    big: "file",
    link: "link",
    "slipway.yml": "file",
    src: "directory",
    steps: "directory",
  });
  expect(await commit.readFile("slipway.yml", 1000)).toMatchObject({
    ok: true,
    value: Buffer.from("build: 2\n"),
  });
  expect(await commit.readFile("none", 1000)).toMatchObject({ ok: false, refusal: { code: "git-no-file" } });
  expect(await commit.readFile("slipway.yml", 3)).toMatchObject({
    ok: false,
    refusal: { code: "git-too-large" },
  });
  const target = path.join(root, "project");
  expect(await commit.extract("steps/a", target)).toBe(true);
  expect(readFileSync(path.join(target, "steps/a/run.sh"), "utf8")).toBe("echo a\n");
  expect(existsSync(path.join(target, "big"))).toBe(false);
  expect(await commit.extract("none", target)).toBe(false);
  expect(await commit.extract(":(glob)**", target)).toBe(false);
  expect((await commit.changedSince(base))?.toSorted()).toEqual(["link", "slipway.yml", "src/main.ts"]);
  expect(await commit.changedSince("a".repeat(40))).toBeUndefined();
});

test("a commit that is asked for is looked into, wherever its branch is by now", async () => {
  const wanted = repository.commit({ a: "1" });
  repository.commit({ a: "2" });
  await using commit = await open("refs/heads/main", wanted);
  expect(await commit.readFile("a", 10)).toMatchObject({ value: Buffer.from("1") });
});

test("the beginning of an id is enough", async () => {
  const wanted = repository.commit({ a: "1" });
  repository.commit({ a: "2" });
  await using commit = await open("refs/heads/main", wanted.slice(0, 8));
  expect(commit.commit).toBe(wanted);
  expect(await commit.readFile("a", 10)).toMatchObject({ value: Buffer.from("1") });
});

test("a branch that is not there is refused", async () => {
  repository.commit({ a: "1" });
  await expect(open("refs/heads/gone")).rejects.toThrow("git-no-ref");
});

test("branches and tags are listed with their commits", async () => {
  const first = repository.commit({ a: "1" });
  repository.git("tag", "-m", "annotated", "v1");
  const second = repository.commit({ a: "2" }, "work");
  const listed = await listRemote({ ...common(), directory: path.join(root, "private"), seconds: 60 });
  expect(listed).toMatchObject({
    ok: true,
    value: {
      refs: [
        { ref: "refs/heads/main", commit: first },
        { ref: "refs/heads/work", commit: second },
        { ref: "refs/tags/v1", commit: first },
      ],
    },
  });
  const only = ["refs/tags/v1"];
  const one = await listRemote({ ...common(), only, directory: path.join(root, "private"), seconds: 60 });
  expect(one).toMatchObject({ ok: true, value: { refs: [{ ref: "refs/tags/v1", commit: first }] } });
});

test("what a host lists is taken for branches and tags only where it is", () => {
  const commit = "a".repeat(40);
  expect(
    parseListing(`ref: refs/heads/x\tHEAD\n${commit}\tHEAD\n${commit}\trefs/pull/1\nnonsense\n\t\n`),
  ).toEqual({
    refs: [],
    head: "refs/heads/x",
  });
});
