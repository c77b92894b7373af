import { Agent } from "node:https";
import { expect, test } from "vitest";
import { openKubernetesApi } from "../../src/kubernetes/kubernetes-api.ts";
import { type KubernetesObject, listWatch } from "../../src/kubernetes/list-watch.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { instant, success } from "./pod-script.ts";
import { startScriptedKubelet } from "./scripted-kubelet.ts";
import { type StandIn, startStandIn } from "./stand-in.ts";

function apiOf(standIn: StandIn, token = standIn.token) {
  const agent = new Agent();
  return openKubernetesApi({
    server: standIn.url,
    agent,
    authorization: async () => `Bearer ${token}`,
    [Symbol.dispose]: () => agent.destroy(),
  });
}

interface SeenPod extends KubernetesObject {
  status: {
    phase: string;
    containerStatuses?: { name: string; state: { terminated?: { message?: string } } }[];
  };
}

const pods = "/api/v1/namespaces/jobs/pods";
const podNamed = (name: string) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, labels: { job: name } },
  spec: {
    restartPolicy: "Never",
    containers: ["runner", "svc", "box"].map(each => ({ name: each, image: "probe:bb" })),
  },
});

test("a Pod is created, watched to its end, and deleted", async () => {
  await using standIn = await startStandIn({ namespaces: ["jobs"] });
  using api = apiOf(standIn);
  const script = () => ({ ...instant, ...success("passed", 5) });
  using kubelet = startScriptedKubelet({ inside: standIn.inside, clock: systemClock, script });
  expect(await api.call("POST", pods, { body: podNamed("one") })).toMatchObject({ ok: true, code: 201 });
  expect(await api.call("POST", pods, { body: podNamed("one") })).toMatchObject({ ok: false, code: 409 });
  const stop = new AbortController();
  const seen: string[] = [];
  const changes = listWatch<SeenPod>({
    api,
    path: pods,
    clock: systemClock,
    random: () => 0.5,
    signal: stop.signal,
    troubled: what => seen.push(what),
  });
  for await (const change of changes) {
    if (change.type === "listed") continue;
    const runner = change.object.status.containerStatuses?.find(each => each.name === "runner");
    seen.push(`${change.type} ${change.object.status.phase} ${runner?.state.terminated?.message ?? ""}`);
    if (runner?.state.terminated !== undefined && change.object.metadata.deletionTimestamp === undefined) {
      await api.call("DELETE", `${pods}/one`, { body: { gracePeriodSeconds: 1 } });
    }
    if (change.type === "gone") break;
  }
  expect(seen.at(-1)).toBe("gone Succeeded passed");
  expect(kubelet.starts()).toBe(1);
  expect(standIn.counts()).toEqual({ "create pods": 2, "list pods": 1, "watch pods": 1, "delete pods": 1 });
});
