import fc from "fast-check";
import { expect, test } from "vitest";
import type { Job } from "../core/job.ts";
import { parseJob } from "./job-schema.ts";

const step: Job["steps"][number] = {
  id: "script-0000",
  ref: "script",
  owner: "wercker",
  name: "script",
  displayName: "greet",
  cwd: "sub",
  checkpoint: "half",
  options: [{ name: "code", value: "echo hi" }],
  properties: [{ name: "code", default: "" }],
  source: { kind: "script", code: "echo hi" },
  timeoutMs: 1000,
  retry: { attempts: 2, delayMs: 10 },
  when: { branch: ["main"], tag: ["v*"], event: ["push"], result: ["failed"] },
  env: [{ name: "A", value: "b" }],
  allowFailure: true,
};

/** A job with everything that a job can have. */
const full: Required<Job> = {
  version: 1,
  dialect: "slipway",
  runId: "5f0000000000000000000001",
  pipeline: "build",
  kind: "build",
  project: { id: "shop", name: "shop", owner: "somebody" },
  trigger: { event: "push", branch: "main", tag: "v1" },
  environment: [{ name: "CI", value: "true" }],
  secrets: [{ name: "TOKEN", exported: true }],
  box: {
    id: "node",
    tag: "24",
    name: "box",
    cmd: "/bin/sh",
    entrypoint: "/bin/sh -c",
    env: [{ name: "A", value: "b" }],
    ports: ["80"],
    volumes: "/a:/b",
    url: "file://x#y",
    auth: { username: "u", password: "$TOKEN" },
    ready: { port: 80, command: "true", timeoutMs: 1 },
  },
  services: [{ id: "redis", env: [], ports: [], auth: {} }],
  sourceDir: "src",
  basePath: "/go/src",
  steps: [
    step,
    { ...step, source: { kind: "init" } },
    { ...step, source: { kind: "internal", action: "docker-push" } },
    { ...step, source: { kind: "bundled", name: "npm-test", version: "1.0.0" } },
    { ...step, source: { kind: "file", path: "/a", digest: "sha256:0" } },
    { ...step, source: { kind: "tarball", url: "https://x/y.tgz", digest: "sha256:0" } },
    { ...step, source: { kind: "git", url: "https://x/y", commit: "abc", tag: "v1" } },
  ],
  afterSteps: [step],
  docker: true,
  limits: { commandMs: 1, noResponseMs: 2, pipelineMs: 3 },
  resources: { cpu: 0.5, memoryBytes: 1, ephemeralStorageBytes: 2, arch: "arm64" },
  class: "large",
  concurrency: { group: "g", cancelInProgress: true },
  matrix: { node: "24" },
  cache: { paths: ["~/.npm"], key: "k", fallbackKeys: ["f"] },
  reports: ["**/*.xml"],
  artifacts: [{ name: "site", paths: ["dist/**"], retentionDays: 3 }],
  checkout: { depth: 1, submodules: true, lfs: true, tags: true },
  ignoreFile: ".slipwayignore",
};

test("everything that a job can hold goes through unchanged", () => {
  const read = parseJob(JSON.parse(JSON.stringify(full)));
  expect(read).toEqual({ ok: true, job: full });
});

test.each<[string, unknown, string]>([
  ["another version", { ...full, version: 2 }, "version: "],
  ["a field that is not known", { ...full, extra: 1 }, "the whole: "],
  ["an id that leads somewhere else", { ...full, runId: "../../etc" }, "runId: "],
  ["a step id that leads somewhere else", { ...full, steps: [{ ...step, id: "a/../../b" }] }, "steps.0.id: "],
  ["a base path of one level", { ...full, basePath: "/app" }, "basePath: "],
  ["no object at all", "job", "the whole: "],
])("%s is refused with its place", (_what, value, place) => {
  const read = parseJob(value);
  expect(read.ok).toBe(false);
  expect(!read.ok && read.problem.startsWith(place)).toBe(true);
});

test("nothing that JSON can say makes it throw", () => {
  fc.assert(
    fc.property(fc.jsonValue(), value => {
      expect(parseJob(value).ok).toBe(false);
    }),
  );
  fc.assert(
    fc.property(fc.constantFrom(...Object.keys(full)), fc.jsonValue(), (key, value) => {
      parseJob({ ...full, [key]: value });
    }),
  );
});
