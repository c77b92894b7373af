import { expect, test } from "vitest";
import type { Pipeline, PipelineFile, StepDefinition } from "../config/pipeline-file.ts";
import type { BoxSpec } from "../core/job.ts";
import { Secret } from "../core/secret.ts";
import { type BuildJobInput, buildJob, type ResolvedStepParts } from "./build-job.ts";
import { lookupIn } from "./environment.ts";
import { expand } from "./expand.ts";
import { stepDefinitionsOf } from "./select-pipeline.ts";

const position = { line: 1, column: 1 };

function step(ref: string, more: Partial<StepDefinition> = {}): StepDefinition {
  return { ref, options: [], position, ...more };
}

function box(id: string, auth: Record<string, string> = {}): BoxSpec {
  return { id, env: [], ports: [], auth };
}

function pipeline(name: string, more: Partial<Pipeline> = {}): Pipeline {
  return {
    name,
    empty: false,
    steps: [],
    afterSteps: [],
    targets: new Map(),
    docker: false,
    reports: [],
    artifacts: [],
    position,
    ...more,
  };
}

function fileWith(pipelines: Pipeline[], more: Partial<PipelineFile> = {}): PipelineFile {
  return {
    dialect: "wercker",
    box: box("alpine"),
    services: [],
    pipelines: new Map(pipelines.map(one => [one.name, one])),
    malformed: new Map(),
    workflows: [],
    ...more,
  };
}

function resolve(definition: StepDefinition): ResolvedStepParts {
  const code = definition.options.find(option => option.name === "code")?.value ?? "";
  if (definition.ref.startsWith("internal/")) {
    const action = definition.ref.slice("internal/".length);
    return { owner: "internal", name: action, source: { kind: "internal", action }, properties: [] };
  }
  return { owner: "wercker", name: definition.ref, source: { kind: "script", code }, properties: [] };
}

function inputFor(file: PipelineFile, more: Partial<BuildJobInput> = {}): BuildJobInput {
  const definitions = stepDefinitionsOf(file, more.pipeline ?? "build", more.target);
  let count = 0;
  return {
    file,
    pipeline: "build",
    kind: "build",
    runId: "5ebbe7d1b5c1a30001000001",
    project: { id: "app", name: "app", owner: "crew" },
    environment: { environment: [], secrets: [], secretValues: new Map() },
    resolved: new Map(definitions.ok ? definitions.value.map(one => [one, resolve(one)]) : []),
    uuid: () => `uuid-${++count}`,
    ...more,
  };
}

function built(input: BuildJobInput) {
  const result = buildJob(input);
  if (!result.ok) throw new Error(result.refusal.message);
  return result.value;
}

function refusal(input: BuildJobInput) {
  const result = buildJob(input);
  if (result.ok) throw new Error("it was accepted");
  return result.refusal;
}

test("the built-in step comes first in the main steps, and in the after-steps where there are any", () => {
  const script = step("script", {
    displayName: "compile",
    options: [{ name: "code", value: "make" }],
    cwd: "src",
  });
  const { job } = built(
    inputFor(fileWith([pipeline("build", { steps: [script], afterSteps: [step("notify")] })])),
  );
  expect(job.steps.map(one => [one.id, one.ref, one.displayName])).toEqual([
    ["wercker-init-uuid-3", "wercker/wercker-init@2.1.0", "wercker-init"],
    ["script-uuid-1", "script", "compile"],
  ]);
  expect(job.steps[1]).toMatchObject({ cwd: "src", source: { kind: "script", code: "make" } });
  expect(job.steps[1]).not.toHaveProperty("position");
  expect(job.afterSteps.map(one => one.name)).toEqual(["wercker-init", "notify"]);
  const bare = built(inputFor(fileWith([pipeline("build")]))).job;
  expect(bare.steps.map(one => one.name)).toEqual(["wercker-init"]);
  expect(bare.afterSteps).toEqual([]);
});

test("a pipeline's box and services replace those of the file completely", () => {
  const services = [box("redis"), box("mysql")];
  const shared = { box: { ...box("alpine"), cmd: "/bin/sh" }, services };
  const inherits = built(inputFor(fileWith([pipeline("build")], shared))).job;
  expect(inherits.box).toEqual(shared.box);
  expect(inherits.services).toEqual(services);
  const own = pipeline("build", { box: box("debian"), services: [] });
  const replaced = built(inputFor(fileWith([own], shared))).job;
  expect(replaced.box).toEqual(box("debian"));
  expect(replaced.services).toEqual([]);
});

test("a deploy target selects its own steps, and an unknown one the pipeline's", () => {
  const targets = new Map([["production", [step("release")]]]);
  const file = fileWith([pipeline("deploy", { steps: [step("script")], targets })]);
  const names = (target?: string) =>
    built(inputFor(file, { pipeline: "deploy", kind: "deploy", ...(target === undefined ? {} : { target }) }))
      .job.steps.slice(1)
      .map(one => one.name);
  expect(names("production")).toEqual(["release"]);
  expect(names("staging")).toEqual(["script"]);
  expect(names()).toEqual(["script"]);
});

test("what cannot be built is refused with the reason", () => {
  const file = fileWith([pipeline("build"), pipeline("deploy"), pipeline("hollow", { empty: true })], {
    malformed: new Map([["old", "line 7: steps is not a list"]]),
  });
  const unknown = refusal(inputFor(file, { pipeline: "biuld" }));
  expect(unknown).toMatchObject({ code: "no-such-pipeline", message: "No pipeline named biuld" });
  expect(unknown.hint).toBe("Did you mean build? The file has: build, deploy, hollow.");
  expect(refusal(inputFor(file, { pipeline: "hollow" })).message).toBe("Pipeline hollow is empty");
  expect(refusal(inputFor(file, { pipeline: "old" })).message).toContain("line 7: steps is not a list");
});

test("a pipeline without a box is refused, unless the engine needs none", () => {
  const { box: _, ...boxless } = fileWith([pipeline("build")]);
  expect(refusal(inputFor(boxless)).message).toBe("No box definition found");
  expect(built(inputFor(boxless, { allowNoBox: true })).job.box.id).toBe("");
});

test.each(["/app", "/", "app/x", "/a/../b", "/app/."])("the base-path %s is refused", basePath => {
  expect(refusal(inputFor(fileWith([pipeline("build", { basePath })]))).code).toBe("bad-base-path");
});

test("limits: the file wins over flags, flags over the defaults, and the file's are capped", () => {
  const limits = (file: Partial<PipelineFile>, flags: Partial<BuildJobInput> = {}) =>
    built(inputFor(fileWith([pipeline("build", { timeoutMs: 5000 })], file), flags)).job.limits;
  expect(limits({})).toEqual({ commandMs: 1_500_000, noResponseMs: 300_000, pipelineMs: 5000 });
  expect(limits({}, { commandTimeoutMs: 9e6 }).commandMs).toBe(9e6);
  expect(limits({ commandTimeoutMs: 60_000 }, { commandTimeoutMs: 9e6 }).commandMs).toBe(60_000);
  expect(limits({ commandTimeoutMs: 0, noResponseTimeoutMs: 1e9 })).toMatchObject({
    commandMs: 1_500_000,
    noResponseMs: 3_600_000,
  });
});

test("a literal credential leaves the job and comes back by expansion", () => {
  const push = step("internal/docker-push", {
    options: [
      { name: "username", value: "me" },
      { name: "password", value: "hunter22" },
      { name: "azure-client-secret", value: "pre-$PART-p$" },
      { name: "aws-secret-key", value: "$AWS" },
      { name: "registry-auth-config", value: '{"https://r.com":{"username":"u","password":"in json"}}' },
    ],
  });
  const script = step("script", { options: [{ name: "password", value: "left alone" }] });
  const file = fileWith([pipeline("build", { steps: [push, script] })], {
    box: box("r.com/a", { username: "me", password: "hunter22" }),
    services: [box("r.com/b", { "aws-secret-key": "AKIA/secret" })],
  });
  const environment = {
    environment: [{ name: "SLIPWAY_CREDENTIAL_2", value: "of the user" }],
    secrets: [],
    secretValues: new Map(),
  };
  const { job, secrets } = built(inputFor(file, { environment }));
  const text = JSON.stringify(job);
  for (const literal of ["hunter22", "AKIA/secret", "pre-", "in json"]) expect(text).not.toContain(literal);
  expect(job.box.auth).toEqual({ username: "me", password: "$SLIPWAY_CREDENTIAL_1" });
  expect(job.secrets.map(one => one.name)).not.toContain("SLIPWAY_CREDENTIAL_2");
  expect(job.secrets.every(one => !one.exported)).toBe(true);
  expect([...secrets.values()].every(value => value instanceof Secret)).toBe(true);
  const lookup = lookupIn(
    [...job.environment, { name: "PART", value: "mid" }, { name: "AWS", value: "aws" }],
    secrets,
  );
  const options = Object.fromEntries(job.steps[1]!.options.map(one => [one.name, expand(one.value, lookup)]));
  expect(options).toMatchObject({
    username: "me",
    password: "hunter22",
    "azure-client-secret": "pre-mid-p$",
    "aws-secret-key": "aws",
    "registry-auth-config": '{"https://r.com":{"username":"u","password":"in json"}}',
  });
  expect(job.steps[2]!.options).toEqual(script.options);
});

test("a combination of the matrix becomes variables that override the host's", () => {
  const file = fileWith([pipeline("build", { matrix: { node: ["18", "20"] } })], { dialect: "slipway" });
  const environment = {
    environment: [{ name: "MATRIX_NODE", value: "of the host" }],
    secrets: [],
    secretValues: new Map(),
  };
  const { job } = built(inputFor(file, { matrix: { node: "20" }, environment }));
  expect(job.matrix).toEqual({ node: "20" });
  expect(job.environment).toEqual([{ name: "MATRIX_NODE", value: "20" }]);
  expect(() => buildJob(inputFor(file))).toThrow("has a matrix");
});

test("a step that was left out when it was resolved is not in the job", () => {
  const shell = step("internal/shell");
  const file = fileWith([pipeline("build", { steps: [shell] })]);
  const resolved = new Map([[shell, { ...resolve(shell), ignored: "Ignoring dev step: internal/shell" }]]);
  expect(built(inputFor(file, { resolved })).job.steps).toHaveLength(1);
  expect(() => buildJob(inputFor(file, { resolved: new Map() }))).toThrow("was not resolved");
});

test("a step's id is fit for a directory, and docker-run keeps its own display name", () => {
  const odd = step("odd");
  const run = step("internal/docker-run", { displayName: "my database" });
  const file = fileWith([pipeline("build", { steps: [odd, run] })]);
  const resolved = new Map([
    [odd, { ...resolve(odd), name: "../a b" }],
    [run, resolve(run)],
  ]);
  const { job } = built(inputFor(file, { resolved }));
  expect(job.steps[1]!.id).toBe("..-a-b-uuid-1");
  expect(job.steps[2]!.displayName).toBe("docker run");
});
