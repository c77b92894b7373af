// Runners as Pods against a cluster in this process: what the contract says, and what is true of Pods alone.

import { launcherContract } from "../launcher.contract.ts";
import { eventually, objectsOf, openClusterWorld } from "./fixtures/cluster-world.ts";
import { attemptLabel } from "./labels.ts";
import type { Pod } from "./pod-launch.ts";

launcherContract("kubernetes", async () => {
  const world = await openClusterWorld();
  const impossible = new Set<string>();
  const names = new Map<string, string>();
  world.standIn.inside.watch(({ type, resource, object }) => {
    const attempt = object.metadata.labels?.[attemptLabel];
    if (resource.plural !== "pods" || type !== "ADDED" || attempt === undefined) return;
    names.set(attempt, object.metadata.name);
    starts.set(attempt, (starts.get(attempt) ?? 0) + 1);
  });
  const starts = new Map<string, number>();
  const end = {
    outcome: "broken" as const,
    reason: "launch-refused",
    message: "no such thing in this cluster",
  };
  return {
    open: () =>
      world.open({
        objectsOf: claim => (impossible.has(claim.attemptId) ? { end } : objectsOf(claim)),
      }),
    async lives(id) {
      const pods = world.standIn.inside.list<Pod>("pods");
      return pods.some(
        ({ metadata, status }) =>
          metadata?.labels?.[attemptLabel] === id &&
          status?.phase !== "Failed" &&
          metadata.deletionTimestamp === undefined,
      );
    },
    starts: async id => starts.get(id) ?? 0,
    async die(id) {
      const hand = await eventually(() => world.kubelet.pod(names.get(id) ?? ""), "the kubelet's Pod");
      const isDead = () =>
        world.standIn.inside
          .get<Pod>("pods", hand.namespace, hand.name)
          ?.status?.containerStatuses?.some(
            each => each.name === "runner" && each.state?.terminated !== undefined,
          );
      // Nothing can be ended that does not run yet.
      await eventually(() => {
        hand.end("runner", { code: 137 });
        return isDead();
      }, "the end of the runner");
    },
    impossible(claim) {
      impossible.add(claim.attemptId);
      return claim;
    },
    [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
  };
});
