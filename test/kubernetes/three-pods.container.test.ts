// From a push to three green pipelines in Pods that Docker really runs.

import type { Pod } from "kubernetes-types/core/v1.js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemClock } from "../../src/lib/clock.ts";
import { testDaemon } from "../containers/docker-daemon.ts";
import { slipwayImage } from "../containers/slipway-image.ts";
import { buildTestImages, testImages } from "../containers/test-images.ts";
import { startDockerKubelet } from "./docker-kubelet.ts";
import { type StandIn, startStandIn } from "./stand-in.ts";
import { artifactOf, secretValue, startThread, type Thread, threePipelines } from "./three-pods.ts";

const namespaces = { baseline: "jobs", restricted: "jobs-restricted" };
const stack = new AsyncDisposableStack();
const troubles: unknown[] = [];
let standIn: StandIn;
let thread: Thread;

beforeAll(async () => {
  const client = await testDaemon();
  await buildTestImages(client);
  const image = stack.use(await slipwayImage());
  standIn = stack.use(await startStandIn({ namespaces: Object.values(namespaces) }));
  const kubelet = stack.use(
    await startDockerKubelet({
      ...{ inside: standIn.inside, clock: systemClock, client, sandboxImage: testImages.sh },
      troubled: error => troubles.push(error),
    }),
  );
  thread = stack.use(
    await startThread({
      ...{ kubeconfig: standIn.kubeconfig(), namespaces, runnerImage: image.reference },
      ...{ boxImage: testImages.sh, hostAddress: kubelet.hostAddress },
    }),
  );
}, 400_000);
afterAll(() => stack.disposeAsync(), 120_000);

const podsLeft = () => standIn.inside.list<Pod>("pods");

test("a push goes through three Pods, with cache, service, artifact and secret, and leaves nothing but results", async () => {
  standIn.forgetCalls();
  const run = await thread.push(threePipelines(testImages.sh), "first");
  expect(run.jobs.map(({ name, outcome }) => [name, outcome])).toEqual([
    ["build", "passed"],
    ["test", "passed"],
    ["deploy", "passed"],
  ]);
  const build = await thread.log(run, "build");
  expect(build).toContain("the cache has seen 1 builds");
  expect(build).not.toContain(secretValue);
  expect(await thread.log(run, "test")).toContain("root:");
  expect(await thread.log(run, "deploy")).toContain("deployed <h1>page</h1> with DEPLOY=true");
  expect(await artifactOf(thread, run, "page", "out/index.html")).toBe("<h1>page</h1>\n");
  const again = await thread.push(threePipelines(testImages.sh), "second");
  expect(again.outcome).toBe("passed");
  expect(await thread.log(again, "build")).toContain("the cache has seen 2 builds");
  while (podsLeft().length > 0) await new Promise(resolve => setImmediate(resolve));
  const { "create pods": created, "delete pods": deleted, ...others } = standIn.counts();
  expect([created, deleted]).toEqual([6, 6]);
  for (const call of Object.keys(others)) expect(call).toMatch(/^(list|watch) pods$|^(list|watch) secrets$/);
  expect(troubles).toEqual([]);
}, 300_000);
