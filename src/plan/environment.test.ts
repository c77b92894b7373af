import { expect, test } from "vitest";
import type { StepSpec } from "../core/job.ts";
import { Secret } from "../core/secret.ts";
import {
  basePathOf,
  lookupIn,
  mergeEnvironment,
  pipelineEnvironment,
  resultEnvironment,
  secretEnvironment,
  stepEnvironment,
} from "./environment.ts";

const paths = { pipeline: "/pipeline", report: "/report" };

function entries(record: Record<string, string>) {
  return Object.entries(record).map(([name, value]) => ({ name, value }));
}

test("a later value overrides an earlier one and keeps its place", () => {
  const merged = mergeEnvironment(entries({ A: "1", B: "2" }), entries({ C: "3", A: "4" }));
  expect(merged).toEqual(entries({ A: "4", B: "2", C: "3" }));
});

test("the pipeline's variables begin with the paths, in the order of the reference", () => {
  const job = { sourceDir: "web", environment: entries({ X: "$WERCKER_ROOT/x", WERCKER: "no" }) };
  expect(pipelineEnvironment(job, paths, entries({ DOCKER_HOST: "unix:///s" }))).toEqual(
    entries({
      WERCKER: "no",
      WERCKER_ROOT: "/pipeline/source",
      WERCKER_SOURCE_DIR: "/pipeline/source/web",
      WERCKER_CACHE_DIR: "/pipeline/cache",
      WERCKER_OUTPUT_DIR: "/pipeline/output",
      WERCKER_PIPELINE_DIR: "/pipeline",
      WERCKER_REPORT_DIR: "/pipeline/report",
      X: "$WERCKER_ROOT/x",
      DOCKER_HOST: "unix:///s",
    }),
  );
});

test("base-path moves the source directory, but not WERCKER_ROOT", () => {
  const job = { sourceDir: "", basePath: "/go/src/x", environment: [] };
  const values = new Map(pipelineEnvironment(job, paths).map(({ name, value }) => [name, value]));
  expect(values.get("WERCKER_SOURCE_DIR")).toBe("/go/src/x");
  expect(values.get("WERCKER_ROOT")).toBe("/pipeline/source");
  expect(basePathOf(job, { ...paths, root: "/tmp/run" })).toBe("/tmp/run/go/src/x");
});

test("secrets are exported in order, and those without a value are named", () => {
  const values = new Map([
    ["B", new Secret("b")],
    ["HIDDEN", new Secret("h")],
  ]);
  const names = [
    { name: "A", exported: true },
    { name: "B", exported: true },
    { name: "HIDDEN", exported: false },
  ];
  const { exports, missing } = secretEnvironment(names, values);
  expect(exports.map(({ name, value }) => [name, value.reveal()])).toEqual([["B", "b"]]);
  expect(missing).toEqual(["A"]);
});

test("expansion looks among the visible variables first", () => {
  const lookup = lookupIn(
    entries({ A: "seen", EMPTY: "" }),
    new Map([
      ["A", new Secret("s")],
      ["EMPTY", new Secret("s")],
      ["B", new Secret("b")],
    ]),
  );
  expect([lookup("A"), lookup("EMPTY"), lookup("B"), lookup("C")]).toEqual(["seen", "", "b", undefined]);
});

test("after-steps are told the result, and of a failure its step and message", () => {
  expect(resultEnvironment("passed", "x", "y")).toEqual(entries({ WERCKER_RESULT: "passed" }));
  expect(resultEnvironment("timed-out", "compile", "Command timed out")).toEqual(
    entries({
      WERCKER_RESULT: "failed",
      WERCKER_FAILED_STEP_DISPLAY_NAME: "compile",
      WERCKER_FAILED_STEP_MESSAGE: "Command timed out",
    }),
  );
});

function step(more: Partial<StepSpec>): StepSpec {
  return {
    id: "npm-install-1",
    ref: "npm-install",
    owner: "wercker",
    name: "npm-install",
    displayName: "npm-install",
    options: [],
    properties: [],
    source: { kind: "init" },
    ...more,
  };
}

test("a step gets its places, properties, options and its own env, in that order", () => {
  const { exports, unusable } = stepEnvironment(
    step({
      properties: [
        { name: "clear-cache", default: "on failure" },
        { name: "use-cache", default: "" },
      ],
      options: entries({ "strict-ssl": "false", "use-cache": "$YES", code: "x", name: "n", "a.b": "lost" }),
      env: entries({ WERCKER_NPM_INSTALL_STRICT_SSL: "true", NODE_ENV: "test", "1-X": "" }),
    }),
    paths,
  );
  expect(exports).toEqual(
    entries({
      WERCKER_STEP_ROOT: "/pipeline/npm-install-1",
      WERCKER_STEP_ID: "npm-install-1",
      WERCKER_STEP_OWNER: "wercker",
      WERCKER_STEP_NAME: "npm-install",
      WERCKER_REPORT_NUMBERS_FILE: "/report/npm-install-1/numbers.ini",
      WERCKER_REPORT_MESSAGE_FILE: "/report/npm-install-1/message.txt",
      WERCKER_REPORT_ARTIFACTS_DIR: "/report/npm-install-1/artifacts",
      WERCKER_NPM_INSTALL_CLEAR_CACHE: "on failure",
      WERCKER_NPM_INSTALL_USE_CACHE: "$YES",
      WERCKER_NPM_INSTALL_STRICT_SSL: "true",
      NODE_ENV: "test",
    }),
  );
  expect(unusable).toEqual(["WERCKER_NPM_INSTALL_A.B", "1-X"]);
});
