import { expect, test } from "vitest";
import type { RegistryCredentials } from "../../engine/engine.ts";
import { dockerPush } from "./docker-push.ts";
import { contextUnderTest, type Given, type UnderTest } from "./fixtures/context-under-test.ts";

async function push(given: Given) {
  const under = contextUnderTest(given);
  return { ...under, answer: await dockerPush.run(under.context) };
}

function names(under: UnderTest): string[] {
  return under.calls.map(call => [call.name, ...call.args.filter(arg => typeof arg === "string")].join(" "));
}

test("commits the box, gives it every tag and pushes each", async () => {
  const environment = { TAG: "one, two", REPO: "Me/App" };
  const pushed = await push({ options: { repository: "$REPO", tag: "$TAG" }, environment });
  expect(pushed.answer).toEqual({ outcome: "passed", exitCode: 0, message: "" });
  expect(names(pushed)).toEqual([
    "commit me/app:one",
    "push me/app:one",
    "tag me/app:one me/app:two",
    "push me/app:two",
  ]);
  expect(pushed.said.stdout).toBe("\nPushed me/app:one\n\nPushed me/app:two\n");
});

test("the configuration: words for cmd and entrypoint as they stand, the rest with variables", async () => {
  const { calls } = await push({
    environment: { PORT: "8080", V: "a b", DIR: "/srv" },
    options: {
      repository: "me/app",
      cmd: 'node "my server.js" $PORT',
      entrypoint: "/entry",
      env: "PORT=$PORT TEXT=$V QUOTED='x y' LONE",
      labels: "one=$PORT two=2",
      ports: "$PORT, 53/udp",
      volumes: "/data $DIR",
      "working-dir": "$DIR",
      user: "65534",
      stopsignal: "INT",
      author: "me",
      message: "built by $PORT",
    },
  });
  expect(calls[0]!.args).toEqual([
    "me/app:latest",
    {
      cmd: ["node", "my server.js", "$PORT"],
      entrypoint: ["/entry"],
      env: ["PORT=8080", "TEXT=a b", "QUOTED=x y", "LONE"],
      labels: { one: "8080", two: "2" },
      ports: ["8080/tcp", "53/udp"],
      volumes: ["/data", "/srv"],
      workingDir: "/srv",
      user: "65534",
      stopSignal: "INT",
      author: "me",
      message: "built by 8080",
    },
  ]);
});

test("without any of it the image has what the box has", async () => {
  const { calls } = await push({ options: { repository: "me/app", cmd: "" } });
  expect(calls[0]!.args).toEqual(["me/app:latest", {}]);
});

test("credentials go to the registry they belong to and are hidden", async () => {
  const { calls, said } = await push({
    environment: { PASS: "s3cret" },
    options: { repository: "a/b", registry: "https://r.example/v2", username: "me", password: "$PASS" },
  });
  expect(calls.at(-1)!.args[0]).toBe("r.example/a/b:latest");
  const credentials = calls.at(-1)!.args[1] as RegistryCredentials;
  expect(credentials).toMatchObject({ username: "me", server: "r.example" });
  expect(credentials.password.reveal()).toBe("s3cret");
  expect(said.hidden).toEqual(["s3cret"]);
  expect(said.progress).toContain("Using repository inferred from registry: r.example/a/b");
});

test("a Google key loses the escape that a variable gave it", async () => {
  const key = String.raw`{"private_key":"-----BEGIN\\nabc\\n"}`;
  const { calls } = await push({
    environment: { KEY: key },
    options: { repository: "eu.gcr.io/p/app", username: "_json_key", password: "$KEY" },
  });
  const credentials = calls.at(-1)!.args[1] as RegistryCredentials;
  expect(JSON.parse(credentials.password.reveal())).toEqual({ private_key: "-----BEGIN\nabc\n" });
});

test("the built-in registry gets the branch and the commit as a tag", async () => {
  const { Secret } = await import("../../core/secret.ts");
  const { calls } = await push({
    settings: { builtInRegistry: { url: "https://r.example/v2/", token: new Secret("tok") } },
    environment: { WERCKER_GIT_BRANCH: "feature/x", WERCKER_GIT_COMMIT: "abc" },
    options: { repository: "r.example/me/app" },
  });
  const pushes = calls.filter(call => call.name === "push").map(call => call.args[0]);
  expect(pushes).toEqual(["r.example/me/app:latest", "r.example/me/app:feature-x-abc"]);
  expect(calls.at(-1)!.args[1]).toMatchObject({ username: "token" });
});

test("image-name takes what docker-build made", async () => {
  const options = { repository: "me/app", "image-name": "Web", tag: "a" };
  const pushed = await push({ options, images: ["run1web"] });
  expect(names(pushed)).toEqual(["tag run1web me/app:a", "push me/app:a"]);
  const missing = await push({ options });
  expect(missing.answer).toMatchObject({ outcome: "failed", message: "there is no image Web" });
  expect(missing.calls).toEqual([]);
});

test("without pushing (--docker-local) it is tagged only, and cleaning up takes the tags away", async () => {
  const options = { repository: "me/app", tag: "a b" };
  expect(names(await push({ options, settings: { pull: "never", cleanupImages: true } }))).toEqual([
    "commit me/app:a",
    "tag me/app:a me/app:b",
    "remove me/app:a",
    "remove me/app:b",
  ]);
});

test.each<[string, Record<string, string>]>([
  ["Repository not specified", {}],
  ["Repository not specified", { repository: "$UNSET" }],
  ["Invalid repository: a/b:c: it has a tag", { repository: "a/b:c" }],
  ["Invalid repository: a//b", { repository: "a//b" }],
  ["Invalid tag: -x", { repository: "a/b", tag: "good -x" }],
  ["label specification a=b=c is not of the form label=value", { repository: "a/b", labels: "x=y a=b=c" }],
  ['ports: "http" is not a port', { repository: "a/b", ports: "http" }],
  ["cmd: ", { repository: "a/b", cmd: "echo 'x" }],
  ["aws-region", { repository: "a/b", "aws-access-key": "a", "aws-secret-key": "b", "aws-registry-id": "c" }],
])("what is wrong fails the step before anything is made: %s", async (message, options) => {
  const { answer, calls } = await push({ options });
  expect(answer.outcome).toBe("failed");
  expect(answer.message).toContain(message);
  expect(calls).toEqual([]);
});

test("what the registry refuses is the step's message", async () => {
  const { answer, said } = await push({
    options: { repository: "a/b", tag: "x y" },
    refusals: { push: "denied" },
  });
  expect(answer).toMatchObject({ outcome: "failed", message: "denied" });
  expect(said.stdout).not.toContain("Pushed");
});

test("an engine without a daemon says so", async () => {
  const { answer } = await push({ options: { repository: "a/b" }, withoutDaemon: true });
  expect(answer.message).toBe("internal/step needs a container daemon, and this engine has none");
});
