import { mkdir, mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { writeFileAtomically } from "./atomic-file.ts";

let root: string;

beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), "atomic-"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

test("a file is made with its directories, and replaced", async () => {
  const file = path.join(root, "a/b/file");
  await writeFileAtomically(file, "one", 0o600);
  await writeFileAtomically(file, "two", 0o600);
  expect(await readFile(file, "utf8")).toBe("two");
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(await readdir(path.dirname(file))).toEqual(["file"]);
});

test("what fails says where, and leaves nothing", async () => {
  await mkdir(path.join(root, "taken"));
  await expect(writeFileAtomically(path.join(root, "taken"), "x")).rejects.toThrow(
    `cannot write ${root}/taken`,
  );
  expect(await readdir(root)).toEqual(["taken"]);
});
