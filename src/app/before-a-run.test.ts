// What is found out before a run begins: environment, git, targets, limits of how much goes side by side.

import { execFile } from "node:child_process";
import { mkdir, readdir, readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { packEntries } from "../lib/tar/pack-entries.ts";
import { gitRunner } from "../steps/git-command.ts";
import { fetchProject } from "./fetch-project.ts";
import { projectWith } from "./fixtures/project.ts";
import { readGitInfo } from "./git-info.ts";
import { readHostEnvironment } from "./host-environment.ts";
import { newRunId } from "./ids.ts";
import { limitTo, sideBySide } from "./side-by-side.ts";
import { worstOutcome } from "./worst-outcome.ts";

describe("the host's environment", () => {
  test("is that of the process with what the file adds; the process wins", async () => {
    await using place = await projectWith({ ENVIRONMENT: "X_A=file\nX_B=file\n" });
    const read = await readHostEnvironment(place.dir, { X_A: "process", GONE: undefined });
    expect(read.ok && read.value.entries).toEqual([
      { name: "X_A", value: "process" },
      { name: "X_B", value: "file" },
    ]);
  });

  test("is warned about by name; no value comes near the warning", async () => {
    await using place = await projectWith({
      ENVIRONMENT: 'PASSWORD=hunter2\n# PIN=1234\nXXX_KEY="-----BEGIN\nMIIsecret\n',
    });
    const read = await readHostEnvironment(place.dir, {});
    const value = read.ok ? read.value : undefined;
    expect(value?.problems[0]?.message).toContain("PASSWORD");
    expect(value?.file?.text).toBe("PASSWORD=***\n***\nXXX_KEY=***\n***\n");
    expect(JSON.stringify(value?.problems)).not.toMatch(/hunter2|1234|BEGIN|MIIsecret/);
  });

  test("needs no file, unless one was asked for", async () => {
    await using place = await projectWith({});
    expect((await readHostEnvironment(place.dir, {})).ok).toBe(true);
    const asked = await readHostEnvironment(place.dir, {}, "missing.env");
    expect(asked).toMatchObject({ ok: false, refusal: { code: "environment-file" } });
  });
});

describe("git", () => {
  const git = gitRunner({ PATH: process.env.PATH });
  const none = new AbortController().signal;

  test("tells branch, the last tag and commit", async () => {
    await using place = await projectWith({ "a.txt": "a" });
    const run = (...args: string[]) => promisify(execFile)("git", args, { cwd: place.dir });
    await run("init", "-q", "-b", "feature/x");
    await run("add", "a.txt");
    await run("-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-qm", "first");
    await run("tag", "v1");
    await run("tag", "v2");
    const info = await readGitInfo(git, place.dir, none);
    expect(info).toEqual({ branch: "feature/x", tag: "v2", commit: expect.stringMatching(/^[0-9a-f]{40}$/) });
    await run("checkout", "-q", "--detach");
    expect((await readGitInfo(git, place.dir, none)).branch).toBe("");
  });

  test("knows nothing of a directory without it, nor of one without a commit", async () => {
    await using place = await projectWith({});
    const empty = { branch: "", tag: "", commit: "" };
    expect(await readGitInfo(git, place.dir, none)).toEqual(empty);
    await promisify(execFile)("git", ["init", "-q"], { cwd: place.dir });
    expect(await readGitInfo(git, place.dir, none)).toEqual(empty);
  });
});

describe("a target that is a URL", () => {
  async function serve(status: number, body: Uint8Array) {
    const logins: (string | undefined)[] = [];
    const server = createServer((request, answer) => {
      logins.push(request.headers.authorization);
      answer.writeHead(status).end(body);
    });
    await new Promise<void>(resolve => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    return {
      url: `http://127.0.0.1:${port}/repos/shop.tar.gz`,
      port,
      logins,
      [Symbol.asyncDispose]: async () => {
        await new Promise(resolve => {
          server.close(resolve);
          server.closeAllConnections();
        });
      },
    };
  }

  async function tarball(name: string): Promise<Uint8Array> {
    const entries = [{ kind: "file" as const, path: name, content: Buffer.from("box: b\n") }];
    const parts: Uint8Array[] = [];
    for await (const part of packEntries(entries, { owner: { uid: 0, gid: 0 }, mtime: 0 })) parts.push(part);
    return gzipSync(Buffer.concat(parts));
  }

  test("is fetched and unpacked below the working directory", async () => {
    await using place = await projectWith({});
    await using server = await serve(200, await tarball("slipway.yml"));
    const fetched = await fetchProject(server.url, place.dir, new AbortController().signal);
    expect(fetched).toEqual({ ok: true, value: path.join(place.dir, "projects", "shop") });
    expect(await readFile(path.join(place.dir, "projects", "shop", "slipway.yml"), "utf8")).toBe("box: b\n");
    expect(await readdir(path.join(place.dir, "projects"))).toEqual(["shop"]);
  });

  test("may hold a login, which stands in no message", async () => {
    await using place = await projectWith({});
    await using server = await serve(404, Buffer.from(""));
    const url = `http://somebody:s%40cret@127.0.0.1:${server.port}/x.tgz?token=t0ken`;
    const fetched = await fetchProject(url, place.dir, new AbortController().signal);
    expect(server.logins).toEqual([`Basic ${Buffer.from("somebody:s@cret").toString("base64")}`]);
    expect(fetched).toMatchObject({
      refusal: { message: `http://127.0.0.1:${server.port}/x.tgz answers 404 Not Found` },
    });
  });

  test("that leads out of its directory, is no archive, or is not there, is refused and leaves nothing", async () => {
    await using place = await projectWith({});
    await mkdir(path.join(place.dir, "projects"));
    for (const [status, body] of [
      [200, await tarball("../../escaped")],
      [200, Buffer.from("no archive")],
      [404, Buffer.from("")],
    ] as const) {
      await using server = await serve(status, body);
      const fetched = await fetchProject(server.url, place.dir, new AbortController().signal);
      expect(fetched).toMatchObject({ ok: false, refusal: { code: "target-tarball" } });
      expect(await readdir(path.join(place.dir, "projects"))).toEqual([]);
    }
    await using broken = await serve(503, Buffer.from(""));
    await expect(fetchProject(broken.url, place.dir, new AbortController().signal)).rejects.toThrow(
      "answers 503",
    );
  });
});

describe("side by side", () => {
  test("no more than the limit at once, results in order", async () => {
    let now = 0;
    let most = 0;
    const results = await sideBySide([3, 1, 2, 5, 4], limitTo(2), async item => {
      most = Math.max(most, ++now);
      for (let turn = 0; turn < item; turn++) await Promise.resolve();
      now -= 1;
      return item * 10;
    });
    expect(most).toBe(2);
    expect(results).toEqual([30, 10, 20, 50, 40]);
  });

  test("a failure is thrown when the others have ended", async () => {
    const ended: number[] = [];
    const work = sideBySide([1, 2, 3], limitTo(3), async item => {
      if (item === 1) throw new Error("one");
      await Promise.resolve();
      ended.push(item);
    });
    await expect(work).rejects.toThrow("one");
    expect(ended).toEqual([2, 3]);
  });
});

test("a real no weighs more than a fault of the machine, and a cancel more than all", () => {
  expect(worstOutcome(["passed", "skipped"])).toBe("passed");
  expect(worstOutcome(["broken", "passed", "failed"])).toBe("failed");
  expect(worstOutcome(["passed", "broken"])).toBe("broken");
  expect(worstOutcome(["failed", "canceled"])).toBe("canceled");
  expect(worstOutcome([])).toBe("failed");
});

test("ids of runs are 24 hexadecimal digits that grow with time", () => {
  expect(newRunId(Date.UTC(2026, 0, 1))).toMatch(/^[0-9a-f]{24}$/);
  expect(newRunId(1_000_000_000_000) < newRunId(1_000_000_001_000)).toBe(true);
});
