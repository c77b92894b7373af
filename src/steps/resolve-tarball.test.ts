import { rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { pack } from "tar-stream";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { specOf, useStepStore } from "./fixtures/use-step-store.ts";

const { at, store, resolved, refusal, textOf } = useStepStore();
const never = new AbortController().signal;

interface Entry {
  name: string;
  text?: string;
  type?: "symlink" | "link" | "character-device" | "directory";
  linkname?: string;
}

async function tarball(entries: Entry[]): Promise<Buffer> {
  const archive = pack();
  for (const { text, ...header } of entries) archive.entry({ mode: 0o755, ...header }, text ?? "");
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  return gzipSync(Buffer.concat(chunks));
}

describe("tarballs", () => {
  let server: Server;
  let url: string;
  let answers: { status: number; body: Buffer }[];
  let seen: { url: string | undefined; authorization: string | undefined }[];

  beforeEach(async () => {
    answers = [];
    seen = [];
    server = createServer((request, response) => {
      seen.push({ url: request.url, authorization: request.headers.authorization });
      const answer = answers.length > 1 ? answers.shift()! : answers[0]!;
      response.writeHead(answer.status, { connection: "close" }).end(answer.body);
    });
    await new Promise<void>(resolve => server.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/step.tar.gz`;
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise(resolve => server.close(resolve));
  });

  const good: Entry[] = [
    { name: "repo-abc/", type: "directory" },
    { name: "repo-abc/run.sh", text: "echo tar\n" },
    { name: "repo-abc/step.yml", text: "properties: [{name: p, default: q}]" },
    { name: "repo-abc/also.sh", type: "symlink", linkname: "run.sh" },
  ];

  test("are downloaded, stripped of their top directory and pinned by digest; no credentials are sent", async () => {
    answers = [{ status: 200, body: await tarball(good) }];
    const step = await resolved(`foo "${url}"`);
    expect(step.source).toEqual({
      kind: "tarball",
      url,
      digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
    });
    expect(step.properties).toEqual([{ name: "p", default: "q" }]);
    const files = await store().files(specOf(step.source), never);
    expect(files.map(file => [file.path, file.link])).toEqual([
      ["also.sh", "run.sh"],
      ["run.sh", undefined],
      ["step.yml", undefined],
    ]);
    expect(seen).toEqual([{ url: "/step.tar.gz", authorization: undefined }]);
  });

  test("two answers of 5xx are overcome, three are not", async () => {
    const fine = { status: 200, body: await tarball(good) };
    const bad = { status: 503, body: Buffer.alloc(0) };
    answers = [bad, bad, fine];
    expect((await resolved(`foo "${url}"`)).source.kind).toBe("tarball");
    answers = [bad];
    await rm(at("cache"), { recursive: true });
    await expect(resolved(`foo "${url}"`)).rejects.toMatchObject({ code: "step-download-failed" });
    expect(seen.length).toBe(6);
  });

  test("a host that is away is stood in for by the kept copy, with a warning", async () => {
    answers = [{ status: 200, body: await tarball(good) }];
    const step = await resolved(`foo "${url}"`);
    answers = [{ status: 500, body: Buffer.alloc(0) }];
    const again = await resolved(`foo "${url}"`);
    expect(again.source).toEqual(step.source);
    expect(again.warnings[0]).toContain("answered 500; the copy of an earlier run is used");
  });

  test("404 is a refusal that names the URL", async () => {
    answers = [{ status: 404, body: Buffer.alloc(0) }];
    expect((await refusal(`foo "${url}"`)).message).toBe(`${url} answered 404`);
  });

  test("other bytes than the job was made with are refused", async () => {
    answers = [{ status: 200, body: await tarball(good) }];
    const step = await resolved(`foo "${url}"`);
    await rm(at("cache"), { recursive: true });
    answers = [{ status: 200, body: await tarball([{ name: "run.sh", text: "rm -rf /" }]) }];
    await expect(textOf(step.source, "run.sh")).rejects.toThrow("has changed since the job was made");
  });

  test.each<[string, Entry]>([
    ["a path that climbs", { name: "a/../../etc/passwd", text: "x" }],
    ["an absolute path", { name: "/etc/passwd", text: "x" }],
    ["a link that leads out", { name: "l", type: "symlink", linkname: "../../etc" }],
    ["an absolute link", { name: "l", type: "symlink", linkname: "/etc" }],
    ["a hard link", { name: "l", type: "link", linkname: "run.sh" }],
    ["a device", { name: "l", type: "character-device" }],
  ])("%s is refused", async (_, entry) => {
    answers = [{ status: 200, body: await tarball([{ name: "run.sh", text: "x" }, entry]) }];
    expect((await refusal(`foo "${url}"`)).code).toBe("step-archive-unsafe");
  });

  test("a link out of the directory that is stripped is refused", async () => {
    const entries: Entry[] = [
      { name: "top/run.sh", text: "x" },
      { name: "top/l", type: "symlink", linkname: "../other" },
    ];
    answers = [{ status: 200, body: await tarball(entries) }];
    expect((await refusal(`foo "${url}"`)).code).toBe("step-archive-unsafe");
  });

  test("a file below a link is refused", async () => {
    const entries: Entry[] = [
      { name: "run.sh", text: "x" },
      { name: "d", type: "symlink", linkname: "." },
      { name: "d/x", text: "x" },
    ];
    answers = [{ status: 200, body: await tarball(entries) }];
    expect((await refusal(`foo "${url}"`)).code).toBe("step-archive-unsafe");
  });

  test("what is no tarball says so", async () => {
    answers = [{ status: 200, body: Buffer.from("<html>sign in</html>") }];
    expect((await refusal(`foo "${url}"`)).code).toBe("step-archive-broken");
    answers = [{ status: 200, body: Buffer.from([0x1f, 0x8b, 1, 2, 3]) }];
    expect((await refusal(`foo "${url}"`)).code).toBe("step-archive-broken");
  });
});
