import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { readArchive } from "../../lib/tar/read-archive.ts";
import { dockerScratchPush } from "./docker-scratch-push.ts";
import { bytesOf, contextUnderTest, type Given } from "./fixtures/context-under-test.ts";

async function push(given: Given) {
  const under = contextUnderTest(given);
  return { ...under, answer: await dockerScratchPush.run(under.context) };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function filesOf(archive: Buffer) {
  const files = new Map<string, { content: Buffer; uid: number }>();
  for await (const entry of readArchive(once(archive))) {
    files.set(entry.path, { content: await bytesOf(entry.content), uid: entry.uid });
  }
  return files;
}

const output = { "app/server": "#!/bin/sh\n", "etc/passwd": "root\n" };
const options = { repository: "me/app", tag: "a b", cmd: "/app/server --port 80", ports: "80", env: "A=$B" };

test("the output becomes the one layer of an image, loaded and pushed", async () => {
  const pushed = await push({ options, environment: { B: "c" }, box: { "/pipeline/output": output } });
  expect(pushed.answer.outcome).toBe("passed");
  expect(pushed.calls.map(call => call.name)).toEqual(["load", "push", "tag", "push"]);
  const files = await filesOf(pushed.calls[0]!.args[0] as Buffer);
  const [manifest] = JSON.parse(files.get("manifest.json")!.content.toString());
  expect(manifest.RepoTags).toEqual(["me/app:a"]);
  const configuration = files.get(manifest.Config)!.content;
  expect(manifest.Config).toBe(`${createHash("sha256").update(configuration).digest("hex")}.json`);
  const layer = files.get(manifest.Layers[0])!.content;
  const image = JSON.parse(configuration.toString());
  expect(image).toMatchObject({
    os: "linux",
    config: { Cmd: ["/app/server", "--port", "80"], Env: ["A=c"], ExposedPorts: { "80/tcp": {} } },
    rootfs: { type: "layers", diff_ids: [`sha256:${createHash("sha256").update(layer).digest("hex")}`] },
  });
  const inside = await filesOf(layer);
  expect([...inside.keys()]).toEqual(["app/server", "etc/passwd"]);
  expect(inside.get("app/server")).toEqual({ content: Buffer.from("#!/bin/sh\n"), uid: 0 });
});

test("the same output gives the same image", async () => {
  const one = await push({ options, box: { "/pipeline/output": output } });
  const two = await push({ options, box: { "/pipeline/output": output } });
  expect(one.calls[0]!.args[0]).toEqual(two.calls[0]!.args[0]);
});

test("without any file there it is the source", async () => {
  const source = { "/pipeline/output": {}, "/pipeline/source": { x: "1" }, "/go/src/x": { y: "2" } };
  const layerOf = async (given: Given) => {
    const { calls } = await push({ options, ...given });
    const files = await filesOf(calls[0]!.args[0] as Buffer);
    const layer = [...files].find(([path]) => path.endsWith("layer.tar"))![1].content;
    return [...(await filesOf(layer)).keys()];
  };
  expect(await layerOf({ box: source })).toEqual(["x"]);
  expect(await layerOf({ box: source, job: { basePath: "/go/src/x" } })).toEqual(["y"]);
});

test("nothing at all, and what the daemon refuses, fail the step", async () => {
  const nothing = await push({ options, box: { "/pipeline/output": {} } });
  expect(nothing.answer.message).toBe("there is no file in /pipeline/output nor in /pipeline/source");
  const refused = await push({
    options,
    box: { "/pipeline/output": output },
    refusals: { load: "no space" },
  });
  expect(refused.answer).toMatchObject({ outcome: "failed", message: "no space" });
});
