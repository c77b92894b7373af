// The API server of the benches, and its kubelet, as a process.

import { place } from "../../src/launcher/kubernetes/fixtures/launches.ts";
import { attemptLabel, jobLabel } from "../../src/launcher/kubernetes/labels.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { instant } from "../../test/kubernetes/pod-script.ts";
import { startScriptedKubelet } from "../../test/kubernetes/scripted-kubelet.ts";
import { startStandIn } from "../../test/kubernetes/stand-in.ts";
import { serveCalls, tellNews } from "./own-process.ts";

const standIn = await startStandIn({ namespaces: Object.values(place.namespaces) });
standIn.inside.watch(({ type, resource, object }) => {
  const { labels = {} } = object.metadata;
  if (type !== "ADDED" || resource.plural !== "pods" || labels[attemptLabel] === undefined) return;
  tellNews({ job: labels[jobLabel], at: performance.timeOrigin + performance.now() });
});

serveCalls({
  where: async () => ({ url: standIn.url, token: standIn.token }),
  /** From now on Pods are started. */
  run: async () => {
    startScriptedKubelet({ inside: standIn.inside, clock: systemClock, script: () => instant });
  },
  running: async () =>
    standIn.inside
      .list<{ status?: { phase?: string } }>("pods")
      .filter(({ status }) => status?.phase === "Running").length,
  empty: async () => {
    for (const { metadata } of standIn.inside.list("pods")) {
      standIn.inside.delete("pods", metadata.namespace, metadata.name, { gracePeriodSeconds: 0 });
    }
  },
});
