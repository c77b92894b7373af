// The engine contract against a real Docker daemon.

import { randomBytes } from "node:crypto";
import { beforeAll } from "vitest";
import { madeBy, testDaemon, testOwner } from "../../../test/containers/docker-daemon.ts";
import { buildTestImages, testImages } from "../../../test/containers/test-images.ts";
import { systemClock } from "../../lib/clock.ts";
import { type ContractService, engineContract } from "../engine.contract.ts";
import type { DaemonClient } from "./daemon-client.ts";
import { dockerEngine } from "./docker-engine.ts";

let client: DaemonClient;

beforeAll(async () => {
  client = await testDaemon();
  await buildTestImages(client);
});

const service: ContractService = {
  serving: (port, text) => ({
    image: testImages.sh,
    shownImage: "slipway-test/sh",
    cmd: ["/bin/sh", "-c", `while :; do echo '${text}' | nc -l -p ${port}; done`],
    ports: [{ containerPort: port, protocol: "tcp" }],
  }),
  read: (host, port) => `nc "${host}" ${port} </dev/null; exit 0\n`,
  deaf: {
    image: testImages.sh,
    shownImage: "slipway-test/sh",
    cmd: ["/bin/sh", "-c", "echo deaf; sleep 1000"],
  },
  crashing: (stdout, stderr) => ({
    image: testImages.sh,
    shownImage: "slipway-test/sh",
    cmd: ["/bin/sh", "-c", `echo '${stdout}'; echo '${stderr}' >&2; exit 4`],
  }),
};

engineContract(
  "docker",
  async () => ({
    engine: dockerEngine({
      client,
      clock: systemClock,
      random: () => randomBytes(16).toString("hex"),
      owner: testOwner,
      findLogin: async () => undefined,
      daemonSocket: "/var/run/docker.sock",
      sharesFiles: true,
      sharesNetwork: true,
    }),
    leftovers: () => madeBy(client),
    [Symbol.asyncDispose]: async () => {},
  }),
  {
    image: testImages.sh,
    unknownImage: "docker.io/slipway-test/nowhere:latest",
    service,
    skip: [],
    foreignVariable: "PWD_OF_HOST",
  },
);
