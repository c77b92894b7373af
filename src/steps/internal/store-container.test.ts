import { createHash } from "node:crypto";
import { gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { readArchive } from "../../lib/tar/read-archive.ts";
import { bytesOf, contextUnderTest } from "./fixtures/context-under-test.ts";
import { storeContainer } from "./store-container.ts";

async function filesOf(archive: Buffer): Promise<Map<string, Buffer>> {
  const stream = (async function* () {
    yield archive;
  })();
  const files = new Map<string, Buffer>();
  for await (const entry of readArchive(stream)) files.set(entry.path, await bytesOf(entry.content));
  return files;
}

test("the box is kept as a compressed image with its digest, and its image is gone afterwards", async () => {
  const { context, calls, stored, said } = contextUnderTest({});
  expect((await storeContainer.run(context)).outcome).toBe("passed");
  expect(calls).toEqual([
    { name: "commit", args: ["run-run1:latest", {}] },
    { name: "save", args: ["run-run1:latest"] },
    { name: "remove", args: ["run-run1:latest"] },
  ]);
  const files = await filesOf(stored.get("container")!);
  const image = files.get("container/docker.tar.gz")!;
  expect((await filesOf(gunzipSync(image))).get("manifest.json")!.toString()).toBe("[]");
  const digest = createHash("sha256").update(image).digest("hex");
  expect(files.get("container/docker.tar.gz.sha256")!.toString()).toBe(`${digest}  docker.tar.gz\n`);
  expect(said.stdout).toContain("/stored/container");
});

test("under the name that --commit gives it stays", async () => {
  const { context, calls } = contextUnderTest({ settings: { commit: { name: "mine", tag: "t" } } });
  await storeContainer.run(context);
  expect(calls.map(call => [call.name, call.args[0]])).toEqual([
    ["commit", "mine:t"],
    ["save", "mine:t"],
  ]);
});

test("one that is too large fails the step and leaves no image behind", async () => {
  const { context, calls } = contextUnderTest({});
  context.storeFile = async (_, archive) => {
    await bytesOf(archive);
    return "too-large";
  };
  expect((await storeContainer.run(context)).message).toContain("too large to be kept");
  expect(calls.at(-1)!.name).toBe("remove");
});
