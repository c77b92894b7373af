import { expect, test } from "vitest";
import { dockerKill } from "./docker-kill.ts";
import { dockerRun } from "./docker-run.ts";
import { contextUnderTest, type Given } from "./fixtures/context-under-test.ts";

async function run(given: Given) {
  const under = contextUnderTest(given);
  return { ...under, answer: await dockerRun.run(under.context) };
}

test("starts an image that was built in this run, with all options", async () => {
  const { answer, calls } = await run({
    images: ["run1web"],
    environment: { V: "a b" },
    settings: { exposePorts: true },
    options: {
      image: "web",
      name: "web",
      cmd: 'serve "x y" $V',
      entrypoint: "/entry",
      env: "A=$V",
      "working-dir": "/srv/$V",
      user: "nobody",
      ports: "80 8080:81",
    },
  });
  expect(answer.outcome).toBe("passed");
  expect(calls).toEqual([
    {
      name: "run",
      args: [
        {
          image: "run1web",
          name: "web",
          cmd: ["serve", "x y", "$V"],
          entrypoint: ["/entry"],
          env: ["A=a b"],
          workingDir: "/srv/a b",
          ports: ["80", "8080:81"],
        },
      ],
    },
  ]);
});

test("pulls any other image, with credentials, and keeps ports to itself unless told", async () => {
  const options = { image: "r.example:5000/a/b:1", name: "db", username: "me", password: "pw", ports: "80" };
  const { calls, said } = await run({ options });
  expect(calls.map(call => call.name)).toEqual(["pull", "run"]);
  expect(calls[0]!.args[0]).toBe("r.example:5000/a/b:1");
  expect(calls[0]!.args[1]).toMatchObject({ username: "me", server: "r.example:5000" });
  expect(calls[1]!.args[0]).toMatchObject({ image: "r.example:5000/a/b:1", ports: [] });
  expect(said.hidden).toEqual(["pw"]);
  const local = await run({ options: { image: "redis", name: "db" }, settings: { pull: "missing" } });
  expect(local.calls.map(call => call.name)).toEqual(["run"]);
  expect(local.calls[0]!.args[0]).toMatchObject({ image: "redis:latest" });
});

test.each<[string, Record<string, string>]>([
  ['"name" is a required field', { image: "x" }],
  ['"image" is a required field', { name: "x" }],
  ['name: "a b" cannot be', { name: "a b", image: "x" }],
  ["entrypoint: ", { name: "x", image: "x", entrypoint: "'" }],
])("what is wrong fails the step: %s", async (message, options) => {
  const { answer, calls } = await run({ options });
  expect(answer.outcome).toBe("failed");
  expect(answer.message).toContain(message);
  expect(calls).toEqual([]);
});

test("what cannot be pulled or started fails the step", async () => {
  const options = { image: "redis", name: "db" };
  expect((await run({ options, refusals: { pull: "not found" } })).answer.message).toBe("not found");
  expect((await run({ options, refusals: { run: "port taken" } })).answer.message).toBe("port taken");
});

test("docker-kill ends it by its name as written", async () => {
  const kill = async (given: Given) => {
    const under = contextUnderTest(given);
    return { ...under, answer: await dockerKill.run(under.context) };
  };
  const killed = await kill({ options: { name: "$db" }, environment: { db: "x" } });
  expect(killed.answer.outcome).toBe("passed");
  expect(killed.calls).toEqual([{ name: "kill", args: ["$db"] }]);
  expect((await kill({})).answer.message).toBe('"name" is a required field');
  const unknown = await kill({ options: { name: "x" }, refusals: { kill: "no such container" } });
  expect(unknown.answer).toMatchObject({ outcome: "failed", message: "no such container" });
  expect(dockerKill.sync).toBe(false);
});
