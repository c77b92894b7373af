// Command lines as people of both programs type them, and what the commands get of them.

import fc from "fast-check";
import { expect, test } from "vitest";
import { readRunOptions } from "../app/settings.ts";
import { commands } from "./command-table.ts";
import { withEnvironment, withoutEffectNotes } from "./flag-environment.ts";
import { flagKey, globalFlags, runFlags, workflowFlags } from "./flags.ts";
import { normalizedArguments } from "./program.ts";

const table: [string, string, string[]][] = [
  ["one dash", "build -docker-local", ["build", "--docker-local"]],
  ["value apart", "build --working-dir /w .", ["build", "--working-dir=/w", "."]],
  ["value attached", "build -working-dir=/w", ["build", "--working-dir=/w"]],
  ["value that looks like a flag", "build --message -x", ["build", "--message=-x"]],
  [
    "flags around the target",
    "build --artifacts DIR --docker-local",
    ["build", "--artifacts", "DIR", "--docker-local"],
  ],
  [
    "flags before the command",
    "--environment E --docker-local build",
    ["build", "--environment=E", "--docker-local"],
  ],
  ["global flags after the command", "build --verbose", ["build", "--verbose"]],
  ["switch on by value", "build --artifacts=true", ["build", "--artifacts"]],
  ["switch off by value", "dev --direct-mount=false", ["dev", "--no-direct-mount"]],
  ["switch that is on, off", "build --enable-dev-steps=false", ["build", "--no-enable-dev-steps"]],
  ["no-switch off", "build --no-remove=false", ["build"]],
  ["a value named like a command", "--environment build run", ["run", "--environment=build"]],
  ["an argument named like a command", "run build", ["run", "build"]],
  ["after --", "run -- -docker-local", ["run", "--", "-docker-local"]],
  ["unknown flags stay for the parser to refuse", "build --nonsense", ["build", "--nonsense"]],
  ["an empty value", "build --tag= .", ["build", "--tag=", "."]],
];

test.each(table)("%s", (_what, line, expected) => {
  expect(normalizedArguments(line.split(" "))).toEqual(expected);
});

test("commands that pass everything through are left alone", () => {
  expect(normalizedArguments(["docker", "-docker-local", "ps"])).toEqual(["docker", "-docker-local", "ps"]);
});

test("no word of a command line is lost or made up", () => {
  const word = fc.stringMatching(/^[a-z0-9.]{1,8}$/);
  fc.assert(
    fc.property(fc.array(word), words => {
      const out = normalizedArguments(words);
      expect([...out].sort()).toEqual([...words].sort());
    }),
  );
});

test("flags have one meaning each: no two share a key", () => {
  for (const entry of commands) {
    const keys = [...globalFlags, ...entry.flags].map(flagKey);
    expect(new Set(keys).size, entry.name).toBe(keys.length);
  }
});

test("every flag of the wercker program that concerns running a pipeline is known", () => {
  const known = new Set([...globalFlags, ...runFlags, ...workflowFlags].map(flag => flag.name));
  const flags =
    `working-dir local-file-store run-id build-id deploy-id deploy-target application-id application-name
    application-owner-name application-started-by-name pipeline wercker-container-registry docker-host docker-tls-verify
    docker-cert-path docker-dns docker-local checkpoint docker-memory docker-memory-swap docker-cpu-period docker-cpu-quota
    docker-memory-reservation docker-kernel-memory docker-cleanup-image docker-network rdd-service-uri
    rdd-provision-timeout direct-mount expose-ports enable-volumes suppress-build-logs publish attach-on-error
    enable-dev-steps workflows-in-yml git-domain git-owner git-repository git-branch git-tag git-commit commit tag message
    artifacts no-remove store-s3 aws-secret-key aws-access-key s3-bucket aws-region store-oci oci-tenancy-ocid
    oci-user-ocid oci-region oci-private-key-path oci-private-key-passphrase oci-fingerprint oci-bucket oci-namespace
    ignore-file source-dir no-response-timeout command-timeout wercker-yml mnt-root guest-root report-root report
    wercker-host wercker-token environment verbose no-colors debug log-json journal wercker-endpoint base-url
    steps-registry auth-token auth-token-store`.split(/\s+/);
  expect(flags.filter(flag => !known.has(flag))).toEqual([]);
});

const base = { cwd: "/p", env: {}, wercker: false };

test("values become options with their units", () => {
  const read = readRunOptions(
    {
      commandTimeout: "0.5",
      memory: "2g",
      dockerLocal: true,
      remove: false,
      commit: "registry:5000/app",
      tag: "feature/x",
      matrix: ["node=20", "os=a=b"],
      wercker: "x",
      werckerYml: "ci/wercker.yml",
    },
    base,
  );
  expect(read.ok && read.value).toMatchObject({
    commandTimeoutMs: 30_000,
    memoryBytes: 2 * 2 ** 30,
    pull: "never",
    keepContainers: true,
    commit: { name: "registry:5000/app", tag: "feature_x" },
    matrix: { node: "20", os: "a=b" },
    file: "/p/ci/wercker.yml",
  });
});

test.each([
  [{ commandTimeout: "soon" }, '--command-timeout: "soon" is not a number'],
  [{ parallel: "0" }, '--parallel: "0" must be more than 0'],
  [{ parallel: "1.5" }, '--parallel: "1.5" is not a whole number'],
  [{ memory: "lots" }, '--memory: "lots" is not a size such as 512m or 2g'],
  [{ matrix: ["node"] }, '--matrix: "node" is not KEY=VALUE'],
  [{ runId: "../../etc" }, '--run-id: "../../etc" may hold letters, digits, ".", "_" and "-" only'],
])("%j is wrong usage", (values, message) => {
  const read = readRunOptions(values, base);
  expect(read).toMatchObject({ ok: false, refusal: { code: "usage", message } });
});

test("WERCKER_* variables stand in for flags of drop-in commands only, SLIPWAY_* and DOCKER_* for all", () => {
  const env = {
    WERCKER_PIPELINE: "other",
    SLIPWAY_ENGINE: "host",
    DOCKER_DNS: "1.1.1.1,8.8.8.8",
    WERCKER_GIT_TAG: "",
  };
  expect(withEnvironment(runFlags, {}, env, true)).toEqual({
    pipeline: "other",
    engine: "host",
    dockerDns: ["1.1.1.1", "8.8.8.8"],
  });
  expect(withEnvironment(runFlags, { engine: "docker" }, env, false)).toEqual({
    engine: "docker",
    dockerDns: ["1.1.1.1", "8.8.8.8"],
  });
});

test("a flag without effect is told of, once it is used", () => {
  expect(withoutEffectNotes(runFlags, {})).toEqual([]);
  expect(withoutEffectNotes(runFlags, { storeS3: true })).toEqual([
    "--store-s3 has no effect here: artifacts lie below --working-dir",
  ]);
});

test("one letter means what the named command means by it", () => {
  expect(normalizedArguments(["run", "-f", "wercker.yml"])).toEqual(["run", "--file=wercker.yml"]);
  expect(normalizedArguments(["logs", "-f", "latest"])).toEqual(["logs", "--follow", "latest"]);
  expect(normalizedArguments(["rerun", "12", "-f"])).toEqual(["rerun", "12", "--follow"]);
});
