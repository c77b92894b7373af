import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import fc from "fast-check";
import { expect, test } from "vitest";
import { fetchJob } from "../../app/remote/fetch-job.ts";
import { createClient } from "../../client/client.ts";
import type { Job } from "../../core/job.ts";
import { packDirectory } from "../../lib/tar/pack-directory.ts";
import { compressed } from "../../remote/packed-archives.ts";
import { UsageError } from "../context.ts";
import { callProgram } from "../fixtures/call-program.ts";
import { idOf } from "../fixtures/sample-answers.ts";
import { Refused, type StandInAnswers, startStandIn } from "../fixtures/stand-in-server.ts";
import { readValues } from "./replay.ts";

const place = () => mkdtempSync(path.join(os.tmpdir(), "slipway-replay-"));
const { signal } = new AbortController();

async function archive(files: Record<string, string>): Promise<Uint8Array> {
  const root = place();
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(root, name), text);
  const tar = packDirectory({ root, prefix: "", owner: { uid: 0, gid: 0 }, signal, skip: [] });
  return buffer(Readable.from(compressed(tar)));
}

const step = (id: string, displayName: string) => ({ id, displayName, name: "script" });
const spec = {
  pipeline: "build",
  steps: [step("s1", "make"), step("s2", "check")],
  afterSteps: [step("a1", "tell")],
  artifacts: [{ name: "site" }],
  environment: [
    { name: "A", value: "old" },
    { name: "B", value: "b" },
  ],
  secrets: [{ name: "TOKEN", exported: true }],
};
const replay = (more: object = {}) => ({
  ...{ spec, variables: { A: "new" }, protectedNames: ["TOKEN", "OTHER"], source: { kind: "inputs" } },
  ...{ inputs: [], hasCache: false },
  ...more,
});

async function fetched(answers: StandInAnswers, more: { step?: string } = {}) {
  await using server = await startStandIn(answers);
  const target = path.join(place(), "target");
  const said: string[] = [];
  const client = createClient({ url: server.url, token: "t", retryMs: [] });
  const job = await fetchJob({
    ...{
      client,
      jobId: idOf(10),
      target,
      signal,
      environment: { ...process.env, GIT_CONFIG_GLOBAL: "/dev/null" },
    },
    say: text => void said.push(text),
    ...more,
  });
  return { ...job, target, said, spec: JSON.parse(readFileSync(job.jobFile, "utf8")) as Job };
}

test("a sent source, its inputs and its cache come to where the run looks for them", async () => {
  const archives = await Promise.all([
    archive({ "slipway.yml": "" }),
    archive({ out: "1" }),
    archive({ cached: "2" }),
  ]);
  const {
    directory,
    spec: job,
    protectedNames,
  } = await fetched({
    getReplay: () =>
      replay({
        source: { kind: "sent" },
        inputs: [{ directory: "build/linux", jobId: idOf(11), artifact: 3 }],
        hasCache: true,
      }),
    getReplaySource: () => archives[0],
    getArtifact: () => archives[1],
    getReplayCache: () => archives[2],
  });
  expect(readdirSync(directory).sort()).toEqual([".slipway", "build", "slipway.yml"]);
  expect(readFileSync(path.join(directory, "build", "linux", "out"), "utf8")).toBe("1");
  expect(readFileSync(path.join(directory, ".slipway", "cache", "cached"), "utf8")).toBe("2");
  expect(job.environment).toEqual([
    { name: "B", value: "b" },
    { name: "A", value: "new" },
  ]);
  expect(protectedNames).toEqual(["TOKEN", "OTHER"]);
  expect(job.secrets.map(({ name }) => name)).toEqual(["TOKEN", "OTHER"]);
});

test("a cache that has gone meanwhile is none; a source that has gone is told", async () => {
  const { directory } = await fetched({
    getReplay: () => replay({ hasCache: true }),
    getReplayCache: () => new Refused(404, { code: "not-found", detail: "gone" }),
  });
  expect(existsSync(path.join(directory, ".slipway"))).toBe(false);
  const answers: StandInAnswers = {
    getReplay: () => replay({ source: { kind: "sent" } }),
    getReplaySource: () => new Refused(410, { code: "gone", detail: "no longer kept" }),
  };
  await expect(fetched(answers)).rejects.toThrow("no longer kept");
});

test("up to a step: what follows is a shell, and nothing is told or stored after it", async () => {
  const answers: StandInAnswers = { getReplay: () => replay() };
  for (const name of ["s2", "check"]) {
    const { spec: job } = await fetched(answers, { step: name });
    expect(job.steps.map(({ displayName }) => displayName)).toEqual(["make", "shell before check"]);
    expect(job.steps[1]!.source).toEqual({ kind: "internal", action: "shell" });
    expect([job.afterSteps, job.artifacts]).toEqual([[], []]);
  }
  await expect(fetched(answers, { step: "other" })).rejects.toThrow('no step "other"');
});

test("a commit is cloned with the person's git", async () => {
  const repository = path.join(place(), "shop");
  const git = (...args: string[]) =>
    execFileSync("git", ["-c", "user.name=somebody", "-c", "user.email=s@example.org", ...args], {
      env: { ...process.env, GIT_CONFIG_GLOBAL: "/dev/null" },
      encoding: "utf8",
    }).trim();
  git("init", "--quiet", repository);
  writeFileSync(path.join(repository, "file"), "first");
  git("-C", repository, "add", ".");
  git("-C", repository, "commit", "--quiet", "-m", "first");
  const commit = git("-C", repository, "rev-parse", "HEAD");
  const source = { kind: "git", repository: `file://${repository}`, commit };
  const { directory } = await fetched({ getReplay: () => replay({ source }) });
  expect(readFileSync(path.join(directory, "file"), "utf8")).toBe("first");
});

test.each([
  ["ext::sh -c 'touch owned'", "0".repeat(40)],
  ["--upload-pack=touch owned", "0".repeat(40)],
  ["/srv/git/shop", "0".repeat(40)],
  ["https://git.example.org/shop.git", "--force"],
  ["https://git.example.org/shop.git", "main"],
])("%s at %s is no commit of a repository", async (repository, commit) => {
  const source = { kind: "git", repository, commit };
  await expect(fetched({ getReplay: () => replay({ source }) })).rejects.toThrow("names no commit");
});

test.each(["../outside", "/tmp/outside", "a/../../b"])(
  "an input at %s stays inside the source",
  async directory => {
    const content = await archive({ out: "1" });
    const answers: StandInAnswers = {
      getReplay: () => replay({ inputs: [{ directory, jobId: idOf(11), artifact: 3 }] }),
      getArtifact: () => content,
    };
    const result = await fetched(answers).then(
      ({ target }) => readdirSync(path.dirname(target)),
      (error: Error) => error.message,
    );
    if (typeof result === "string") expect(result).toContain("outside the source");
    else expect(result).toEqual(["target"]);
  },
);

test("values of a file: with or without the prefix of local runs, quotes taken off, mistakes by their line alone", () => {
  const text = "# remark\n\nTOKEN=a=b\nXXX_OTHER='q q'\nexport THIRD=\"x\"\n";
  expect(Object.fromEntries(readValues(text, "f"))).toEqual({ TOKEN: "a=b", OTHER: "q q", THIRD: "x" });
  expect(() => readValues("A=1\nsecretvalue\n", "f")).toThrow("line 2 of f is not NAME=VALUE");
  fc.assert(
    fc.property(fc.string(), anything => {
      try {
        readValues(anything, "f");
      } catch (error) {
        expect(error).toBeInstanceOf(UsageError);
      }
    }),
  );
});

test("a shell needs a terminal, and that is said before anything is fetched", async () => {
  await using server = await startStandIn({});
  const env = { HOME: place(), SLIPWAY_SERVER: server.url, SLIPWAY_TOKEN: "swp_test" };
  const ended = await callProgram(["replay", idOf(1), "--step", "make"], { env });
  expect(ended).toMatchObject({ code: 2, stderr: expect.stringContaining("there is no terminal") });
  expect(server.asked).toEqual([]);
});
