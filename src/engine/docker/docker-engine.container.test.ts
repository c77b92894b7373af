// The engine contract against a real Docker daemon.

import { beforeAll } from "vitest";
import { madeBy, testDaemon } from "../../../test/containers/docker-daemon.ts";
import { contractService, testEngine } from "../../../test/containers/test-engine.ts";
import { buildTestImages, testImages } from "../../../test/containers/test-images.ts";
import { engineContract } from "../engine.contract.ts";
import { boxName } from "./container-names.ts";
import type { DaemonClient } from "./daemon-client.ts";

let client: DaemonClient;

beforeAll(async () => {
  client = await testDaemon();
  await buildTestImages(client);
});

engineContract(
  "docker",
  async () => ({
    engine: testEngine(client),
    leftovers: () => madeBy(client),
    killBox: async runId => {
      await client.call({ method: "POST", path: `/containers/${boxName(runId)}/kill` });
    },
    [Symbol.asyncDispose]: async () => {},
  }),
  {
    image: testImages.sh,
    unknownImage: "docker.io/slipway-test/nowhere:latest",
    service: contractService,
    skip: [],
    // Every test process has it, and no image.
    foreignVariable: "VITEST",
  },
);
