// The engine contract in a Pod's box: the runner's side here, the box in a container, with each shell that images have.

import { execFileSync } from "node:child_process";
import { beforeAll } from "vitest";
import { testDaemon } from "../../../test/containers/docker-daemon.ts";
import { type TestPod, testPods } from "../../../test/containers/pod-box.ts";
import { buildTestImages, testImages } from "../../../test/containers/test-images.ts";
import type { DaemonClient } from "../docker/daemon-client.ts";
import { engineContract } from "../engine.contract.ts";

let client: DaemonClient;

beforeAll(async () => {
  client = await testDaemon();
  await buildTestImages(client);
});

/** What runs in the box but its supervisor. */
function leftIn(pod: TestPod): string[] {
  const id = pod.container();
  if (id === undefined) return [];
  const top = execFileSync("docker", ["top", id, "-eo", "pid,args"], { encoding: "utf8" });
  return top
    .split("\n")
    .slice(1)
    .filter(line => line.trim() !== "" && !line.includes("slipway") && !line.includes("<defunct>"));
}

const shells = [
  { name: "busybox ash", image: testImages.sh, sh: ["/bin/sh"] },
  { name: "bash as sh", image: testImages.bash, sh: ["/bin/bash", "--posix"] },
  // Its libraries are bash's too.
  { name: "dash", image: testImages.bash, sh: ["/bin/dash"], binds: ["/usr/bin/dash:/bin/dash:ro"] },
];

for (const { name, image, sh, binds = [] } of shells) {
  engineContract(
    `pod (${name})`,
    async () => {
      const pods = testPods(client, { sh, binds });
      return {
        engine: pods.engine,
        leftovers: async () => pods.all().flatMap(leftIn),
        killBox: async runId => {
          const id = pods.of(runId).container() ?? "";
          execFileSync("docker", ["exec", id, "/.slipway/bin/busybox", "sh", "-c", "kill -KILL -1"]);
        },
        [Symbol.asyncDispose]: () => pods[Symbol.asyncDispose](),
      };
    },
    {
      image,
      foreignVariable: "VITEST",
      service: {
        serving: () => ({}),
        read: () => "",
        deaf: {},
        crashing: () => ({}),
      },
      skip: [
        {
          case: "an image that is nowhere is refused by name",
          reason: "the kubelet pulls, and the launcher tells",
        },
        {
          case: "a crashed service's last words are reported",
          reason: "the runner sees no other container's output",
        },
        { case: "a service is reached by its alias", reason: "aliases are entries of the Pod's hosts file" },
        {
          case: "a service is reached through its link variables",
          reason: "tested below, with a service on this machine",
        },
        {
          case: "an interactive shell knows the prelude and does what is typed",
          reason: "nobody sits at a Pod's terminal",
        },
      ],
    },
  );
}
