// A worker is killed between the create of a job's Secret and that of its Pod, and nobody takes the job over: another worker
// of the place clears the Secret away, which it may neither list nor read.

import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { endOf } from "../server/projects.ts";
import { eventually } from "../server/server-process.ts";
import { openPodWorld, type PodWorld } from "./pod-world.ts";

vi.setConfig({ testTimeout: 90_000, hookTimeout: 120_000 });

const file = `own:
  box: { id: registry.example.org/team/app:1, username: u, password: p }
  steps:
    - script: { name: work, code: "true" }
`;
let world: PodWorld;
beforeAll(async () => {
  world = await openPodWorld({ file, roles: ["api", "logs", "reporter"] });
});
afterAll(() => world[Symbol.asyncDispose]());

test("killed between the two creates, and its job canceled: no Secret is left", async () => {
  const { standIn, client } = world;
  const worker = await world.worker();
  const secrets = () => standIn.inside.list("secrets");
  // Before the answer leaves: no Pod is made.
  using watch = new DisposableStack();
  watch.defer(
    standIn.inside.watch(({ type, resource }) => {
      if (type === "ADDED" && resource.plural === "secrets") process.kill(worker.pid, "SIGKILL");
    }),
  );
  const run = await world.start("own", [{ runner: "passes" }]);
  await eventually(async () => secrets().length === 1, "the Secret");
  watch.dispose();
  await client.cancelRun({ params: { run }, body: {} });
  expect((await endOf(client, run)).outcome).toBe("canceled");
  expect([world.pods("own").length, secrets().length]).toEqual([0, 1]);
  await world.worker();
  await world.nothingLeft();
  // By its name alone.
  const job = (await client.getRun({ params: { run } })).jobs[0];
  expect(job?.attempts[0]?.clusterCalls).toEqual({ "delete secrets": expect.any(Number) });
  const calls = Object.keys(standIn.counts()).filter(call => call.endsWith(" secrets"));
  expect(calls.sort()).toEqual(["create secrets", "delete secrets"]);
});

test("what a job has cost the cluster is told with its run: four calls with a Secret", async () => {
  const { client } = world;
  const run = await world.start("own", [{ runner: "passes" }]);
  await endOf(client, run);
  await world.nothingLeft();
  const costs = async () =>
    (await client.getRun({ params: { run } })).jobs[0]?.attempts[0]?.clusterCalls ?? {};
  await eventually(async () => (await costs())["delete pods"] === 1, "word of the last call");
  expect(await costs()).toEqual({
    ...{ "create pods": 1, "create secrets": 1, "delete pods": 1, "delete secrets": 1 },
  });
});
