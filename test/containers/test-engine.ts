// An engine on a test daemon, requests for it, and the services that the engine contract asks for.

import { randomBytes } from "node:crypto";
import type { DaemonClient } from "../../src/engine/docker/daemon-client.ts";
import {
  type DockerEngine,
  type DockerEngineOptions,
  dockerEngine,
} from "../../src/engine/docker/docker-engine.ts";
import type { ContractService } from "../../src/engine/engine.contract.ts";
import type { EngineRequest } from "../../src/engine/engine.ts";
import { plainContainer, plainRequest } from "../../src/engine/fixtures/plain-request.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { testOwner } from "./docker-daemon.ts";
import { testImages } from "./test-images.ts";

export function testEngine(client: DaemonClient, change: Partial<DockerEngineOptions> = {}): DockerEngine {
  return dockerEngine({
    client,
    clock: systemClock,
    random: () => randomBytes(16).toString("hex"),
    owner: testOwner,
    findLogin: async () => undefined,
    daemonSocket: client.info.address.kind === "unix" ? client.info.address.path : undefined,
    sharesFiles: true,
    sharesNetwork: true,
    ...change,
  });
}

const image = { image: testImages.sh, shownImage: "slipway-test/sh" };

export const contractService: ContractService = {
  serving: (port, text) => ({
    ...image,
    cmd: ["/bin/sh", "-c", `while :; do echo '${text}' | nc -l -p ${port}; done`],
    ports: [{ containerPort: port, protocol: "tcp" }],
  }),
  read: (host, port) => `nc "${host}" ${port} </dev/null; exit 0\n`,
  deaf: { ...image, cmd: ["/bin/sh", "-c", "echo deaf; sleep 1000"] },
  crashing: (stdout, stderr) => ({
    ...image,
    cmd: ["/bin/sh", "-c", `echo '${stdout}'; echo '${stderr}' >&2; exit 4`],
  }),
};

let requests = 0;

/** A run of its own on the plainest box. */
export function testRequest(change: Partial<EngineRequest> = {}): EngineRequest {
  const runId = `test${process.pid}x${++requests}`;
  return plainRequest({ runId, project: "test", box: plainContainer(image), ...change });
}
