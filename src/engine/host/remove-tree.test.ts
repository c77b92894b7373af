import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, chown, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { removeTree } from "./remove-tree.ts";

let place: string;

beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), "slipway-remove-"));
});

afterEach(async () => {
  await rm(place, { recursive: true, force: true });
});

test("a link is removed and what it leads to is not", async () => {
  await mkdir(join(place, "kept"));
  await writeFile(join(place, "kept", "file"), "x");
  await mkdir(join(place, "tree"));
  await symlink(join(place, "kept"), join(place, "tree", "link"));
  await removeTree(join(place, "tree"));
  expect(await readdir(place)).toEqual(["kept"]);
  expect(await readdir(join(place, "kept"))).toEqual(["file"]);
});

test("what is gone already is fine", async () => {
  await removeTree(join(place, "never-there"));
});

// Root may write anywhere: the test is one for an ordinary user.
const user = process.getuid?.() === 0 ? 65_534 : (process.getuid?.() ?? 0);

test("directories without the right to write are no obstacle", async () => {
  const tree = join(place, "tree");
  const deep = join(tree, "module", "deep");
  await mkdir(deep, { recursive: true });
  await writeFile(join(deep, "file"), "x", { mode: 0o444 });
  for (const path of [place, tree, join(tree, "module"), deep, join(deep, "file")]) {
    await chown(path, user, process.getuid?.() === 0 ? user : -1);
  }
  await chmod(deep, 0o555);
  await chmod(join(tree, "module"), 0o555);
  const code = `import { removeTree } from ${JSON.stringify(join(import.meta.dirname, "remove-tree.ts"))}; await removeTree(${JSON.stringify(tree)});`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", code], {
    uid: user,
    cwd: place,
    env: { HOME: place, PATH: process.env.PATH },
    stdio: "inherit",
  });
  expect(await once(child, "exit")).toEqual([0, null]);
  expect(await readdir(place)).toEqual([]);
});
