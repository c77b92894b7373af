import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { expect, test } from "vitest";
import { packDirectory } from "../../lib/tar/pack-directory.ts";
import { compressed } from "../../remote/packed-archives.ts";
import { callProgram } from "../fixtures/call-program.ts";
import {
  idOf,
  sampleAttempt,
  sampleJob,
  sampleProject,
  sampleRun,
  summaryOf,
} from "../fixtures/sample-answers.ts";
import { Refused, type StandInAnswers, startStandIn } from "../fixtures/stand-in-server.ts";

const place = () => mkdtempSync(path.join(os.tmpdir(), "slipway-commands-"));
const time = "2026-01-02T03:04:05.000Z";

/** Calls one command against the stand-in; what was asked of it stands beside the answer. */
async function call(args: string[], answers: StandInAnswers, options: { input?: string; cwd?: string } = {}) {
  await using server = await startStandIn(answers);
  const cwd = options.cwd ?? place();
  const env = {
    HOME: cwd,
    SLIPWAY_SERVER: server.url,
    SLIPWAY_TOKEN: "swp_test",
    SLIPWAY_PROJECT: "main/shop",
  };
  const called = await callProgram(args, { ...options, cwd, env });
  return { ...called, asked: server.asked, cwd };
}

async function archive(files: Record<string, string>): Promise<Uint8Array> {
  const root = place();
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(root, name), text);
  const tar = packDirectory({
    root,
    prefix: "",
    owner: { uid: 0, gid: 0 },
    signal: new AbortController().signal,
    skip: [],
  });
  return buffer(Readable.from(compressed(tar)));
}

test("runs: filters reach the server, the page is told, and --json is the page", async () => {
  const answers: StandInAnswers = { listRuns: () => ({ items: [summaryOf(sampleRun())], next: "more" }) };
  const args = ["runs", "--branch", "main", "--outcome", "failed", "--limit", "5", "--after", "page"];
  const { code, stdout, stderr, asked } = await call(args, answers);
  expect(code).toBe(0);
  expect(asked[0]).toMatchObject({
    params: { organisation: "main", project: "shop" },
    query: { branch: "main", outcome: "failed", limit: 5, after: "page" },
  });
  expect(asked[0]!.headers.authorization).toBe("Bearer swp_test");
  expect(stdout).toMatch(
    /^RUN .*\n#7 +passed +push +main +0123456789 +build +3\.00s +somebody +Mend the door\n$/,
  );
  expect(stderr).toBe("more: --after more\n");
  const page = JSON.parse((await call(["runs", "other/one", "--json"], answers)).stdout) as { next: string };
  expect(page.next).toBe("more");
});

test("lists go on to the last page, one object a line with --json", async () => {
  const items = [1, 2, 3].map(n => ({ name: `c${n}`, settings: {}, workers: n }));
  const answers: StandInAnswers = {
    listClasses: ({ query }) =>
      query.after === undefined ? { items: items.slice(0, 2), next: "b" } : { items: items.slice(2) },
  };
  const { stdout } = await call(["classes", "--json"], answers);
  expect(
    stdout
      .trim()
      .split("\n")
      .map(line => (JSON.parse(line) as { name: string }).name),
  ).toEqual(["c1", "c2", "c3"]);
  expect((await call(["classes"], answers)).stdout.split("\n")).toHaveLength(5);
  expect((await call(["classes"], { listClasses: () => ({ items: [] }) })).stdout).toBe("no classes\n");
});

test("texts of the server do not steer the terminal", async () => {
  const run = sampleRun({
    message: "\u001b]0;title\u0007x",
    branch: "main",
    jobs: [sampleJob({ detail: "a\u001b[2Jb" })],
  });
  const answers: StandInAnswers = {
    listRuns: () => ({ items: [summaryOf(run)] }),
    getRun: () => run,
    listQueue: () => new Refused(409, { code: "x", detail: "no\u001b[31m", hint: "\u009bm" }),
  };
  for (const args of [["runs"], ["show", idOf(1)], ["queue"]]) {
    const { stdout, stderr } = await call(args, answers);
    // Nothing below the space but the line's end.
    expect([...(stdout + stderr)].filter(letter => letter < " " && letter !== "\n")).toEqual([]);
    expect(stdout + stderr).toContain("\ufffd");
  }
});

test.each<[number, number]>([
  [400, 2],
  [401, 1],
  [403, 1],
  [404, 1],
  [409, 1],
  [422, 2],
  [500, 3],
  [503, 3],
])(
  "an answer with %d ends with %d, and says what happened and what to do",
  async (status, code) => {
    const ended = await call(["queue"], {
      listQueue: () => new Refused(status, { code: "x", detail: "it said no", hint: "do it otherwise" }),
    });
    expect(ended.code).toBe(code);
    expect(ended.stdout).toBe("");
    expect(ended.stderr).toContain("slipway: it said no\n");
    expect(ended.stderr).toContain(status === 401 ? "slipway login" : "do it otherwise");
  },
  20_000,
);

test("a server that does not answer ends with 3 and what to look at", async () => {
  await using server = await startStandIn({});
  const { url } = server;
  await server[Symbol.asyncDispose]();
  const ended = await callProgram(["cancel", idOf(1)], { env: { HOME: place(), SLIPWAY_SERVER: url } });
  expect(ended).toMatchObject({ code: 3, stdout: "" });
  expect(ended.stderr).toContain(`${url} does not answer`);
  expect(ended.stderr).toContain("check the address");
});

test("a server that does not know a call is said to be older", async () => {
  const { code, stderr } = await call(["workers"], {
    listWorkers: () => new Refused(404, { code: "not-found", detail: "there is no /api/v1/workers" }),
  });
  expect(code).toBe(1);
  expect(stderr).toContain("older than this program");
});

test("projects: without an organisation a name is looked for, and a number is of the project", async () => {
  const answers: StandInAnswers = {
    listProjects: () => ({
      items: [sampleProject(), sampleProject({ organisation: "other" }), sampleProject({ name: "shop2" })],
    }),
    findRun: ({ params }) => sampleRun({ number: Number(params.number) }),
    getRun: () => sampleRun(),
  };
  const many = await call(["show", "shop#3"], answers);
  expect(many).toMatchObject({ code: 2, stderr: expect.stringContaining("main/shop, other/shop") });
  const one = await call(["show", "shop2#3"], answers);
  expect(one.asked.map(({ id }) => id)).toEqual(["listProjects", "findRun", "getRun"]);
  expect(one.asked[1]!.params).toMatchObject({ project: "shop2", number: 3 });
});

test("projects: how long runs and logs are kept is set in days, and 0 takes the limit away", async () => {
  const answers: StandInAnswers = {
    changeProject: ({ body }) => sampleProject(body as Record<string, unknown>),
  };
  const set = await call(["projects", "set", "main/shop", "--run-days", "30", "--log-days", "1"], answers);
  expect(set.asked[0]!.body).toEqual({ runDays: 30, logDays: 1 });
  expect(set.stdout).toMatch(/keeps runs +30 days\n/);
  expect(set.stdout).toMatch(/keeps logs and artifacts +1 day\n/);
  const unset = await call(["projects", "set", "main/shop", "--run-days", "0", "--log-days", "0"], answers);
  expect(unset.asked[0]!.body).toEqual({ runDays: null, logDays: null });
  expect(unset.stdout).toMatch(/keeps runs +90 days\n/);
  expect(unset.stdout).toContain("as long as their run");
  const wrong = await call(["projects", "set", "main/shop", "--run-days", "a week"], answers);
  expect(wrong).toMatchObject({ code: 2, asked: [] });
});

test("values of variables never stand on the command line; they come from standard input or a file", async () => {
  const variable = {
    name: "TOKEN",
    protected: true,
    value: null,
    pipeline: null,
    branches: null,
    events: null,
    updatedAt: time,
  };
  const answers: StandInAnswers = { setVariable: () => variable, setOrganisationVariable: () => variable };
  const piped = await call(["secrets", "set", "TOKEN", "--branch", "main"], answers, {
    input: "from the pipe\n",
  });
  expect(piped.asked[0]!.body).toEqual({
    value: "from the pipe",
    protected: true,
    branches: ["main"],
    events: null,
  });
  const cwd = place();
  writeFileSync(path.join(cwd, "key"), "line 1\nline 2\n");
  const args = ["variables", "set", "KEY", "--plain", "--from-file", "key", "--organisation", "main"];
  const fromFile = await call(args, answers, { cwd });
  expect(fromFile.asked[0]!.body).toMatchObject({ value: "line 1\nline 2\n", protected: false });
  for (const words of [
    ["secrets", "set", "TOKEN=abc"],
    ["secrets", "set", "TOKEN", "abc"],
  ]) {
    const refused = await call(words, answers);
    expect(refused).toMatchObject({ code: 2, asked: [] });
    expect(refused.stderr).not.toContain("abc");
  }
});

test("what is no number makes no token that never expires", async () => {
  const refused = await call(["tokens", "create", "x", "--days", "abc"], {});
  expect(refused).toMatchObject({ code: 2, asked: [] });
  const token = {
    id: 3,
    kind: "personal",
    name: "x",
    role: null,
    classes: [],
    expiresAt: null,
    lastUsedAt: null,
    createdAt: time,
    secret: "swp_new",
  };
  const made = await call(["tokens", "create", "x", "--days", "never"], { createToken: () => token });
  expect(made.asked[0]!.body).toEqual({ name: "x", role: null, days: null });
  // The secret alone on standard output, for `> file`.
  expect(made.stdout).toBe("swp_new\n");
});

test("an artifact is unpacked into a new directory, and into nothing that is in use", async () => {
  const item = {
    id: 4,
    jobId: idOf(10),
    attemptId: idOf(100),
    job: "build",
    name: "site",
    files: 1,
    bytes: 9,
    expiresAt: null,
    createdAt: time,
  };
  const content = await archive({ "index.html": "<p>" });
  const answers: StandInAnswers = {
    listArtifacts: () => ({ items: [item, { ...item, id: 5, name: "../up" }] }),
    getArtifact: () => content,
  };
  const cwd = place();
  const got = await call(["artifacts", "get", idOf(1), "site"], answers, { cwd });
  expect(got).toMatchObject({ code: 0, stdout: `${path.join(cwd, "site")}\n` });
  expect(readFileSync(path.join(cwd, "site", "index.html"), "utf8")).toBe("<p>");
  for (const output of [["-o", "."], ["-o", "site"], []]) {
    expect((await call(["artifacts", "get", idOf(1), "site", ...output], answers, { cwd })).code).toBe(2);
  }
  expect(readdirSync(cwd)).toEqual(["site"]);
  expect(await call(["artifacts", "get", idOf(1), "../up"], answers, { cwd })).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("--output"),
  });
  const broken = await call(
    ["artifacts", "get", idOf(1), "site", "-o", "other"],
    { ...answers, getArtifact: () => content.subarray(0, 20) },
    { cwd },
  );
  expect(broken.code).toBe(3);
  expect(readdirSync(cwd)).toEqual(["site"]);
});

test("logs: the bytes as they are, of a step by the name that people read", async () => {
  const bytes = Uint8Array.from([0xff, 0x1b, 0x0a]);
  const answers: StandInAnswers = {
    getRun: () =>
      sampleRun({
        jobs: [sampleJob({ attempts: [sampleAttempt(), sampleAttempt({ id: idOf(101), number: 2 })] })],
      }),
    getJob: () => ({
      ...sampleJob(),
      spec: { steps: [{ id: "script-1", name: "script", displayName: "make it" }] },
    }),
    getLogSteps: () => ({ steps: [], totalLines: 0, totalBytes: 0, complete: true }),
    getLog: () => bytes,
  };
  const { asked, code } = await call(["logs", idOf(1), "--step", "make it"], answers);
  expect(code).toBe(0);
  expect(asked.at(-1)).toMatchObject({
    id: "getLog",
    params: { attempt: idOf(101) },
    query: { step: "script-1" },
  });
  expect(await call(["logs", idOf(1), "--step", "other"], answers)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("there are: make it"),
  });
  expect((await call(["logs", idOf(1), "--step", "make it", "-f"], answers)).code).toBe(2);
});

test("trigger sends what was said, and nothing else", async () => {
  const answers: StandInAnswers = {
    createRun: () => summaryOf(sampleRun({ state: "planning", outcome: null })),
  };
  const args = [
    "trigger",
    "--branch",
    "main",
    "--workflow",
    "ship",
    "--var",
    "A=b=c",
    "--var",
    "EMPTY=",
    "--priority",
    "-5",
  ];
  const { asked, stdout, code } = await call(args, answers);
  expect(code).toBe(0);
  expect(asked[0]!.body).toEqual({
    branch: "main",
    workflow: "ship",
    variables: { A: "b=c", EMPTY: "" },
    priority: -5,
    message: "",
  });
  expect(asked[0]!.headers["idempotency-key"]).toBeTruthy();
  expect(stdout).toContain("started main/shop#7");
  const wrong = await call(["trigger", "--var", "secretvalue"], answers);
  expect(wrong).toMatchObject({ code: 2, asked: [] });
  expect(wrong.stderr).not.toContain("secretvalue");
});

test("a working tree is sent as a run here would take it; flags of here are refused", async () => {
  const cwd = place();
  writeFileSync(
    path.join(cwd, "slipway.yml"),
    'ignore-file: hidden\nbuild: {steps: [{script: {code: "true"}}]}\n',
  );
  writeFileSync(path.join(cwd, "hidden"), "big\n");
  writeFileSync(path.join(cwd, "big"), "x");
  writeFileSync(path.join(cwd, "small"), "uncommitted");
  mkdirSync(path.join(cwd, ".slipway"));
  const answers: StandInAnswers = {
    sendSource: ({ body }) => ({ source: "source/abc", bytes: (body as Uint8Array).length }),
    createRun: () => summaryOf(sampleRun({ state: "planning", outcome: null })),
  };
  const { asked, code } = await call(["run", "--remote", "--detach"], answers, { cwd });
  expect(code).toBe(0);
  expect(asked[1]!.body).toMatchObject({ pipeline: "build", source: "source/abc" });
  const target = path.join(place(), "unpacked");
  const { unpackAnswer } = await import("../../app/remote/unpack-answer.ts");
  const body = Readable.from([asked[0]!.body as Buffer]);
  await unpackAnswer({ status: 200, headers: new Headers(), body }, target);
  expect(readdirSync(target).sort()).toEqual(["hidden", "slipway.yml", "small"]);
  expect(await call(["run", "--remote", "--engine", "host"], answers, { cwd })).toMatchObject({
    code: 2,
    asked: [],
    stderr: expect.stringContaining("--engine has no effect on a server"),
  });
  writeFileSync(path.join(cwd, "slipway.yml"), "build: [\n");
  expect(await call(["run", "--remote"], answers, { cwd })).toMatchObject({ code: 2, asked: [] });
});

test("a server that is away while a run is followed is waited for, and that is said", async () => {
  const running = sampleRun({ state: "running", outcome: null, finishedAt: null });
  let calls = 0;
  const { code, stdout } = await call(["logs", "-f", idOf(1)], {
    getRun: () => running,
    followRun: () => {
      calls++;
      if (calls === 1) return { events: [{ event: "run", data: summaryOf(running) }] };
      if (calls === 2) return new Refused(503, { code: "away", detail: "no database" });
      return {
        events: [
          { event: "run", data: summaryOf(sampleRun()) },
          { event: "end", data: {} },
        ],
      };
    },
  });
  expect(code).toBe(0);
  expect(stdout).toMatch(/does not answer; the run goes on[\s\S]*answers again/);
  expect(calls).toBe(3);
});
