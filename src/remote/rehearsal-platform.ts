// The other side of a rehearsal: answers one runner as the platform would, for a job that does nothing. It listens on
// loopback for as long as the rehearsal lasts, knows nothing and keeps nothing.

import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Job } from "../core/job.ts";
import type { ClaimAnswer } from "../endpoints/runner.ts";
import { packEntries } from "../lib/tar/pack-entries.ts";
import { compressed } from "./packed-archives.ts";

export interface RehearsalPlatform extends AsyncDisposable {
  url: string;
}

const job: Job = {
  version: 1,
  dialect: "slipway",
  runId: "rehearsal",
  pipeline: "rehearsal",
  kind: "build",
  project: { id: "0", name: "rehearsal", owner: "" },
  environment: [],
  secrets: [],
  box: { id: "", env: [], ports: [], auth: {} },
  services: [],
  sourceDir: "",
  steps: [
    {
      id: "rehearsal",
      ref: "script",
      owner: "",
      name: "script",
      displayName: "rehearsal",
      options: [],
      properties: [],
      source: { kind: "script", code: "echo rehearsal" },
    },
  ],
  afterSteps: [],
  docker: false,
  limits: { commandMs: 60_000, noResponseMs: 60_000 },
  reports: [],
  artifacts: [],
};

const mebibyte = 2 ** 20;
const claimAnswer: ClaimAnswer = {
  ...{ key: "rehearsal", runId: "rehearsal", jobId: "rehearsal", attemptId: "rehearsal", epoch: 1 },
  ...{ job, secrets: [], variables: [], trusted: true, source: { kind: "sent" }, inputs: [] },
  class: {
    name: "rehearsal",
    engine: "host",
    allowDocker: false,
    allowVolumes: false,
    allowHostPorts: false,
  },
  limits: {
    ...{ heartbeatMs: 10_000, eventsPerBatch: 500, batchBytes: mebibyte, casesPerBatch: 1, cases: 1 },
    ...{
      frameBytes: 65_536,
      framesBytes: mebibyte,
      artifactBytes: mebibyte,
      artifacts: 9,
      cacheBytes: mebibyte,
    },
  },
};

/** Listens on loopback. Throws where that cannot be. */
export async function openRehearsalPlatform(): Promise<RehearsalPlatform> {
  const source = Buffer.concat(await Array.fromAsync(compressed(sourceArchive())));
  const { createServer } = process.getBuiltinModule("node:http");
  const server = createServer((request, response) => {
    void answer(request, response, source).catch(() => response.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function sourceArchive(): AsyncIterable<Uint8Array> {
  const file = { kind: "file" as const, path: "rehearsal", content: "" };
  return packEntries([file], { owner: { uid: 0, gid: 0 }, mtime: 0 });
}

async function answer(request: IncomingMessage, response: ServerResponse, source: Buffer): Promise<void> {
  const body = Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>)).toString("latin1");
  const call = (request.url ?? "").replace(/^\/runner\/v1\/(\w+).*$/, "$1");
  if (call === "source") response.writeHead(200, { "content-length": source.length }).end(source);
  else if (call === "cache") response.writeHead(204).end();
  // Nothing is canceled: whoever asks waits until the connection ends.
  else if (call !== "cancel") response.writeHead(200).end(JSON.stringify(answerTo(call, body)));
}

function answerTo(call: string, body: string): object {
  if (call === "claim") return claimAnswer;
  if (call === "finish") return { accepted: true, outcome: /"outcome":"(\w+)"/.exec(body)?.[1] };
  if (call === "artifacts") return { location: "", bytes: 0 };
  const numbers = [...body.matchAll(/"seq":(\d+)/g)].map(([, number]) => Number(number));
  return { stored: Math.max(0, ...numbers) };
}
