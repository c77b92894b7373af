// A scheduler and a kubelet for the stand-in, which run nothing: each Pod goes through the states that its script says,
// in the orders and with the statuses that real ones were seen to write.

import type { Pod } from "kubernetes-types/core/v1.js";
import type { Clock } from "../../src/lib/clock.ts";
import type { ApiObject } from "./api-object.ts";
import type { Inside } from "./inside.ts";
import { PodHand } from "./pod-hand.ts";
import type { PodScript } from "./pod-script.ts";

export interface ScriptedKubeletOptions {
  /** `standIn.inside`. */
  inside: Inside;
  clock: Clock;
  /** What becomes of a Pod; one that says nothing starts and runs until it is deleted. */
  script(pod: Pod): PodScript;
  nodeName?: string;
}

export interface ScriptedKubelet extends Disposable {
  readonly nodeName: string;
  /** Pods whose containers were started. */
  starts(): number;
  /** Of a Pod that is there, by name; its namespace only where names are not enough. */
  pod(name: string, namespace?: string): PodHand | undefined;
  /** Of all Pods that it has. */
  pods(): PodHand[];
  /** The node is gone: nothing is written, nothing is killed. */
  lose(): void;
  /** It is back and catches up. */
  comeBack(): void;
}

export function startScriptedKubelet(options: ScriptedKubeletOptions): ScriptedKubelet {
  const { inside, clock, script, nodeName = "node-1" } = options;
  const hands = new Map<string, PodHand>();
  let starts = 0;
  let lost = false;
  inside.put("nodes", nodeObject(nodeName));
  const take = (pod: Pod) => {
    const uid = pod.metadata!.uid!;
    if (hands.has(uid)) return;
    const hand = new PodHand({
      inside,
      clock,
      nodeName,
      script: script(pod),
      pod,
      started: () => {
        starts += 1;
      },
      isAway: () => lost,
    });
    hands.set(uid, hand);
  };
  const unwatch = inside.watch(({ type, resource, object }) => {
    if (resource.plural !== "pods") return;
    const uid = object.metadata.uid;
    if (type === "ADDED") take(object as Pod);
    else if (type === "DELETED") {
      hands.get(uid)?.[Symbol.dispose]();
      hands.delete(uid);
    } else if (object.metadata.deletionTimestamp !== undefined) hands.get(uid)?.deleted(object as ApiObject);
  });
  for (const pod of inside.list<Pod>("pods")) take(pod);
  return {
    nodeName,
    starts: () => starts,
    pod: (name, namespace) =>
      [...hands.values()].find(
        each => each.name === name && (namespace === undefined || each.namespace === namespace),
      ),
    pods: () => [...hands.values()],
    lose() {
      lost = true;
    },
    comeBack() {
      lost = false;
      for (const hand of hands.values()) hand.catchUp();
    },
    [Symbol.dispose]() {
      unwatch();
      for (const hand of hands.values()) hand[Symbol.dispose]();
    },
  };
}

function nodeObject(name: string) {
  return {
    kind: "Node",
    apiVersion: "v1",
    metadata: {
      name,
      labels: { "kubernetes.io/hostname": name, "kubernetes.io/arch": "amd64", "kubernetes.io/os": "linux" },
    },
    spec: {},
    status: { conditions: [{ type: "Ready", status: "True", reason: "KubeletReady" }] },
  };
}
