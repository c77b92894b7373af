import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { dialectOf, findPipelineFile, pipelineFileNames } from "./find-file.ts";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "find-file-"));
});
afterEach(() => rm(dir, { recursive: true }));

test("the first of the names that exists is taken, with its dialect", async () => {
  for (const name of [...pipelineFileNames].reverse()) {
    await writeFile(join(dir, name), "");
    const found = await findPipelineFile(dir);
    const dialect = name.includes("wercker") ? "wercker" : "slipway";
    expect(found).toEqual({ ok: true, value: { path: join(dir, name), name, dialect } });
  }
});

test("a directory of that name is passed over", async () => {
  await mkdir(join(dir, "slipway.yml"));
  await writeFile(join(dir, "wercker.yml"), "");
  expect(await findPipelineFile(dir)).toMatchObject({ ok: true, value: { name: "wercker.yml" } });
});

test("where there is none, the message says where and what was looked for", async () => {
  const found = await findPipelineFile(dir);
  expect(found).toMatchObject({ ok: false, refusal: { code: "pipeline-file-not-found" } });
  for (const part of [dir, ...pipelineFileNames]) expect(JSON.stringify(found)).toContain(part);
});

test("a named file wins, wherever it lies", async () => {
  await writeFile(join(dir, "slipway.yml"), "");
  await writeFile(join(dir, "my-wercker.yaml"), "");
  const path = join(dir, "my-wercker.yaml");
  expect(await findPipelineFile(dir, path)).toEqual({
    ok: true,
    value: { path, name: "my-wercker.yaml", dialect: "wercker" },
  });
  expect(await findPipelineFile(dir, join(dir, "none.yml"))).toMatchObject({
    ok: false,
    refusal: { code: "pipeline-file-not-found" },
  });
  expect(await findPipelineFile(dir, dir)).toMatchObject({
    ok: false,
    refusal: { code: "pipeline-file-unusable" },
  });
});

test("the dialect goes by the base name", () => {
  expect(dialectOf("/a/.wercker.yml")).toBe("wercker");
  expect(dialectOf("/a/server_Wercker.yml")).toBe("wercker");
  expect(dialectOf("/wercker/ci.yml")).toBe("slipway");
});
