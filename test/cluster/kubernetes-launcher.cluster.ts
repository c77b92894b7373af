// The contract of launchers against a real cluster, that of KUBECONFIG, in a namespace of its own: what passes against the
// stand-in has to pass here. SLIPWAY_TEST_IMAGE is an image with a shell that its nodes have (docker.io/library/busybox unless
// told).

import { afterAll, beforeAll } from "vitest";
import { accessFromKubeconfig } from "../../src/kubernetes/kubeconfig.ts";
import { type KubernetesApi, openKubernetesApi } from "../../src/kubernetes/kubernetes-api.ts";
import { createCallCount } from "../../src/launcher/kubernetes/call-count.ts";
import { eventually } from "../../src/launcher/kubernetes/fixtures/cluster-world.ts";
import { container, place } from "../../src/launcher/kubernetes/fixtures/launches.ts";
import { createKubernetesLauncher } from "../../src/launcher/kubernetes/kubernetes-launcher.ts";
import { attemptLabel, podName } from "../../src/launcher/kubernetes/labels.ts";
import { podOf } from "../../src/launcher/kubernetes/pod.ts";
import type { Pod } from "../../src/launcher/kubernetes/pod-launch.ts";
import { claimOfAttempt, launcherContract } from "../../src/launcher/launcher.contract.ts";
import type { Launcher } from "../../src/launcher/launcher.ts";
import { systemClock } from "../../src/lib/clock.ts";
import type { Claim } from "../../src/queue/queue.ts";

const kubeconfig = process.env.KUBECONFIG;
if (kubeconfig === undefined) throw new Error("KUBECONFIG has to name the cluster that these tests may use");
const image = process.env.SLIPWAY_TEST_IMAGE ?? "docker.io/library/busybox:latest";
const namespace = `slipway-test-${Date.now().toString(36)}`;
const pods = `/api/v1/namespaces/${namespace}/pods`;
const openApi = async () =>
  openKubernetesApi(
    await accessFromKubeconfig({ files: [kubeconfig], env: process.env, clock: systemClock }),
  );
let api: KubernetesApi;

beforeAll(async () => {
  api = await openApi();
  const body = { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } };
  const made = await api.call("POST", "/api/v1/namespaces", { body });
  if (!made.ok) throw new Error(made.status.message);
  await eventually(
    async () => (await api.call("GET", `/api/v1/namespaces/${namespace}/serviceaccounts/default`)).ok,
    "the namespace's service account",
  );
});
afterAll(async () => {
  await api.call("DELETE", `/api/v1/namespaces/${namespace}`);
  api[Symbol.dispose]();
});

/** Containers that do nothing, and end when they are told. */
const idle = ["sh", "-c", "trap 'exit 7' TERM; while :; do sleep 0.2; done"];

function objectsOf(claim: Claim) {
  const box = container({ image, shownImage: image });
  const launch = { ...claim.launch, containers: { box, services: [] } };
  const here = { ...place, namespaces: { baseline: namespace, restricted: namespace }, runnerImage: image };
  const objects = podOf({ claim: { ...claim, launch }, place: here });
  if (!objects.ok) throw new Error(objects.refusal.message);
  const { pod } = objects.value;
  for (const each of pod.spec?.containers ?? []) {
    each.command = idle;
    delete each.args;
  }
  return objects.value;
}

/** Ends the runner past everybody: a container beside it, in its own process namespace, signals it. */
async function endRunner(name: string): Promise<void> {
  const isUp = async () => {
    const pod = await api.call<Pod>("GET", `${pods}/${name}`);
    return pod.ok && pod.body.status?.containerStatuses?.every(({ state }) => state?.running !== undefined);
  };
  await eventually(isUp, "its containers");
  const killer = {
    ...{
      name: `killer-${Date.now()}`,
      image,
      imagePullPolicy: "IfNotPresent",
      targetContainerName: "runner",
    },
    command: ["kill", "-TERM", "1"],
    securityContext: { runAsUser: 10_001, runAsGroup: 10_001 },
  };
  const told = await api.call("PATCH", `${pods}/${name}/ephemeralcontainers`, {
    body: { spec: { ephemeralContainers: [killer] } },
    contentType: "application/strategic-merge-patch+json",
  });
  if (!told.ok) throw new Error(told.status.message);
  await eventually(async () => {
    const pod = await api.call<Pod>("GET", `${pods}/${name}`);
    const runner = pod.ok && pod.body.status?.containerStatuses?.find(each => each.name === "runner");
    return runner && runner.state?.terminated !== undefined;
  }, "the end of the runner");
}

launcherContract("kubernetes, on a real cluster", async () => {
  const open: Launcher[] = [];
  const impossible = new Set<string>();
  const made = new Map<string, number>();
  const ended = {
    outcome: "broken" as const,
    reason: "launch-refused",
    message: "no such thing in this cluster",
  };
  const nameOf = (attemptId: string) => podName(claimOfAttempt(attemptId));
  return {
    async open() {
      const own = await openApi();
      const launcher = createKubernetesLauncher({
        api: {
          ...own,
          async call<T>(...args: Parameters<KubernetesApi["call"]>) {
            const answer = await own.call<T>(...args);
            const { metadata } = (answer.ok ? answer.body : {}) as Pod;
            const attempt = metadata?.labels?.[attemptLabel];
            if (args[0] === "POST" && attempt !== undefined) made.set(attempt, (made.get(attempt) ?? 0) + 1);
            return answer;
          },
        },
        ...{ namespaces: [namespace], clock: systemClock, random: Math.random },
        objectsOf: claim => (impossible.has(claim.attemptId) ? { end: ended } : objectsOf(claim)),
        rate: { perSecond: 100, atOnce: 8 },
        pods: { high: 3000, low: 2500 },
        calls: createCallCount({ clock: systemClock, counted: () => undefined, runOver: () => undefined }),
        troubled: what => console.error(what),
      });
      open.push(launcher);
      return launcher;
    },
    async lives(id) {
      const pod = await api.call<Pod>("GET", `${pods}/${nameOf(id)}`);
      if (!pod.ok || pod.body.metadata?.deletionTimestamp !== undefined) return false;
      return !["Failed", "Succeeded"].includes(pod.body.status?.phase ?? "");
    },
    starts: async id => made.get(id) ?? 0,
    die: id => endRunner(nameOf(id)),
    impossible(claim) {
      impossible.add(claim.attemptId);
      return claim;
    },
    async [Symbol.asyncDispose]() {
      for (const launcher of open) await launcher[Symbol.asyncDispose]();
      const all = { gracePeriodSeconds: 0 };
      await api.call("DELETE", pods, { body: { apiVersion: "v1", kind: "DeleteOptions", ...all } });
    },
  };
});
