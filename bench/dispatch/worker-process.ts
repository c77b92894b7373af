// A worker of the benches as a process: the worker and its launcher as they are, only what a Pod holds is the bench's.

import http from "node:http";
import type https from "node:https";
import { keepHeapSmall } from "../../src/app/server/small-heap.ts";
import type { ClusterAccess } from "../../src/kubernetes/cluster-access.ts";
import { accessFromKubeconfig } from "../../src/kubernetes/kubeconfig.ts";
import { openKubernetesApi } from "../../src/kubernetes/kubernetes-api.ts";
import { createCallCount } from "../../src/launcher/kubernetes/call-count.ts";
import { claimOf, container, place } from "../../src/launcher/kubernetes/fixtures/launches.ts";
import { createKubernetesLauncher } from "../../src/launcher/kubernetes/kubernetes-launcher.ts";
import { podOf } from "../../src/launcher/kubernetes/pod.ts";
import type { ClusterPlace } from "../../src/launcher/kubernetes/pod-launch.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { createHttpQueue } from "../../src/queue/http/http-queue.ts";
import type { Claim, LaunchContainers } from "../../src/queue/queue.ts";
import { startWorker, type Worker } from "../../src/services/worker/worker.ts";
import { serveCalls } from "./own-process.ts";

/** An API server: the stand-in, or a cluster's, in a namespace where Pods stay as they were created. */
export type Where = { url: string; token: string } | { kubeconfig: string; namespace: string };

keepHeapSmall();
const never = new AbortController().signal;
/** As many creates are under way in the bare loop as with the launcher. */
const atOnce = 16;
const service = container({ image: "docker.io/library/redis:7", shownImage: "redis:7", alias: "redis" });
const containers: LaunchContainers = { box: container(), services: [service] };
let count = 0;
let worker: Worker | undefined;

async function openApi(where: Where) {
  return openKubernetesApi(await accessOf(where));
}

async function accessOf(where: Where): Promise<ClusterAccess> {
  if ("kubeconfig" in where) {
    return accessFromKubeconfig({ files: [where.kubeconfig], env: process.env, clock: systemClock });
  }
  const agent = new http.Agent();
  return {
    server: where.url,
    agent: agent as https.Agent,
    authorization: async () => `Bearer ${where.token}`,
    [Symbol.dispose]: () => agent.destroy(),
  };
}

function namespacesOf(where: Where): ClusterPlace["namespaces"] {
  if ("url" in where) return place.namespaces;
  return { baseline: where.namespace, restricted: where.namespace };
}

/** `rate` and `pods`: the settings createsPerSecond and maxPods, so high that the server alone is the limit. */
async function openLauncher(where: Where) {
  return createKubernetesLauncher({
    ...{ api: await openApi(where), clock: systemClock, random: Math.random },
    objectsOf: claim => objectsOf(where, claim),
    namespaces: Object.values(namespacesOf(where)),
    rate: { perSecond: 10_000, atOnce },
    pods: { high: 10_000, low: 9000 },
    calls: createCallCount({ clock: systemClock, counted: () => undefined, runOver: () => undefined }),
    troubled: what => console.error(what),
  });
}

function objectsOf(where: Where, claim: Claim) {
  const launch = { ...claim.launch, containers };
  const here = { ...place, namespaces: namespacesOf(where) };
  const objects = podOf({ claim: { ...claim, launch }, place: here });
  if (!objects.ok) throw new Error(objects.refusal.message);
  // Nobody schedules it, so that no node has to run thousands.
  if ("kubeconfig" in where) objects.value.pod.spec!.schedulerName = "slipway-bench-nobody";
  return objects.value;
}

function newClaim(): Claim {
  const id = (++count).toString(16).padStart(24, "0");
  return claimOf(containers, {}, { runId: id, jobId: id, attemptId: id });
}

/** So many creates a second of a loop that does nothing else: same Pods, same client, same answers. */
async function bare({ where, number }: { where: Where; number: number }): Promise<number> {
  using api = await openApi(where);
  const path = `/api/v1/namespaces/${namespacesOf(where).baseline}/pods`;
  const bodies = Array.from({ length: number }, () => objectsOf(where, newClaim()).pod);
  const began = performance.now();
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (let body = bodies.pop(); body !== undefined; body = bodies.pop()) {
        const answer = await api.call("POST", path, { body, metadataOnly: true });
        if (!answer.ok) throw new Error(`${answer.code} ${answer.status.message}`);
      }
    }),
  );
  return (number / (performance.now() - began)) * 1000;
}

async function launches({ where, number }: { where: Where; number: number }): Promise<number> {
  await using launcher = await openLauncher(where);
  await launcher.strays();
  const began = performance.now();
  const references = await Promise.all(
    Array.from({ length: number }, () => launcher.launch(newClaim(), never)),
  );
  if (references.includes("")) throw new Error("not all were launched");
  return (number / (performance.now() - began)) * 1000;
}

async function work(options: {
  where: Where;
  apiUrl: string;
  workerToken: string;
  capacity: number;
  name?: string;
}): Promise<void> {
  const quiet = { info: () => undefined, warn: (...told: unknown[]) => console.error(...told) };
  worker = startWorker({
    queue: createHttpQueue({ url: options.apiUrl, token: options.workerToken, clock: systemClock }),
    launcher: await openLauncher(options.where),
    info: {
      ...{
        id: options.name ?? "w-bench",
        name: "bench",
        version: "1",
        classes: ["default"],
        capacity: options.capacity,
      },
      labels: { launcher: "kubernetes", place: "bench" },
    },
    ...{ clock: systemClock, random: Math.random, log: quiet, cancelMs: 90_000 },
  });
}

/** After all that is garbage has gone. */
async function memory() {
  for (let round = 0; round < 3; round++) {
    global.gc?.();
    await new Promise(resolve => setTimeout(resolve, 50));
  }
  const { rss, heapUsed } = process.memoryUsage();
  return { rss, heapUsed, held: worker?.held ?? 0 };
}

serveCalls({
  bare,
  launches,
  work,
  memory,
  held: async () => worker?.held ?? 0,
});
