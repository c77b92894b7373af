import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { LaunchEnd } from "../../queue/queue.ts";
import type { Pod } from "./pod-launch.ts";
import { endOfGone, endOfPod, hasBegun, settledEnd } from "./verdict.ts";
import { observe } from "./verdict-wait.ts";

interface Seen {
  ms: number;
  type: "ADDED" | "MODIFIED" | "DELETED";
  object: Pod;
}

/** What a real server and kubelet have told of Pods of this shape, reduced to what is read here. */
const directory = new URL("recordings/", import.meta.url);
const recordings = new Map(
  readdirSync(directory).map(file => {
    const lines = readFileSync(new URL(file, directory), "utf8").trim().split("\n");
    return [file.replace(".ndjson", ""), lines.map(line => JSON.parse(line) as Seen)] as const;
  }),
);

function startOf(seen: readonly Seen[]): number {
  return Date.parse(seen[0]!.object.metadata?.creationTimestamp ?? "");
}

function endOfOne({ type, object }: Seen, now: number): LaunchEnd | undefined {
  return type === "DELETED" ? endOfGone(object, now) : endOfPod(object, now);
}

/** What a watcher that sees all of it, or some of it, comes to. */
function verdictOf(seen: readonly Seen[], start = startOf(seen)): LaunchEnd | undefined {
  let end: LaunchEnd | undefined;
  for (const each of seen) {
    const next = endOfOne(each, start + each.ms);
    if (next !== undefined) end = settledEnd(end, next);
  }
  return end;
}

/** `passed` is the runner's word: of a Pod that went well all that is known is that its runner has ended. */
const verdicts: Record<string, string> = {
  "active-deadline": "timed-out deadline",
  "active-deadline-term-exit-0": "timed-out deadline",
  "active-deadline-while-pending": "failed image-refused",
  "active-deadline-work-done": "timed-out deadline",
  "bad-command-box": "failed start-error",
  "bad-command-runner": "broken runner-start-error",
  "bad-command-svc": "failed start-error",
  "box-child-oomkilled-exit-0": "broken runner-gone",
  "box-exit-3": "broken runner-gone",
  "box-exit-3-runner-message-of-a-failed-job": "broken runner-gone",
  "box-oomkilled": "failed out-of-memory",
  "config-error-missing-secret-box": "broken runner-gone",
  "delete-before-box-starts": "broken pod-deleted",
  "delete-before-box-starts-kubelet-had-it": "broken pod-deleted",
  "delete-forced": "broken pod-deleted",
  "delete-grace-10-runner-slow": "broken pod-deleted",
  "delete-grace-10-term-exit-0": "broken pod-deleted",
  "delete-grace-3-all-ignore-term": "broken pod-deleted",
  "delete-grace-3-term-ignored": "broken pod-deleted",
  "delete-while-box-succeeds": "broken pod-deleted",
  "delete-with-finalizer": "broken runner-gone",
  "evicted-after-work-done": "broken runner-gone",
  "evicted-after-work-done-term-ignored": "broken evicted",
  "evicted-emptydir-size-limit": "broken evicted",
  "evicted-ephemeral-storage": "broken evicted",
  // Nothing in the Pod says so: the kubelet lost its own race.
  "evicted-ephemeral-storage-term-exit-0": "broken runner-gone",
  "evicted-ephemeral-storage-term-exit-0-other-outcome": "broken evicted",
  "evicted-ephemeral-storage-term-exit-0-third-outcome": "broken evicted",
  "image-never-pull-box": "failed image-missing",
  "image-not-found-box": "failed image-refused",
  "image-not-found-box-runner-exits-0": "failed image-refused",
  "image-not-found-runner": "broken runner-image-refused",
  "image-not-found-svc": "failed image-refused",
  "invalid-image-name-box": "failed image-name-invalid",
  "kubelet-restart-all-exit-0-meanwhile": "broken runner-gone",
  "kubelet-restart-box-exits-0-meanwhile": "broken runner-gone",
  "kubelet-restart-box-exits-3-meanwhile": "broken runner-gone",
  "kubelet-restart-box-runs-on": "broken runner-gone",
  "kubelet-restart-created-meanwhile": "broken runner-gone",
  "kubelet-restart-deleted-meanwhile": "broken pod-deleted",
  "kubelet-restart-runner-dies-meanwhile": "broken runner-gone",
  "memory-emptydir-full": "broken runner-gone",
  "memory-emptydir-oom": "failed out-of-memory",
  "missing-secret-volume": "broken pod-deleted",
  "node-lost-box-exits-0-meanwhile": "broken node-lost",
  "node-lost-box-runs": "broken node-lost",
  "node-lost-forced-and-created-again": "broken node-lost",
  "node-lost-pending-box": "failed image-refused",
  "node-lost-tolerated": "broken runner-gone",
  "preempted-after-success": "broken preempted",
  "preempted-term-exit-0": "broken preempted",
  "preempted-term-ignored": "broken preempted",
  "runner-child-oomkilled-exit-0": "broken runner-gone",
  "runner-exits-1-box-runs-on": "broken runner-gone",
  "runner-exits-1-first": "broken runner-gone",
  "runner-fallback-to-logs-exit-0": "broken runner-gone",
  "runner-fallback-to-logs-exit-1": "broken runner-gone",
  "runner-fallback-to-logs-message-and-exit-1": "broken runner-gone",
  "runner-fallback-to-logs-oomkilled": "broken runner-out-of-memory",
  "runner-message-long": "broken runner-gone",
  "runner-message-then-oomkilled": "broken runner-out-of-memory",
  "runner-oomkilled": "broken runner-out-of-memory",
  "runner-poststart-2s": "broken runner-gone",
  "runner-poststart-fails": "broken runner-gone",
  "runner-poststart-fails-term-ignored": "broken runner-gone",
  // Its node does not end it, whatever the reason.
  "runner-poststart-hangs": "broken node-lost",
  success: "broken runner-gone",
  "success-delete-grace-0": "broken runner-gone",
  "success-runner-ends-first": "broken runner-gone",
  "success-svc-exit-143-on-term": "broken runner-gone",
  "success-svc-exits-by-itself": "broken runner-gone",
  "success-svc-ignores-term": "broken runner-gone",
  "svc-crashes": "broken runner-gone",
  "svc-exits-0-early": "broken runner-gone",
  "svc-oomkilled": "broken runner-gone",
  "two-containers-one-port": "broken runner-gone",
  "unschedulable-then-labelled": "broken runner-gone",
};

test("every recording has its verdict", () => {
  expect(Object.keys(verdicts).sort()).toEqual([...recordings.keys()].sort());
});

test.each(Object.entries(verdicts))("%s: %s", (name, expected) => {
  const end = verdictOf(recordings.get(name)!);
  expect(`${end?.outcome} ${end?.reason}`).toBe(expected);
});

test.each([...recordings])("nothing is said of %s while its runner lives and nothing is wrong", (_, seen) => {
  for (const { ms, object } of seen) {
    const states = object.status?.containerStatuses ?? [];
    const fine = states.length === 3 && states.every(({ state }) => state?.running !== undefined);
    if (!fine || object.metadata?.deletionTimestamp !== undefined) continue;
    if (object.status?.conditions?.some(({ type }) => type === "DisruptionTarget")) continue;
    expect(endOfPod(object, startOf(seen) + ms)).toBeUndefined();
    expect(observe(object, startOf(seen) + ms)).toEqual({ stage: "running", begun: true });
  }
});

test("a node that nobody hears is told while its Pod is still shown as running", () => {
  const seen = recordings.get("node-lost-box-runs")!;
  const first = seen.find(each => endOfOne(each, startOf(seen) + each.ms) !== undefined)!;
  const { metadata, status } = first.object;
  expect(status?.containerStatuses?.map(({ state }) => state?.running !== undefined)).toEqual([
    true,
    true,
    true,
  ]);
  expect(metadata?.deletionTimestamp).toBeUndefined();
  // One that is deleted and healthy has its grace; when that is long over its node has not heard of it.
  const running = recordings.get("delete-grace-10-term-exit-0")!.find(({ object }) => {
    const alive = object.status?.containerStatuses?.every(({ state }) => state?.running !== undefined);
    return alive === true && object.metadata?.deletionTimestamp !== undefined;
  })!.object;
  const due = Date.parse(running.metadata?.deletionTimestamp ?? "");
  expect(endOfPod(running, due)).toBeUndefined();
  expect(endOfPod(running, due + 20_000)?.reason).toBe("node-lost");
});

describe("whatever is seen of it", () => {
  const outcomes = ["failed", "broken", "timed-out"];

  test("any part of a recording, in any order, gives an end that is no success, or none", () => {
    const all = [...recordings.values()];
    fc.assert(
      fc.property(
        fc.nat(all.length - 1).chain(at => fc.tuple(fc.constant(all[at]!), fc.subarray(all[at]!))),
        fc.boolean(),
        fc.integer({ min: -1e7, max: 1e9 }),
        ([whole, part], backwards, shift) => {
          const end = verdictOf(backwards ? part.toReversed() : part, startOf(whole) + shift);
          expect([undefined, ...outcomes]).toContain(end?.outcome);
        },
      ),
      { numRuns: 500 },
    );
  });

  test("a watcher that sees only the last of it comes to an end too", () => {
    for (const seen of recordings.values()) {
      const last = seen.at(-1)!;
      if (last.type === "DELETED")
        expect(outcomes).toContain(endOfOne(last, startOf(seen) + last.ms)?.outcome);
    }
    expect(endOfGone(undefined, 0).reason).toBe("pod-deleted");
  });

  test("states that no kubelet ever wrote do not throw", () => {
    const text = fc.constantFrom(
      "OOMKilled",
      "StartError",
      "ErrImagePull",
      "Evicted",
      "",
      "\0\u2028x",
      "DeadlineExceeded",
    );
    const state = fc.record(
      {
        running: fc.record({ startedAt: fc.string() }),
        waiting: fc.record({ reason: text, message: fc.string() }, { requiredKeys: [] }),
        terminated: fc.record({ exitCode: fc.integer(), reason: text, message: fc.string() }),
      },
      { requiredKeys: [] },
    );
    const container = fc.record(
      { name: fc.constantFrom("runner", "box", "svc-db", "x"), state },
      { requiredKeys: ["name"] },
    );
    const pod = fc.record(
      {
        metadata: fc.record({ name: fc.string(), deletionTimestamp: fc.string() }, { requiredKeys: [] }),
        spec: fc.record({ nodeName: fc.string() }, { requiredKeys: [] }),
        status: fc.record(
          {
            phase: fc.constantFrom("Pending", "Running", "Succeeded", "Failed", "Unknown"),
            reason: text,
            message: fc.string(),
            startTime: fc.string(),
            conditions: fc.array(
              fc.record({
                type: fc.constantFrom("DisruptionTarget", "Ready", "PodScheduled"),
                status: fc.constantFrom("True", "False"),
                reason: text,
              }),
            ),
            containerStatuses: fc.array(container),
          },
          { requiredKeys: [] },
        ),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(pod, fc.integer(), (made, now) => {
        for (const end of [endOfPod(made as never, now), endOfGone(made as never, now)]) {
          expect([undefined, ...outcomes]).toContain(end?.outcome);
          expect(end?.message ?? "").not.toMatch(/[\0\u2028]/);
        }
        observe(made as never, now);
        hasBegun(made as never);
      }),
    );
  });
});
