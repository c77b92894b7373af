import type { Deployment, StatefulSet } from "kubernetes-types/apps/v1.js";
import type { Pod, PodStatus } from "kubernetes-types/core/v1.js";
import { expect, test } from "vitest";
import { deploymentWaits, podTroubles, setWaits, stuckPods } from "./rollout.ts";

const deployment = (status: Deployment["status"], generation = 2): Deployment => ({
  metadata: { name: "api", generation },
  spec: { replicas: 2, selector: {}, template: {} },
  status: status!,
});

test("a Deployment runs when all its Pods are new and ready, and no old one is left", () => {
  const done = { observedGeneration: 2, replicas: 2, updatedReplicas: 2, availableReplicas: 2 };
  expect(deploymentWaits(deployment(done))).toEqual([]);
  expect(deploymentWaits(deployment({ ...done, observedGeneration: 1 }))[0]).toContain("not seen");
  expect(deploymentWaits(deployment({ ...done, updatedReplicas: 1 }))[0]).toContain("1 of 2 Pods are new");
  expect(deploymentWaits(deployment({ ...done, replicas: 3 }))[0]).toContain("1 old");
  expect(deploymentWaits(deployment({ ...done, availableReplicas: 1 }))[0]).toContain(
    "1 of 2 Pods are ready",
  );
  expect(deploymentWaits({ metadata: { name: "api" } })).toHaveLength(1);
});

const pod = (status: PodStatus): Pod => ({ metadata: { name: "p", namespace: "slipway" }, status });
const waiting = (reason: string): Pod =>
  pod({
    containerStatuses: [
      {
        name: "api",
        image: "",
        imageID: "",
        ready: false,
        restartCount: 0,
        state: { waiting: { reason, message: "why" } },
      },
    ],
  });

test.each([
  ["ErrImageNeverPull", "load the image into the node"],
  ["ImagePullBackOff", "image.pullSecrets"],
  ["CreateContainerConfigError", "Secret or ConfigMap"],
])("%s says what to do", (reason, advice) => {
  const [trouble] = podTroubles(waiting(reason));
  expect(trouble).toContain(`${reason}: why`);
  expect(trouble).toContain(advice);
});

test("no node, a crash, and no trouble", () => {
  const unscheduled = (message: string) =>
    pod({ conditions: [{ type: "PodScheduled", status: "False", message }] });
  expect(podTroubles(unscheduled("didn't match Pod's node affinity/selector"))[0]).toContain(
    "nodeClasses: false",
  );
  expect(podTroubles(unscheduled("Insufficient cpu"))[0]).toContain("resources.requests");
  const crashed = pod({
    containerStatuses: [
      {
        ...{ name: "api", image: "", imageID: "", ready: false, restartCount: 3 },
        state: { waiting: { reason: "CrashLoopBackOff" } },
        lastState: { terminated: { exitCode: 137, reason: "OOMKilled" } },
      },
    ],
  });
  expect(podTroubles(crashed)[0]).toMatch(
    /137 \(out of memory\).*kubectl -n slipway logs p -c api --previous/,
  );
  expect(podTroubles(waiting("ContainerCreating"))).toEqual([]);
  expect(podTroubles(pod({}))).toEqual([]);
});

test("a StatefulSet's Pod of the old version that is not ready is stuck", () => {
  const set: StatefulSet = {
    metadata: { name: "db", uid: "u", generation: 2 },
    spec: { replicas: 1, selector: {}, serviceName: "db", template: {} },
    status: {
      replicas: 1,
      readyReplicas: 0,
      updatedReplicas: 0,
      observedGeneration: 2,
      updateRevision: "new",
    },
  };
  expect(setWaits(set)[0]).toContain("0 of 1");
  const of = (revision: string, ready: string): Pod => ({
    metadata: {
      name: "db-0",
      labels: { "controller-revision-hash": revision },
      ownerReferences: [
        { apiVersion: "apps/v1", kind: "StatefulSet", name: "db", uid: "u", controller: true },
      ],
    },
    status: { conditions: [{ type: "Ready", status: ready }] },
  });
  expect(stuckPods([set], [of("old", "False")])).toHaveLength(1);
  expect(stuckPods([set], [of("old", "True"), of("new", "False"), pod({})])).toEqual([]);
});
