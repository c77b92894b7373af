// What a real kubelet (1.32) did to Pods of runner, svc and box, event by event, and what the scripted kubelet makes of the
// same story: phases, states, reasons and conditions must come in the same order.

import { readFileSync } from "node:fs";
import type { Pod } from "kubernetes-types/core/v1.js";
import { expect, test } from "vitest";
import { movedClock } from "../../src/lib/fixtures/moved-clock.ts";
import type { PodHand } from "./pod-hand.ts";
import {
  type ContainerScript,
  configError,
  imageNameInvalid,
  imageNeverPulled,
  imageNotFound,
  type PodScript,
  success,
} from "./pod-script.ts";
import { startScriptedKubelet } from "./scripted-kubelet.ts";
import { startStandIn } from "./stand-in.ts";

interface Event {
  type: string;
  phase?: string;
  reason?: string;
  grace?: number;
  bound?: boolean;
  ip?: boolean;
  conditions?: string[];
  containers?: Record<string, string>;
}

const recorded = JSON.parse(
  readFileSync(new URL("recorded-sequences.json", import.meta.url), "utf8"),
) as Record<string, Event[]>;

interface Story {
  script: PodScript;
  spec?: object;
  finalizer?: true;
  /** What happens, and when. Milliseconds. */
  steps: [number, (place: Place) => void][];
}

interface Place {
  hand: PodHand;
  remove(grace?: number): void;
  lose(): void;
  comeBack(): void;
  release(): void;
}

const passed = "passed";
/** The runner sees the end of the box a moment later. */
const apart: PodScript = {
  containers: {
    box: { ends: { afterMs: 3000, code: 0 } },
    runner: { ends: { afterMs: 4000, code: 0, message: passed } },
  },
};
const withSvc = (script: PodScript, svc: ContainerScript): PodScript => ({
  ...script,
  containers: { ...script.containers, svc },
});
const runs = (more: Record<string, ContainerScript> = {}): PodScript => ({
  containers: { runner: { onTerm: { afterMs: 0, code: 0, message: "TERM" } }, ...more },
});
const remove =
  (grace?: number) =>
  ({ remove }: Place) =>
    remove(grace);
const gone: Story["steps"] = [[60_000, remove(5)]];
const waiting = (script: PodScript): PodScript => ({
  ...script,
  containers: { ...runs().containers, ...script.containers },
});
const deadline = { activeDeadlineSeconds: 5, terminationGracePeriodSeconds: 10 };
const termAtOnce = { onTerm: { afterMs: 0, code: 0, message: passed } } as const;
const evicted = "Pod ephemeral local storage usage exceeds the total limit of containers 10Mi. ";

const stories: Record<string, Story> = {
  success: { script: success(passed), steps: gone },
  "success-svc-ignores-term": { script: withSvc(success(passed), { onTerm: "ignored" }), steps: gone },
  "success-svc-exit-143-on-term": {
    script: withSvc(success(passed), { onTerm: { afterMs: 0, code: 143 } }),
    steps: gone,
  },
  "success-svc-exits-by-itself": {
    script: withSvc(success(passed), { ends: { afterMs: 6000, code: 0 } }),
    steps: gone,
  },
  "success-delete-grace-0": { script: success(passed), steps: [[60_000, remove(0)]] },
  "svc-exits-0-early": { script: withSvc(apart, { ends: { afterMs: 1000, code: 0 } }), steps: gone },
  "svc-crashes": { script: withSvc(success(passed), { ends: { afterMs: 1000, code: 1 } }), steps: gone },
  "svc-oomkilled": {
    script: withSvc(success(passed), { ends: { afterMs: 1000, code: 137, reason: "OOMKilled" } }),
    steps: gone,
  },
  "image-never-pull-box": { script: waiting(imageNeverPulled("box", "x")), steps: gone },
  "invalid-image-name-box": { script: waiting(imageNameInvalid("box", "X")), steps: gone },
  "missing-secret-volume": { script: { failedMount: "secret not found" }, steps: gone },
  "config-error-missing-secret-box": {
    script: configError("box", "secret not found", 20_000),
    steps: [
      [25_000, ({ hand }) => hand.endAll({ box: { code: 0 }, runner: { code: 0, message: passed } })],
      ...gone,
    ],
  },
  "active-deadline": { spec: deadline, script: runs({ box: { onTerm: "ignored" } }), steps: gone },
  "active-deadline-term-exit-0": { spec: deadline, script: runs(), steps: gone },
  "active-deadline-work-done": { spec: deadline, script: success(passed), steps: gone },
  "evicted-ephemeral-storage": {
    script: runs(),
    steps: [[10_000, ({ hand }) => hand.evict(evicted)], ...gone],
  },
  "evicted-ephemeral-storage-term-exit-0": {
    script: runs({ runner: termAtOnce }),
    steps: [[10_000, ({ hand }) => hand.evict(evicted, "unnoticed")], ...gone],
  },
  "evicted-ephemeral-storage-term-exit-0-other-outcome": {
    script: runs(),
    steps: [[10_000, ({ hand }) => hand.evict(evicted, "all-unknown")], ...gone],
  },
  "unschedulable-then-labelled": {
    script: { ...success(passed), unschedulable: { message: "0/1 nodes are available", forMs: 10_000 } },
    steps: gone,
  },
  "preempted-term-ignored": {
    spec: { terminationGracePeriodSeconds: 8 },
    script: runs({ box: { onTerm: "ignored" } }),
    steps: [[5000, ({ hand }) => hand.preempt()]],
  },
  "preempted-term-exit-0": {
    spec: { terminationGracePeriodSeconds: 8 },
    script: runs(),
    steps: [[5000, ({ hand }) => hand.preempt()]],
  },
  "node-lost-box-runs": {
    script: runs(),
    steps: [
      [6000, ({ lose }) => lose()],
      [54_000, ({ hand }) => hand.nodeNotReady()],
      [64_000, ({ hand }) => hand.evictByTaint()],
      [95_000, ({ comeBack }) => comeBack()],
    ],
  },
  "node-lost-box-exits-0-meanwhile": {
    script: success(passed, 20_000),
    steps: [
      [6000, ({ lose }) => lose()],
      [54_000, ({ hand }) => hand.nodeNotReady()],
      [64_000, ({ hand }) => hand.evictByTaint()],
      [95_000, ({ comeBack }) => comeBack()],
    ],
  },
  "delete-grace-10-term-exit-0": {
    script: runs({ box: { onTerm: { afterMs: 2000, code: 0 } } }),
    steps: [[5000, remove(10)]],
  },
  "delete-grace-3-term-ignored": { script: runs({ box: { onTerm: "ignored" } }), steps: [[5000, remove(3)]] },
  "delete-forced": { script: runs(), steps: [[5000, remove(0)]] },
  "delete-before-box-starts-kubelet-had-it": { script: {}, steps: [[6, remove(10)]] },
  "delete-with-finalizer": {
    finalizer: true,
    script: success(passed),
    steps: [
      [10_000, remove(5)],
      [30_000, ({ release }) => release()],
    ],
  },
  "runner-oomkilled": {
    script: {
      containers: {
        runner: { ends: { afterMs: 1000, code: 137, reason: "OOMKilled" } },
        box: { ends: { afterMs: 3000, code: 0 } },
      },
    },
    steps: [[10_000, remove(5)]],
  },
  "box-oomkilled": {
    script: {
      containers: {
        box: { ends: { afterMs: 1000, code: 137, reason: "OOMKilled" } },
        runner: { ends: { afterMs: 4000, code: 0, message: passed } },
      },
    },
    steps: [[10_000, remove(5)]],
  },
  "box-exit-3": {
    script: {
      containers: {
        box: { ends: { afterMs: 2000, code: 3 } },
        runner: { ends: { afterMs: 4000, code: 0, message: passed } },
      },
    },
    steps: gone,
  },
  "image-not-found-box": {
    script: waiting(imageNotFound("box", "no-such-image:1")),
    steps: [[64_000, remove(5)]],
  },
};

/** As the recordings are kept. */
function eventOf(type: string, pod: Pod): Event {
  const { metadata, spec, status } = pod;
  const conditions = (status?.conditions ?? []).map(each =>
    [each.type, each.status, ...(each.reason === undefined ? [] : [each.reason])].join(" "),
  );
  const containers = (status?.containerStatuses ?? []).map(each => [each.name, stateText(each)]);
  return {
    type,
    ...(status?.phase === undefined ? {} : { phase: status.phase }),
    ...(status?.reason === undefined ? {} : { reason: status.reason }),
    ...(metadata?.deletionTimestamp === undefined ? {} : { grace: metadata.deletionGracePeriodSeconds ?? 0 }),
    ...(spec?.nodeName === undefined ? {} : { bound: true }),
    ...(status?.podIP === undefined ? {} : { ip: true }),
    ...(conditions.length === 0 ? {} : { conditions }),
    ...(containers.length === 0 ? {} : { containers: Object.fromEntries(containers) }),
  };
}

type ContainerStatus = NonNullable<NonNullable<Pod["status"]>["containerStatuses"]>[number];

function stateText({ state = {}, ready, restartCount }: ContainerStatus): string {
  const { waiting, terminated } = state;
  const head =
    waiting !== undefined
      ? `waiting ${waiting.reason}`
      : terminated !== undefined
        ? `terminated ${terminated.exitCode} ${terminated.reason}${terminated.message === undefined ? "" : " message"}`
        : "running";
  return `${head}${restartCount > 0 ? ` restarts ${restartCount}` : ""}${ready ? " ready" : ""}`;
}

async function tell(name: string, { script, spec, finalizer, steps }: Story): Promise<Event[]> {
  const clock = movedClock(Date.parse("2026-01-01T00:00:00Z"));
  await using standIn = await startStandIn({ clock, namespaces: ["jobs"] });
  const { inside } = standIn;
  using kubelet = startScriptedKubelet({ inside, clock, script: () => script });
  const events: Event[] = [];
  inside.watch(({ type, resource, object }) => {
    if (resource.plural === "pods") events.push(eventOf(type, object as Pod));
  });
  const containers = ["runner", "svc", "box"].map(each => ({ name: each, image: "busybox:latest" }));
  inside.put("pods", {
    kind: "Pod",
    apiVersion: "v1",
    metadata: {
      name,
      namespace: "jobs",
      ...(finalizer === true ? { finalizers: ["example.com/hold"] } : {}),
    },
    spec: { restartPolicy: "Never", terminationGracePeriodSeconds: 10, containers, ...spec },
    status: { phase: "Pending" },
  });
  const hand = kubelet.pod(name)!;
  const place: Place = {
    hand,
    remove: grace =>
      inside.delete("pods", "jobs", name, grace === undefined ? {} : { gracePeriodSeconds: grace }),
    lose: kubelet.lose,
    comeBack: kubelet.comeBack,
    release: () =>
      void inside.change<Pod>("pods", "jobs", name, pod => {
        Object.assign(pod.metadata!, { finalizers: [] });
      }),
  };
  for (const [at, run] of steps) {
    clock.move(at - (clock.monotonic() % 1e9));
    run(place);
  }
  clock.move(60_000);
  return events;
}

/** How often a pull has been tried is a matter of time. */
function told(events: Event[]): Event[] {
  const all = events.map(each =>
    JSON.parse(JSON.stringify(each).replace(/ErrImagePull|ImagePullBackOff/g, "(pull)")),
  );
  return all.filter((each, index) => JSON.stringify(each) !== JSON.stringify(all[index - 1])) as Event[];
}

test("Pods go through the states in which a real kubelet was seen to bring them", async () => {
  for (const [name, story] of Object.entries(stories)) {
    const events = await tell(name, story);
    expect.soft(told(events), name).toEqual(told(recorded[name]!));
  }
});
