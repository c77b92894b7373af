// From a push to green pipelines in Pods that Docker really runs; and what a job that means harm gets from inside of one.

import type { Pod } from "kubernetes-types/core/v1.js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemClock } from "../../src/lib/clock.ts";
import { testDaemon } from "../containers/docker-daemon.ts";
import { type SlipwayImage, slipwayImage } from "../containers/slipway-image.ts";
import { buildTestImages, testImages } from "../containers/test-images.ts";
import { startDockerKubelet } from "./docker-kubelet.ts";
import { everyCall, fine, harmful, inside } from "./hostile-pods.ts";
import { startStandIn } from "./stand-in.ts";
import { artifactOf, secretValue, startThread, threePipelines } from "./three-pods.ts";

const namespaces = { baseline: "jobs", restricted: "jobs-restricted" };

let image: SlipwayImage;
beforeAll(async () => {
  await buildTestImages(await testDaemon());
  image = await slipwayImage();
}, 600_000);
afterAll(() => image[Symbol.asyncDispose]());

/** A cluster of one node with the platform beside it; of which nothing is left afterwards. */
async function startPlace() {
  await using stack = new AsyncDisposableStack();
  const client = await testDaemon();
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
  // The same without volumes.
  expect(await thread.cli("classes", "set", "default", "pod.volumes=false")).toMatchObject({ code: 0 });
  const mounts: number[] = [];
  const unwatch = standIn.inside.watch(({ type, resource, object }) => {
    if (type !== "ADDED" || resource.plural !== "pods") return;
    const { containers = [] } = (object as Pod).spec ?? {};
    mounts.push(containers.flatMap(({ volumeMounts = [] }) => volumeMounts).length);
  });
  const again = await thread.push(threePipelines(testImages.sh), "second");
  unwatch();
  expect(again.outcome).toBe("passed");
  expect(mounts).toEqual([0, 0, 0]);
  expect(await thread.log(again, "build")).toContain("the cache has seen 2 builds");
  while (podsLeft().length > 0) await new Promise(resolve => setImmediate(resolve));
  const { "create pods": created, "delete pods": deleted, ...others } = standIn.counts();
  expect([created, deleted]).toEqual([6, 6]);
  for (const call of Object.keys(others)) expect(call).toMatch(/^(list|watch) pods$|^(list|watch) secrets$/);
  expect(troubles).toEqual([]);
}, 600_000);

test("from inside of a box there is no way but the one door, and a job that means harm harms itself alone", async () => {
  await using place = await startPlace();
  const { standIn, thread, troubles } = place;
  const specs: Pod["spec"][] = [];
  using _watch = {
    [Symbol.dispose]: standIn.inside.watch(({ object }) => void specs.push((object as Pod).spec)),
  };
  const run = await thread.push(inside(testImages.sh, thread.server), "look around");
  const log = await thread.log(run, "look");
  expect(log).not.toContain("WRONG");
  const answers = log.split("\n").filter(line => line.startsWith("answer "));
  expect(answers).toHaveLength(everyCall().length + 1);
  expect(answers.filter(line => !/^answer (401|404) /.test(line))).toEqual([]);
  // CHOWN, DAC_OVERRIDE, FOWNER, FSETID, KILL, SETGID, SETUID, NET_BIND_SERVICE.
  for (const set of ["CapEff", "CapBnd", "CapPrm"])
    expect(log).toMatch(new RegExp(`^${set}:\\s+00000000000004fb$`, "m"));
  expect(log).toContain("all was tried");
  expect(run.outcome).toBe("passed");
  const mounted = specs
    .flatMap(spec => spec?.volumes ?? [])
    .filter(({ projected, secret }) => projected ?? secret);
  expect([mounted, specs.every(spec => spec?.automountServiceAccountToken === false)]).toEqual([[], true]);

  const bad = await thread.push(harmful(testImages.sh), "do harm");
  const [start, hostile, unready] = bad.jobs;
  expect(start!.outcome).toBe("passed");
  expect(["failed", "broken"]).toContain(hostile!.outcome);
  expect(hostile!.attempts).toHaveLength(1);
  expect(unready).toMatchObject({ outcome: "failed", attempts: [{}] });
  expect(unready!.detail).toMatch(/never/);
  const next = await thread.push(fine(testImages.sh), "all is well");
  expect(next.outcome).toBe("passed");
  while (standIn.inside.list<Pod>("pods").length > 0) await new Promise(resolve => setImmediate(resolve));
  expect(troubles).toEqual([]);
}, 600_000);
