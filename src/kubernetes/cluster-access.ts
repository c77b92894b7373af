// Where a cluster's API is and how its server and we prove ourselves to each other: from the service account of the Pod
// we run in, or from a kubeconfig. Tokens are read when they are used, since clusters rotate them.

import { readFile } from "node:fs/promises";
import https from "node:https";
import { SlipwayError } from "../core/failure.ts";
import type { Clock } from "../lib/clock.ts";

/** How to reach one API server. Disposing closes idle connections. */
export interface ClusterAccess extends Disposable {
  /** `https://host:port`, without a slash at the end. */
  server: string;
  agent: https.Agent;
  /** Namespace that the credentials belong to, where they say so. */
  namespace?: string;
  /** The value of `Authorization`; undefined where a certificate proves who we are. */
  authorization(): Promise<string | undefined>;
}

/** Where Kubernetes puts the service account of a Pod. https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/ */
const accountDirectory = "/var/run/secrets/kubernetes.io/serviceaccount";
/** Kubernetes rotates the token of a Pod within an hour; a minute is young enough. */
const tokenMs = 60_000;

export interface PodSurroundings {
  /** `KUBERNETES_SERVICE_HOST` and `KUBERNETES_SERVICE_PORT`. */
  host: string | undefined;
  port: string | undefined;
  directory?: string;
  clock: Clock;
}

/** Access with the service account of the Pod we run in; undefined where we run in none. */
export async function accessFromPod(pod: PodSurroundings): Promise<ClusterAccess | undefined> {
  const { host, port = "443", directory = accountDirectory, clock } = pod;
  if (host === undefined || host === "") return undefined;
  const read = async (name: string) => {
    try {
      return await readFile(`${directory}/${name}`, "utf8");
    } catch (cause) {
      throw new SlipwayError("cluster-credentials", `${directory}/${name} cannot be read`, {
        cause,
        hint: "the Pod needs a service account token: `automountServiceAccountToken: true`",
      });
    }
  };
  const agent = keepAliveAgent({ ca: await read("ca.crt") });
  return {
    server: `https://${host.includes(":") ? `[${host}]` : host}:${port}`,
    agent,
    namespace: (await read("namespace")).trim(),
    authorization: remembered(async () => `Bearer ${(await read("token")).trim()}`, tokenMs, clock),
    [Symbol.dispose]: () => agent.destroy(),
  };
}

/** One agent for all calls to a server: connections are kept, and their number is bounded. */
export function keepAliveAgent(options: https.AgentOptions): https.Agent {
  return new https.Agent({ keepAlive: true, maxSockets: 32, scheduling: "fifo", ...options });
}

/** Asks again when the answer is older than `ms`. */
export function remembered<T>(ask: () => Promise<T>, ms: number, clock: Clock): () => Promise<T> {
  let answer: { value: T; at: number } | undefined;
  return async () => {
    if (answer === undefined || clock.monotonic() - answer.at > ms) {
      answer = { value: await ask(), at: clock.monotonic() };
    }
    return answer.value;
  };
}
