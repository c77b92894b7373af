// Steps from a server that means no good, or has none: a tarball is read like anything from a stranger, and what is
// wrong with it is told before the step runs.

import { existsSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { expect, test, vi } from "vitest";
import { type ImageFile, tarOf } from "../containers/image-archive.ts";
import { badProject, type ToldRun } from "./bad-project.ts";

// Each starts a process, and a busy machine takes its time.
vi.setConfig({ testTimeout: 60_000 });

const runScript: ImageFile = { name: "run.sh", mode: 0o755, content: "echo the step ran\n" };

/** Runs a pipeline of one step that a server on this machine has. */
async function runServed(body: Buffer | number, flags: string[] = ["--engine", "host"]): Promise<ToldRun> {
  const server = createServer((_, response) => {
    if (typeof body === "number") response.writeHead(body).end();
    else response.end(body);
  });
  await new Promise<void>(resolve => server.listen(0, "127.0.0.1", resolve));
  try {
    const { port } = server.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}/thing.tar.gz`;
    await using project = await badProject({
      "slipway.yml": `box: b\nbuild:\n  steps:\n    - thing "${url}"\n`,
    });
    const told = await project.run(["run", ...flags]);
    expect(existsSync(path.join(project.dir, "outside.txt"))).toBe(false);
    return told;
  } finally {
    server.closeAllConnections();
    await new Promise(resolve => server.close(resolve));
  }
}

test("a tarball as it should be runs", async () => {
  const told = await runServed(gzipSync(await tarOf([runScript])));
  expect(told).toMatchObject({ outcome: "passed", code: 0, text: "the step ran\n" });
});

test.for<[string, ImageFile]>([
  ["a path out of the step", { name: "../../../../outside.txt", content: "boo\n" }],
  ["an absolute path", { name: "/tmp/slipway-outside.txt", content: "boo\n" }],
  ["a link out of the step", { name: "leak", link: "../../../../../../etc/passwd" }],
  ["an absolute link", { name: "leak", link: "/etc/passwd" }],
])("%s is refused", async ([, file]) => {
  const told = await runServed(gzipSync(await tarOf([runScript, file])));
  expect(told).toMatchObject({ outcome: "failed", code: 1, text: "" });
  expect(told.message).toContain("thing.tar.gz");
  expect(told.message).toContain(file.name);
  expect(existsSync("/tmp/slipway-outside.txt")).toBe(false);
});

test("a file through a link is refused", async () => {
  const files = [
    runScript,
    { name: "here", link: "." },
    { name: "here/../../outside.txt", content: "boo\n" },
  ];
  const told = await runServed(gzipSync(await tarOf(files)));
  expect(told).toMatchObject({ outcome: "failed", code: 1, text: "" });
});

test.for<[string, () => Promise<Buffer>]>([
  ["something that is no tarball", async () => Buffer.from("<html>not found</html>\n")],
  ["a tarball that is cut off", async () => gzipSync(await tarOf([runScript])).subarray(0, 60)],
])("%s is refused", async ([, body]) => {
  const told = await runServed(await body());
  expect(told).toMatchObject({ outcome: "failed", code: 1, text: "" });
  expect(told.message).toContain("thing.tar.gz");
});

test("a tarball that is not there is told with its place in the file", async () => {
  const told = await runServed(404);
  expect(told).toMatchObject({ outcome: "failed", code: 1 });
  expect(told.message).toMatch(/thing\.tar\.gz answered 404 \(slipway\.yml:4\)/);
});

test("a server that fails breaks the run: it is not the doing of the file", async () => {
  const told = await runServed(500);
  expect(told).toMatchObject({ outcome: "broken", code: 3 });
  expect(told.message).toContain("thing.tar.gz answered 500");
});
