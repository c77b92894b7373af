// The engine contract against Podman's compatible socket, with the same adapter.

import { afterAll, beforeAll, expect, test } from "vitest";
import { madeBy } from "../../../test/containers/docker-daemon.ts";
import { type PodmanService, startPodman } from "../../../test/containers/podman-daemon.ts";
import { contractService, testEngine, testRequest } from "../../../test/containers/test-engine.ts";
import { buildTestImages, testImages } from "../../../test/containers/test-images.ts";
import { BoxUnderTest } from "../contract/box-under-test.ts";
import { engineContract } from "../engine.contract.ts";
import { boxName } from "./container-names.ts";

let podman: PodmanService;

beforeAll(async () => {
  podman = await startPodman();
  await buildTestImages(podman.client);
});

afterAll(async () => {
  await podman[Symbol.asyncDispose]();
});

engineContract(
  "podman",
  async () => ({
    engine: testEngine(podman.client),
    leftovers: () => madeBy(podman.client),
    killBox: async runId => {
      await podman.client.call({ method: "POST", path: `/containers/${boxName(runId)}/kill` });
    },
    [Symbol.asyncDispose]: async () => {},
  }),
  {
    image: testImages.sh,
    unknownImage: "docker.io/slipway-test/nowhere:latest",
    service: contractService,
    skip: [
      {
        case: "owners of an archive are kept",
        reason:
          "Podman gives every file out as root's; that it takes them in as whose they are is tested below",
      },
    ],
    foreignVariable: "VITEST",
  },
);

test("owners of an archive are kept inside the box", async () => {
  const started = await testEngine(podman.client).start(testRequest());
  if (!started.ok) throw new Error(started.refusal.message);
  await using workspace = started.value;
  const box = new BoxUnderTest(workspace);
  await box.greeted();
  await box.write("owned", [{ name: "file", content: "x", uid: 1234, gid: 2345 }]);
  const run = await box.run("stat -c %u:%g /pipeline/owned/file; exit 0\n");
  expect(run.stdout).toBe("1234:2345\n");
});
