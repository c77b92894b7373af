import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { pack } from "tar-stream";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { StepSource, StepSpec } from "../core/job.ts";
import { systemClock } from "../lib/clock.ts";
import { gitRunner } from "./git-command.ts";
import { choose } from "./git-steps.ts";
import { createStepStore, type StepStoreOptions } from "./resolve-step.ts";
import { StepRefused } from "./step-refused.ts";

let root: string;
const never = new AbortController().signal;
/** Pauses are over at once; only the limit of an attempt is left waiting. */
const clock = {
  ...systemClock,
  after: (ms: number, run: () => void) => systemClock.after(ms > 60_000 ? ms : 0, run),
};

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "slipway-steps-"));
  await write(
    "library/npm-install/step.yml",
    "name: npm-install\nversion: 1.2.0\nproperties:\n  - name: options\n",
  );
  await write("library/npm-install/run.sh", "npm install\n");
  await write("library/npm-install/npm-install.test.ts", "");
  await write("library/add-to_known_hosts/step.yml", "name: add-to_known_hosts\nversion: 1.0.0\n");
  await mkdir(join(root, "project"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function write(path: string, text: string): Promise<void> {
  await mkdir(join(root, path, ".."), { recursive: true });
  await writeFile(join(root, path), text);
}

function store(options: Partial<StepStoreOptions> = {}) {
  return createStepStore({
    stepsDir: join(root, "cache"),
    bundledDir: join(root, "library"),
    baseDir: join(root, "project"),
    devSteps: true,
    fetch: globalThis.fetch,
    git: gitRunner({ PATH: process.env.PATH, HOME: root }),
    clock,
    ...options,
  });
}

function spec(source: StepSource): StepSpec {
  const names = { id: "x-1", ref: "x", owner: "wercker", name: "x", displayName: "x" };
  return { ...names, options: [], properties: [], source };
}

async function resolved(ref: string, options: Partial<StepStoreOptions> = {}) {
  const result = await store(options).resolve(ref, never);
  if (!result.ok) throw new Error(`${result.refusal.message}; ${result.refusal.hint}`);
  return result.value;
}

async function refusal(ref: string, options: Partial<StepStoreOptions> = {}) {
  const result = await store(options).resolve(ref, never);
  if (result.ok) throw new Error(`${ref} was found`);
  return result.refusal;
}

async function textOf(source: StepSource, path: string, options: Partial<StepStoreOptions> = {}) {
  const files = await store(options).files(spec(source), never);
  const content = files.find(file => file.path === path)?.content;
  return content === undefined ? undefined : Buffer.from(content).toString();
}

describe("scripts and internal steps", () => {
  test("code without a shebang stops at its first failure, code with one is taken as it is", async () => {
    expect(await textOf({ kind: "script", code: "make\nmake test" }, "run.sh")).toBe(
      "set -e\nmake\nmake test\n",
    );
    expect(await textOf({ kind: "script", code: "#!/bin/bash\nfalse\n" }, "run.sh")).toBe(
      "#!/bin/bash\nfalse\n",
    );
    expect(await textOf({ kind: "script", code: "" }, "run.sh")).toBe("set -e\n");
    expect((await store().files(spec({ kind: "script", code: "" }), never))[0]!.mode).toBe(0o755);
  });

  test("script is a script whoever owns it", async () => {
    const result = await store().resolve("me/script@1", never, "echo hi");
    expect(result).toMatchObject({
      ok: true,
      value: { name: "script", source: { kind: "script", code: "echo hi" } },
    });
  });

  test("the init step brings init.sh", async () => {
    expect(await textOf({ kind: "init" }, "init.sh")).toContain("setMessage()");
  });

  test("internal steps, dev steps, and what is neither", async () => {
    expect((await resolved("internal/docker-push")).source).toEqual({
      kind: "internal",
      action: "docker-push",
    });
    expect((await resolved("internal/watch")).ignored).toBeUndefined();
    expect((await resolved("internal/watch", { devSteps: false })).ignored).toBe(
      "Ignoring dev step: internal/watch",
    );
    expect(await refusal("internal/store-contaner")).toMatchObject({
      code: "step-not-found",
      hint: "did you mean internal/store-container?",
    });
    expect((await refusal("internal/zzz")).hint).toContain("internal/store-container");
  });
});

describe("the bundled library", () => {
  test("is found by name, brings all but its tests and its defaults", async () => {
    const step = await resolved("npm-install");
    expect(step).toMatchObject({
      owner: "wercker",
      name: "npm-install",
      source: { kind: "bundled", name: "npm-install", version: "1.2.0" },
      properties: [{ name: "options", default: "" }],
    });
    const files = await store().files(spec(step.source), never);
    expect(files.map(file => file.path)).toEqual(["run.sh", "step.yml"]);
  });

  test("either dash will do", async () => {
    const step = await resolved("add-to-known-hosts");
    expect(step.name).toBe("add-to-known-hosts");
    expect(step.source).toMatchObject({ name: "add-to_known_hosts" });
  });

  test("a version it does not have is told of", async () => {
    expect((await resolved("npm-install@^1")).warnings).toEqual([]);
    expect((await resolved("npm-install@2.0.0")).warnings[0]).toContain("npm-install 1.2.0 is used");
  });

  test("a job of a newer library is not run with an older one", async () => {
    await expect(
      textOf({ kind: "bundled", name: "npm-install", version: "1.3.0" }, "run.sh"),
    ).rejects.toThrow("1.3.0");
    expect(await textOf({ kind: "bundled", name: "npm-install", version: "1.0.0" }, "run.sh")).toBe(
      "npm install\n",
    );
  });

  test("what is nowhere names where it was looked for and what comes close", async () => {
    const told = await refusal("npm-instal");
    expect(told.code).toBe("step-not-found");
    expect(told.message).toContain(join(root, "library"));
    expect(told.hint).toContain("npm-install");
    expect((await refusal("someone/npm-install")).hint).toContain("git URL template");
  });
});

describe("file URLs", () => {
  test("are relative to the project and pinned by a digest", async () => {
    await write("project/steps/mine/run.sh", "echo mine\n");
    await write("project/steps/mine/step.yml", "properties:\n  a: {default: b}\n");
    const step = await resolved('mine "file://./steps/mine"');
    expect(step.source).toMatchObject({ kind: "file", path: "steps/mine" });
    expect(step.properties).toEqual([{ name: "a", default: "b" }]);
    expect(await textOf(step.source, "run.sh")).toBe("echo mine\n");
    await write("project/steps/mine/run.sh", "echo other\n");
    const changed = await textOf(step.source, "run.sh").catch(error => error);
    expect(changed).toBeInstanceOf(StepRefused);
    expect(changed.refusal).toMatchObject({ code: "step-changed", hint: "make the job anew" });
  });

  test("outside the project are refused where they are to be kept in", async () => {
    await write("other/run.sh", "");
    expect((await resolved('mine "file://../other"')).source).toMatchObject({ path: join(root, "other") });
    expect((await refusal('mine "file://../other"', { confineFiles: true })).code).toBe(
      "step-outside-project",
    );
    await symlink(join(root, "other"), join(root, "project/hidden"));
    expect((await refusal('mine "file://hidden"', { confineFiles: true })).code).toBe("step-outside-project");
  });

  test("a missing directory, a link that leads out, and a place without dev steps are told", async () => {
    expect((await refusal('mine "file:///nowhere/at/all"')).message).toContain(
      "/nowhere/at/all is not there",
    );
    await mkdir(join(root, "project/bad"));
    await symlink("../../secret", join(root, "project/bad/link"));
    expect((await refusal('mine "file://bad"')).code).toBe("step-archive-unsafe");
    expect((await refusal('mine "file://bad"', { devSteps: false })).message).toBe(
      "Dev mode is not enabled so refusing to copy local file urls: file://bad",
    );
  });

  test("a manifest that cannot be read is a warning", async () => {
    await write("project/m/step.yml", "a: [");
    expect((await resolved('m "file://m"')).warnings[0]).toContain("step.yml: the manifest cannot be read");
  });
});

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
    const files = await store().files(spec(step.source), never);
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
    await rm(join(root, "cache"), { recursive: true });
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
    await rm(join(root, "cache"), { recursive: true });
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

describe("git", () => {
  let template: string;

  function git(...args: string[]): string {
    const identity = ["-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "init.defaultBranch=main"];
    return execFileSync("git", [...identity, ...args], {
      cwd: join(root, "repos/step-foo"),
      encoding: "utf8",
    }).trim();
  }

  async function commit(text: string): Promise<string> {
    await write("repos/step-foo/run.sh", text);
    git("add", ".");
    git("commit", "-qm", "x");
    return git("rev-parse", "HEAD");
  }

  beforeEach(async () => {
    await mkdir(join(root, "repos/step-foo"), { recursive: true });
    template = join(root, "repos/step-{name}");
    git("init", "-q");
  });

  test("a range is resolved over the tags, the commit is pinned, and the job gets that commit later", async () => {
    const one = await commit("one\n");
    git("tag", "v1.0.0");
    git("tag", "-a", "-m", "x", "1.2.0");
    const two = await commit("two\n");
    git("tag", "2.0.0");
    git("tag", "3.0.0-rc1");
    const head = await commit("head\n");
    expect((await resolved("me/foo", { gitTemplate: template })).source).toMatchObject({
      commit: two,
      tag: "2.0.0",
    });
    const step = await resolved("me/foo@~1", { gitTemplate: template });
    expect(step.source).toEqual({
      kind: "git",
      url: join(root, "repos/step-foo"),
      commit: one,
      tag: "1.2.0",
    });
    await rm(join(root, "cache"), { recursive: true });
    expect(await textOf(step.source, "run.sh")).toBe("one\n");
    expect(head).not.toBe(two);
    const told = await refusal("me/foo@9", { gitTemplate: template });
    expect(told.message).toContain('no tag satisfies "9"');
    expect(told.hint).toContain("3.0.0-rc1");
  });

  test("without tags `*` is the default branch, looked up anew each time", async () => {
    const one = await commit("one\n");
    expect((await resolved("foo", { gitTemplate: template })).source).toMatchObject({ commit: one });
    const two = await commit("two\n");
    const step = await resolved("foo", { gitTemplate: template });
    expect(step.source).toEqual({ kind: "git", url: join(root, "repos/step-foo"), commit: two });
    expect(await textOf(step.source, "run.sh")).toBe("two\n");
  });

  test("a repository that is not there is named among the places looked at", async () => {
    const told = await refusal("me/bar", { gitTemplate: template });
    expect(told.message).toContain("the bundled library");
    expect(told.message).toContain(join(root, "repos/step-bar"));
  });

  test("a host that is away is stood in for by what it said last; without that it is no refusal", async () => {
    const one = await commit("one\n");
    await resolved("foo", { gitTemplate: template });
    const away: Partial<StepStoreOptions> = {
      gitTemplate: template,
      git: async () => ({
        status: 128,
        stdout: Buffer.alloc(0),
        stderr: "fatal: unable to access: Could not resolve host",
      }),
    };
    const step = await resolved("foo", away);
    expect(step.source).toMatchObject({ commit: one });
    expect(step.warnings[0]).toContain("Could not resolve host");
    await expect(resolved("other", away)).rejects.toMatchObject({ code: "step-fetch-failed" });
  });

  test("no template turns a name into a command or an option", async () => {
    const spied: string[][] = [];
    const spy: StepStoreOptions["git"] = async args => {
      spied.push(args);
      return { status: 128, stdout: Buffer.alloc(0), stderr: "fatal: not found" };
    };
    for (const gitTemplate of [
      "ext::sh -c {name}",
      "--upload-pack={name}",
      "https://u:secret@git.example/{name}",
    ]) {
      const told = await refusal("me/foo", { gitTemplate, git: spy });
      expect(told.code).toBe("step-reference-invalid");
      expect(told.message).not.toContain("secret");
    }
    expect(spied).toEqual([]);
  });

  test("a pinned bundled version that is not there is looked for in git first", async () => {
    await rename("npm-install");
    const gitTemplate = join(root, "repos/step-{name}");
    expect((await resolved("npm-install@^1", { gitTemplate })).source.kind).toBe("bundled");
    expect((await resolved("npm-install@4.0.0", { gitTemplate })).source.kind).toBe("git");
  });

  async function rename(name: string): Promise<void> {
    await commit("of git\n");
    git("tag", "4.0.0");
    execFileSync("cp", ["-r", join(root, "repos/step-foo"), join(root, `repos/step-${name}`)]);
  }
});

test("of a listing the peeled commit of an annotated tag counts, and nonsense lines do not", async () => {
  const a = "a".repeat(40);
  const b = "b".repeat(40);
  const listing = `${a}\tHEAD\nnonsense\n${a}\trefs/tags/1.0.0\n${b}\trefs/tags/1.0.0^{}\nzz\trefs/tags/2.0.0\n`;
  expect(await choose(listing, "*")).toEqual({ ok: true, value: { commit: b, tag: "1.0.0" } });
  expect(await choose(listing, "1.0.0")).toEqual({ ok: true, value: { commit: b, tag: "1.0.0" } });
});

test("no listing and no version make the choice throw", async () => {
  const piece = fc.constantFrom(
    "a".repeat(40),
    "\t",
    "\n",
    "refs/tags/",
    "HEAD",
    "v1.2.3",
    "1.0",
    "^{}",
    "x",
    ">=",
    "*",
    " ",
  );
  await fc.assert(
    fc.asyncProperty(fc.array(piece), fc.array(piece), async (listing, version) => {
      const chosen = await choose(listing.join(""), version.join(""));
      if (chosen.ok) expect(chosen.value.commit).toMatch(/^[0-9a-f]{40}$/);
    }),
  );
});
