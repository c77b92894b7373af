import { mkdir, mkdtemp, readdir, rm, utimes } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import {
  createRepository,
  type GitServer,
  startGitServer,
  type TestRepository,
} from "../git/fixtures/git-server.ts";
import { systemClock } from "../lib/clock.ts";
import { type MemoryEntry, packEntries } from "../lib/tar/pack-entries.ts";
import { compressed } from "../remote/packed-archives.ts";
import type { PlanningRun, ProjectAtCommit } from "../services/reporter/plan-pass.ts";
import type { Queryable } from "../store/database.ts";
import { openSecretBox } from "../store/secret-box.ts";
import { lastPushStatement, openProject, type ProjectOpening } from "./open-project.ts";

// git and shells are started again and again, on whatever else the machine does.
vi.setConfig({ testTimeout: 30_000 });

const { signal } = new AbortController();
const box = openSecretBox([Buffer.alloc(32, 1)]);
let root: string;
let repository: TestRepository;
let server: GitServer;
let blobs: Map<string, Buffer>;
let lastPush: string | undefined;

beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), "open-project-"));
  repository = createRepository(path.join(root, "repositories", "app"));
  server = await startGitServer({ root: path.join(root, "repositories"), login: "robot:right" });
  blobs = new Map();
  lastPush = undefined;
});
afterEach(async () => {
  await server[Symbol.asyncDispose]();
  await rm(root, { recursive: true, force: true });
});

/** The two statements that opening a project asks. */
const db: Queryable = {
  async query<Row>(text: string) {
    if (text === lastPushStatement) return (lastPush === undefined ? [] : [{ commit_id: lastPush }]) as Row[];
    return [{ credential: box.seal(Buffer.from("robot:right")) }] as Row[];
  },
};

function opening(): ProjectOpening {
  return {
    db,
    blobs: {
      async get(key) {
        const bytes = blobs.get(key);
        return bytes === undefined
          ? undefined
          : (async function* () {
              yield bytes;
            })();
      },
    },
    box,
    clock: systemClock,
    directory: path.join(root, "data"),
    settings: { allowFileRepositories: false },
  };
}

function runOf(more: Partial<PlanningRun>): PlanningRun {
  return {
    id: "0".repeat(24),
    project_id: 1,
    project: "app",
    organisation: "team",
    repository: `${server.url}/app/.git`,
    default_branch: "main",
    workflow: null,
    pipeline: null,
    event: "push",
    branch: "main",
    tag: null,
    commit_id: null,
    message: "",
    person: null,
    trusted: true,
    trigger_variables: null,
    priority: 0,
    source_key: null,
    planning_token: "t",
    planning_tries: 1,
    ...more,
  };
}

async function opened(more: Partial<PlanningRun> = {}): Promise<ProjectAtCommit> {
  const project = await openProject(opening())(runOf(more), signal);
  if (!project.ok) throw new Error(`${project.refusal.code}: ${project.refusal.message}`);
  return project.value;
}

async function send(entries: MemoryEntry[]): Promise<string> {
  const tar = packEntries(entries, { owner: { uid: 0, gid: 0 }, mtime: 1e9 });
  blobs.set("source/1", Buffer.concat(await Array.fromAsync(compressed(tar))));
  return "source/1";
}

const left = () => readdir(path.join(root, "data", "planning"));

test("of a branch the newest commit: its file, its steps, what git says, and nothing is left afterwards", async () => {
  lastPush = repository.commit({ "slipway.yml": "build: {}\n", "steps/a/run.sh": "echo a" });
  const head = repository.commit({ "wercker.yml": "no", "src/x": "1" });
  {
    await using project = await opened();
    expect(project).toMatchObject({ fileName: "slipway.yml", dialect: "slipway", commit: head });
    expect(Buffer.from(project.bytes).toString()).toBe("build: {}\n");
    expect(project.message).toBe("change wercker.yml, src/x");
    expect(project.git).toMatchObject({
      domain: "127.0.0.1",
      owner: "app",
      branch: "main",
      tag: "",
      commit: head,
    });
    expect(project.changedPaths).toEqual(["src/x", "wercker.yml"]);
    const step = await project.resolve('a "file://./steps/a"', "", signal);
    expect(step).toMatchObject({ ok: true, value: { source: { kind: "file", path: "steps/a" } } });
    expect(await project.resolve("script", "echo", signal)).toMatchObject({ ok: true });
    expect(await project.resolve("wercker/none-such", "", signal)).toMatchObject({
      refusal: { code: "step-not-found" },
    });
    for (const outside of ["../x", "/etc", "steps/../../x"]) {
      expect(await project.resolve(`a "file://${outside}"`, "", signal)).toMatchObject({
        ok: false,
        refusal: { code: "step-outside-project" },
      });
    }
    expect(await project.resolve('a "file://none"', "", signal)).toMatchObject({
      refusal: { code: "step-not-found" },
    });
  }
  expect(await left()).toEqual([]);
});

test("a tag and a commit are what the run says; without an earlier push all may have changed", async () => {
  const first = repository.commit({ "wercker.yml": "build: 1\n" });
  repository.git("tag", "v1");
  repository.commit({ "wercker.yml": "build: 2\n" });
  await using byTag = await opened({ tag: "v1", branch: null });
  expect(byTag).toMatchObject({ commit: first, dialect: "wercker", git: { tag: "v1", branch: "" } });
  expect(byTag.changedPaths).toBeUndefined();
  await using byCommit = await opened({ commit_id: first.slice(0, 10) });
  expect(byCommit.commit).toBe(first);
});

test("a pipeline file that is a link is followed as far as the project", async () => {
  repository.commit({ "slipway.yml": "-> ci/file.yml", "ci/file.yml": "build: 1\n" });
  {
    await using project = await opened();
    expect(Buffer.from(project.bytes).toString()).toBe("build: 1\n");
  }
  repository.commit({ "slipway.yml": "-> ../../../etc/passwd" });
  await expect(opened()).rejects.toThrow("pipeline-file-unusable");
  expect(await left()).toEqual([]);
});

test("what is not there is refused, and nothing is left", async () => {
  repository.commit({ a: "1" });
  await expect(opened()).rejects.toThrow("pipeline-file-not-found");
  await expect(opened({ branch: "gone" })).rejects.toThrow("git-no-ref");
  await expect(opened({ commit_id: "a".repeat(40) })).rejects.toThrow("git-no-commit");
  await expect(opened({ repository: null })).rejects.toThrow("no-source");
  await expect(opened({ repository: "/etc" })).rejects.toThrow("repository-file");
  expect(await left()).toEqual([]);
});

test("what a reporter that was killed has left goes, what is under way stays", async () => {
  repository.commit({ "slipway.yml": "build: 1\n" });
  const place = path.join(root, "data", "planning");
  for (const name of ["run-old", "run-new"]) await mkdir(path.join(place, name), { recursive: true });
  await utimes(path.join(place, "run-old"), 1, 1);
  await using _project = await opened();
  expect(await left()).toHaveLength(2);
  expect(await left()).toContain("run-new");
});

test("a tree that was sent goes before the repository", async () => {
  const source_key = await send([
    { kind: "file", path: "a/wercker.yml", content: "no" },
    { kind: "file", path: "steps/own/run.sh", content: "echo own" },
    { kind: "file", path: "wercker.yml", content: "build: sent\n" },
    { kind: "symlink", path: ".wercker.yml", target: "a/wercker.yml" },
  ]);
  await using project = await opened({ source_key, commit_id: "b".repeat(40), event: "manual" });
  expect(project).toMatchObject({ fileName: "wercker.yml", git: { commit: "b".repeat(40) } });
  expect(Buffer.from(project.bytes).toString()).toBe("build: sent\n");
  expect(await project.resolve('own "file://steps/own"', "", signal)).toMatchObject({
    ok: true,
    value: { source: { kind: "file", path: "steps/own" } },
  });
  expect(server.requests).toEqual([]);
});

test("a tree that leads outside, is none or is gone is refused", async () => {
  const evil = await send([{ kind: "file", path: "../../up", content: "x" }]);
  await expect(opened({ source_key: evil })).rejects.toThrow("archive-unsafe");
  blobs.set("source/2", Buffer.from("nonsense"));
  await expect(opened({ source_key: "source/2" })).rejects.toThrow("archive-corrupt");
  await expect(opened({ source_key: "source/3" })).rejects.toThrow("source-gone");
  const link = await send([
    { kind: "symlink", path: "steps", target: "/etc" },
    { kind: "file", path: "slipway.yml", content: "build: 1\n" },
  ]);
  await using project = await opened({ source_key: link });
  const step = await project.resolve('x "file://steps"', "", signal);
  expect(step).toMatchObject({ ok: false, refusal: { code: "step-outside-project" } });
});
