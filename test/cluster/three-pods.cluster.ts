// The whole thread on a real cluster: a push, three pipelines in three Pods, and nothing left but results. It needs
//   SLIPWAY_TEST_ADDRESS       an address of this machine that Pods reach
//   SLIPWAY_TEST_RUNNER_IMAGE  Slipway's image (`npm run image`), on the nodes
//   SLIPWAY_TEST_BOX_IMAGE     an image with busybox, on the nodes

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { openTestCluster } from "../kubernetes/cluster.ts";
import { artifactOf, secretValue, startThread, threePipelines } from "../kubernetes/three-pods.ts";

const {
  SLIPWAY_TEST_ADDRESS: hostAddress,
  SLIPWAY_TEST_RUNNER_IMAGE: runnerImage,
  SLIPWAY_TEST_BOX_IMAGE: boxImage,
} = process.env;

test("a push goes through three Pods of a real cluster, with cache, service, artifact and secret", async () => {
  if (hostAddress === undefined || runnerImage === undefined || boxImage === undefined)
    throw new Error("set SLIPWAY_TEST_ADDRESS, SLIPWAY_TEST_RUNNER_IMAGE and SLIPWAY_TEST_BOX_IMAGE");
  await using cluster = await openTestCluster();
  const { api, namespace } = cluster;
  await api.call("PATCH", `/api/v1/namespaces/${namespace}`, {
    contentType: "application/merge-patch+json",
    body: { metadata: { labels: { "pod-security.kubernetes.io/enforce": "baseline" } } },
  });
  await using thread = await startThread({
    kubeconfig: readFileSync(cluster.kubeconfig, "utf8"),
    namespaces: { baseline: namespace, restricted: namespace },
    ...{ runnerImage, boxImage, hostAddress },
  });
  const run = await thread.push(threePipelines(boxImage), "first");
  expect(run.jobs.map(({ name, outcome }) => [name, outcome])).toEqual([
    ["build", "passed"],
    ["test", "passed"],
    ["deploy", "passed"],
  ]);
  expect(await thread.log(run, "build")).not.toContain(secretValue);
  expect(await thread.log(run, "test")).toContain("root:");
  expect(await thread.log(run, "deploy")).toContain("deployed <h1>page</h1> with DEPLOY=true");
  expect(await artifactOf(thread, run, "page", "out/index.html")).toBe("<h1>page</h1>\n");
  // The same without volumes.
  expect(await thread.cli("classes", "set", "default", "pod.volumes=false")).toMatchObject({ code: 0 });
  const again = await thread.push(threePipelines(boxImage), "second");
  expect(again.outcome).toBe("passed");
  expect(await thread.log(again, "build")).toContain("the cache has seen 2 builds");
  const left = async () => {
    const answer = await api.call<{ items: object[] }>("GET", `/api/v1/namespaces/${namespace}/pods`);
    return answer.ok ? answer.body.items.length : -1;
  };
  while ((await left()) !== 0) await new Promise(resolve => setTimeout(resolve, 200));
});
