import { expect, test } from "vitest";
import type { BuildRequest } from "../../engine/image-tools.ts";
import { readArchive } from "../../lib/tar/read-archive.ts";
import { dockerBuild } from "./docker-build.ts";
import { contextUnderTest, type Given } from "./fixtures/context-under-test.ts";

const box = {
  "/pipeline/source": { Dockerfile: "FROM x\n", "sub/a": "1" },
  "/pipeline/source/sub": { Dockerfile: "FROM y\n" },
};

async function build(given: Given) {
  const under = contextUnderTest({ box, ...given });
  const answer = await dockerBuild.run(under.context);
  const [request, archive] = (under.calls[0]?.args ?? []) as [Omit<BuildRequest, "context">, Buffer];
  return { ...under, answer, request, archive };
}

async function pathsOf(archive: Buffer): Promise<string[]> {
  const paths: string[] = [];
  const stream = (async function* () {
    yield archive;
  })();
  for await (const entry of readArchive(stream)) paths.push(entry.path);
  return paths;
}

test("builds the source under the run's name for the image", async () => {
  const { answer, request, archive } = await build({ options: { "image-name": "web" } });
  expect(answer.outcome).toBe("passed");
  expect(request).toEqual({
    tag: "run1web",
    dockerfile: "Dockerfile",
    buildArgs: {},
    labels: {},
    extraHosts: [],
    quiet: false,
    noCache: false,
    squash: false,
    pull: true,
    keepIntermediate: false,
    credentials: [],
  });
  expect(await pathsOf(archive)).toEqual(["Dockerfile", "sub/a"]);
});

test("all options", async () => {
  const { request, archive, said } = await build({
    environment: { V: "1 2", PASS: "s3cret" },
    settings: { pull: "never", keepContainers: true },
    options: {
      "image-name": "web",
      dockerfile: "Dockerfile.$V",
      context: "./sub/",
      "build-args": "A=$V B='x=y z'",
      labels: "l=m",
      "extra-hosts": "db:10.0.0.1 six:::1",
      q: "true",
      "no-cache": "1",
      squash: "yes",
      "registry-auth-config":
        '{"https://index.docker.io/v1/":{"username":"me","password":"$PASS"},"r.example":{}}',
    },
  });
  expect(request).toMatchObject({
    dockerfile: "Dockerfile.1 2",
    buildArgs: { A: "1 2", B: "x=y z" },
    labels: { l: "m" },
    extraHosts: ["db:10.0.0.1", "six:::1"],
    quiet: true,
    noCache: true,
    squash: false,
    pull: false,
    keepIntermediate: true,
    credentials: [{ username: "me", server: "https://index.docker.io/v1/" }, { server: "r.example" }],
  });
  expect(request.credentials[0]!.password.reveal()).toBe("s3cret");
  expect(said.hidden).toEqual(["s3cret"]);
  expect(await pathsOf(archive)).toEqual(["Dockerfile"]);
});

test.each<[string, Record<string, string>]>([
  ["image-name not set", {}],
  ['image-name: "Web" cannot be', { "image-name": "Web" }],
  ['image-name: "a b" cannot be', { "image-name": "a b" }],
  ["build-args: NOVALUE is not of the form name=value", { "image-name": "a", "build-args": "NOVALUE" }],
  ["labels: x is not", { "image-name": "a", labels: "x" }],
  ["extra-hosts: db is not", { "image-name": "a", "extra-hosts": "db" }],
  ['context: "../etc" leads out', { "image-name": "a", context: "../etc" }],
  ["there is no directory /pipeline/source/nope", { "image-name": "a", context: "nope" }],
  ["registry-auth-config is no JSON object", { "image-name": "a", "registry-auth-config": "[1]" }],
])("what is wrong fails the step: %s", async (message, options) => {
  const { answer, calls } = await build({ options });
  expect(answer.outcome).toBe("failed");
  expect(answer.message).toContain(message);
  expect(calls).toEqual([]);
});

test("what the daemon says is the step's message", async () => {
  const { answer } = await build({ options: { "image-name": "a" }, refusals: { build: "COPY failed" } });
  expect(answer).toMatchObject({ outcome: "failed", message: "COPY failed" });
});
