// From a push to three green pipelines in Pods that Docker really runs.

import type { Pod } from "kubernetes-types/core/v1.js";
import { expect, test } from "vitest";
import { systemClock } from "../../src/lib/clock.ts";
import { testDaemon } from "../containers/docker-daemon.ts";
import { slipwayImage } from "../containers/slipway-image.ts";
import { buildTestImages, testImages } from "../containers/test-images.ts";
import { startDockerKubelet } from "./docker-kubelet.ts";
import { startStandIn } from "./stand-in.ts";
import { artifactOf, secretValue, startThread, threePipelines } from "./three-pods.ts";

const namespaces = { baseline: "jobs", restricted: "jobs-restricted" };

/** A cluster of one node with the platform beside it; of which nothing is left afterwards. */
async function startPlace() {
  await using stack = new AsyncDisposableStack();
  const client = await testDaemon();
  await buildTestImages(client);
  const image = stack.use(await slipwayImage());
  const troubles: unknown[] = [];
  const standIn = stack.use(await startStandIn({ namespaces: Object.values(namespaces) }));
  const kubelet = stack.use(
    await startDockerKubelet({
      ...{ inside: standIn.inside, clock: systemClock, client, sandboxImage: testImages.sh },
      troubled: error => troubles.push(error),
    }),
  );
  const thread = stack.use(
    await startThread({
      ...{ kubeconfig: standIn.kubeconfig(), namespaces, runnerImage: image.reference },
      ...{ boxImage: testImages.sh, hostAddress: kubelet.hostAddress },
    }),
  );
  const all = stack.move();
  return { standIn, thread, troubles, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

test("a push goes through three Pods, with cache, service, artifact and secret, and leaves nothing but results", async () => {
  await using place = await startPlace();
  const { standIn, thread, troubles } = place;
  const podsLeft = () => standIn.inside.list<Pod>("pods");
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
}, 600_000);
