import { mkdir, mkdtemp, readdir, readlink, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { cleanWorkingDirectory, openRunDirectory, workingDirectory } from "./working-directory.ts";

const now = Date.UTC(2030, 0, 10);
const hour = 3_600_000;
let root: string;

beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), "working-"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

/** Makes a directory (or a file, with a dot in its name) that was last changed so many hours ago. */
async function make(name: string, hoursAgo: number): Promise<void> {
  const at = path.join(root, name);
  await mkdir(path.extname(name) === "" ? at : path.dirname(at), { recursive: true });
  if (path.extname(name) !== "") await writeFile(at, "");
  const time = new Date(now - hoursAgo * hour);
  await utimes(at, time, time);
}

async function clean(): Promise<string[]> {
  const removed = await cleanWorkingDirectory(workingDirectory(root), now);
  return removed.map(at => path.relative(root, at)).sort();
}

test("latest points at the newest run of its kind, and can be pointed again", async () => {
  const directory = workingDirectory(root);
  await openRunDirectory(directory, "a", "build");
  expect(await openRunDirectory(directory, "b", "build")).toBe(path.join(root, "builds/b"));
  await openRunDirectory(directory, "c", "deploy");
  expect(await readlink(path.join(root, "latest"))).toBe("builds/b");
  expect(await readlink(path.join(root, "latest_deploy"))).toBe("builds/c");
  expect((await readdir(root)).sort()).toEqual(["builds", "latest", "latest_deploy"]);
});

test("a directory called latest stays", async () => {
  await mkdir(path.join(root, "latest/mine"), { recursive: true });
  await openRunDirectory(workingDirectory(root), "a", "build");
  expect(await readdir(path.join(root, "latest"))).toEqual(["mine"]);
});

test("run directories are removed that are old and not among the two newest, unless a link needs them", async () => {
  await openRunDirectory(workingDirectory(root), "linked", "build");
  await make("builds/linked", 200);
  await make("builds/newest", 30);
  await make("builds/second", 40);
  await make("builds/third", 50);
  await make("builds/a.file", 500);
  expect(await clean()).toEqual(["builds/third"]);
});

test("younger ones stay, however many there are", async () => {
  for (const name of ["a", "b", "c", "d"]) await make(`builds/${name}`, 23);
  expect(await clean()).toEqual([]);
});

test("what killed processes left is removed after a day, but a directory without a successor is put back", async () => {
  await make("cache.filling-abc", 30);
  await make("cache.replaced-abc", 30);
  await make("builds/1/site.filling-def", 30);
  await make("builds/1/fresh.filling-ghi", 2);
  expect(await clean()).toEqual(["builds/1/site.filling-def", "cache.filling-abc"]);
  expect(await readdir(root)).toContain("cache");
});

test("keyed caches go when unused for two weeks, and so do old copies of the project", async () => {
  await make("caches/old.tar", 30 * 24);
  await make("caches/old.key", 15 * 24);
  await make("caches/used.tar", 30 * 24);
  await make("caches/used.key", 13 * 24);
  await make("projects/app-01234567-89ab-cdef-0123-456789abcdef", 30);
  await make("projects/app", 30);
  expect(await clean()).toEqual([
    "caches/old.key",
    "caches/old.tar",
    "projects/app-01234567-89ab-cdef-0123-456789abcdef",
  ]);
});

test("a working directory that is not there is clean", async () => {
  expect(await cleanWorkingDirectory(workingDirectory(path.join(root, "nowhere")), now)).toEqual([]);
});
