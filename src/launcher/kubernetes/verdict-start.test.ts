import { expect, test } from "vitest";
import { mayBeCause } from "../../core/place-words.ts";
import type { Pod } from "./pod-launch.ts";
import { endOfPod } from "./verdict.ts";
import { observe } from "./verdict-wait.ts";

const start = Date.parse("2026-01-01T00:00:00Z");

function podWith(name: string, reason: string, message: string): Pod {
  const running = { state: { running: { startedAt: "2026-01-01T00:00:01Z" } } };
  return {
    metadata: { name: "p", creationTimestamp: "2026-01-01T00:00:00Z" },
    spec: { containers: [], nodeName: "node-1" },
    status: {
      phase: "Pending",
      startTime: "2026-01-01T00:00:00Z",
      containerStatuses: [
        { name: "runner", ...running },
        { name, state: { waiting: { reason, message } } },
      ].filter((each, at, all) => all.findLastIndex(other => other.name === each.name) === at) as never,
    },
  };
}

/** As container runtimes and registries word it. */
const refused = [
  'failed to resolve reference "docker.io/library/nope:1": docker.io/library/nope:1: not found',
  'pull access denied for team/app, repository does not exist or may require "docker login": denied: requested access to the resource is denied',
  "failed to authorize: failed to fetch anonymous token: unexpected status from GET request to https://auth.docker.io/token: 401 Unauthorized",
  "reading manifest 9 in registry.example.org/app: manifest unknown",
  "no matching manifest for linux/arm64/v8 in the manifest list entries",
  "unexpected status from HEAD request to https://registry.example.org/v2/app/manifests/1: 403 Forbidden",
];
const unreachable = [
  'failed to do request: Head "https://registry.example.org/v2/app/manifests/1": dial tcp: lookup registry.example.org on 10.0.0.10:53: no such host',
  'failed to do request: Head "https://registry.example.org/v2/denied/manifests/1": dial tcp 192.0.2.1:443: i/o timeout',
  "unexpected status from HEAD request to https://registry.example.org/v2/app/manifests/1: 503 Service Unavailable",
  "429 Too Many Requests - Server message: toomanyrequests: You have reached your pull rate limit",
  "tls: failed to verify certificate: x509: certificate signed by unknown authority",
  'Back-off pulling image "app:1"',
  "",
];

test.each(refused)("refused at once: %s", message => {
  const end = endOfPod(podWith("box", "ErrImagePull", message), start + 1000);
  expect(end).toMatchObject({ outcome: "failed", reason: "image-refused" });
  expect(end?.message).toContain(message);
  expect(endOfPod(podWith("runner", "ErrImagePull", message), start + 1000)?.outcome).toBe("broken");
});

test.each(unreachable)("waited for, then given up as ours: %s", message => {
  const pod = podWith("svc-db", "ImagePullBackOff", message);
  expect(endOfPod(pod, start + 1000)).toBeUndefined();
  expect(observe(pod, start + 1000).waits).toContain("the image of the service db cannot be had yet");
  expect(endOfPod(pod, start + 130_000)).toMatchObject({ outcome: "broken", reason: "image-unreachable" });
});

test("what is not set up may heal, but not what its class never allows", () => {
  const missing = podWith("box", "CreateContainerConfigError", 'secret "x" not found');
  expect(endOfPod(missing, start + 1000)).toBeUndefined();
  expect(endOfPod(missing, start + 130_000)).toMatchObject({ outcome: "broken", reason: "config-error" });
  const root = podWith(
    "svc-db",
    "CreateContainerConfigError",
    "container has runAsNonRoot and image will run as root",
  );
  expect(endOfPod(root, start + 1000)).toMatchObject({ outcome: "failed", reason: "config-error" });
});

test("the scheduler's words are shown while a Pod waits, and what is usual only when it takes long", () => {
  const pod: Pod = {
    metadata: { creationTimestamp: "2026-01-01T00:00:00Z" },
    status: {
      phase: "Pending",
      conditions: [
        {
          type: "PodScheduled",
          status: "False",
          reason: "Unschedulable",
          message: "0/3 nodes are available: 3 Insufficient cpu.",
        },
      ],
    },
  };
  expect(observe(pod).waits).toBe(
    "no node has room for the Pod: 0/3 nodes are available: 3 Insufficient cpu.",
  );
  const creating = podWith("box", "ContainerCreating", "");
  expect(observe(creating, start + 1000).waits).toBeUndefined();
  expect(observe(creating, start + 9000)).toMatchObject({
    stage: "starting",
    waits: expect.stringContaining("the box"),
  });
});

test("a service that ends is remarked upon, and the job goes on", () => {
  const killed = { exitCode: 137, reason: "OOMKilled" };
  const pod = podWith("box", "", "");
  const running = { running: {} };
  pod.status!.containerStatuses = [
    { name: "runner", state: running },
    { name: "svc-db", state: { terminated: killed } },
    { name: "box", state: running },
  ] as never;
  expect(endOfPod(pod, start + 1000)).toBeUndefined();
  const remark = "Meanwhile in the Pod: the service db was killed for its memory (exit code 137)";
  expect(observe(pod, start + 1000)).toEqual({ stage: "running", begun: true, remark });
  expect(mayBeCause(remark)).toBe(true);
});
