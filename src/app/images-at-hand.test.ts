import { expect, test } from "vitest";
import type { Job } from "../core/job.ts";
import { type DaemonCall, type DaemonClient, DaemonError } from "../engine/docker/daemon-client.ts";
import { missingImage } from "./images-at-hand.ts";
import type { PreparedJob } from "./prepare-jobs.ts";

/** A daemon that has the images named and answers every pull with an error. */
function daemon(images: string[], pullError: string): { client: DaemonClient; pulled: string[] } {
  const pulled: string[] = [];
  const client: DaemonClient = {
    info: { product: "docker", apiVersion: "1.41", address: { kind: "unix", path: "/nowhere.sock" } },
    async call<T>(call: DaemonCall): Promise<T> {
      const name = decodeURIComponent(/^\/images\/(.*)\/json$/.exec(call.path)![1]!);
      if (images.includes(name)) return {} as T;
      throw new DaemonError(404, `No such image: ${name}`, call);
    },
    async open(call) {
      pulled.push(String(call.query?.fromImage));
      throw new DaemonError(500, pullError, call);
    },
    hijack: () => Promise.reject(new Error("not asked for")),
  };
  return { client, pulled };
}

function job(box: string, ...services: string[]): PreparedJob {
  const spec = (id: string): Job["box"] => ({ id, env: [], ports: [], auth: {} });
  const made = { box: spec(box), services: services.map(spec), environment: [{ name: "V", value: "20" }] };
  return { job: made as unknown as Job, secrets: new Map() };
}

const none = new AbortController().signal;

test("images that are there need no registry", async () => {
  const { client, pulled } = daemon(["docker.io/library/node:20", "docker.io/library/redis:latest"], "");
  expect(await missingImage(client, [job("node:$V", "redis")], "always", none)).toBeUndefined();
  expect(pulled).toEqual([]);
});

test("a registry that cannot be reached is a reason, not a failure", async () => {
  const { client } = daemon([], "dial tcp: lookup registry-1.docker.io: no such host");
  const reason = await missingImage(client, [job("busybox:1")], "always", none);
  expect(reason).toBe("the registry of image docker.io/library/busybox:1 does not answer");
});

test("without pulling only what is there counts", async () => {
  const { client, pulled } = daemon([], "");
  expect(await missingImage(client, [job("busybox")], "never", none)).toContain("is not here");
  expect(pulled).toEqual([]);
});
