// An API server for tests where no cluster is at hand. It stores, checks and refuses as Kubernetes 1.32 does, counts what
// is asked of it, and fails in the ways that real ones fail. Nothing runs here: kubelets are handed in from outside.

import { randomBytes, randomUUID } from "node:crypto";
import http from "node:http";
import https from "node:https";
import type { AddressInfo } from "node:net";
import { type Clock, systemClock } from "../../src/lib/clock.ts";
import { answerHttp } from "./api-door.ts";
import type { Cluster, User } from "./api-request.ts";
import { startControllers } from "./controllers.ts";
import { type Call, countsOf, type Faults, faultState } from "./faults.ts";
import { type Inside, insideOf } from "./inside.ts";
import { makeCertificate } from "./own-certificate.ts";
import { seedCluster } from "./seeds.ts";
import { openStore } from "./store.ts";
import { clusterAdmin, openUsers, serviceAccountUser } from "./users.ts";
import { watchesOf } from "./watches.ts";

export interface StandInOptions {
  clock?: Clock;
  /** TLS with a certificate of its own; kubectl sends tokens only then. Needs openssl. */
  tls?: boolean;
  /** Made at the start, with their service accounts. */
  namespaces?: string[];
  /** It lives as long as a suite, not as one test of it: it keeps no process alive. */
  unref?: boolean;
}

export interface StandIn extends AsyncDisposable, Faults {
  /** `http://127.0.0.1:port`, or https. */
  readonly url: string;
  /** PEM of the certificate, with TLS. */
  readonly ca: string | undefined;
  /** Of a cluster administrator. */
  readonly token: string;
  /** For kubectl and `accessFromKubeconfig`; of the administrator unless told. */
  kubeconfig(options?: { token?: string; namespace?: string }): string;
  /** A new token of any user, with the rights that Roles give. */
  tokenOf(user: User): string;
  /** A new token of a service account, which need not exist. */
  serviceAccountToken(namespace: string, name: string): string;
  revoke(token: string): void;
  calls(): Call[];
  /** `create pods` -> times; of one user where named. */
  counts(user?: string): Record<string, number>;
  forgetCalls(): void;
  /** Nothing listens, all connections are cut. */
  away(): Promise<void>;
  back(): Promise<void>;
  /** All versions so far are too old, as after a restart: open watches get 410 in the stream and end. */
  expireWatches(): void;
  /** Connections of watches are cut without an end. */
  cutWatches(): void;
  /** A clean end of watches, as after their timeout. */
  endWatches(): void;
  /** A bookmark for all watches that want them. */
  bookmark(): void;
  openWatches(): number;
  /** What kubelets and schedulers do, without HTTP. */
  readonly inside: Inside;
}

const letters = "bcdfghjklmnpqrstvwxz2456789";

/** Listens on a free port of 127.0.0.1. Disposing ends all connections. */
export async function startStandIn(options: StandInOptions = {}): Promise<StandIn> {
  const clock = options.clock ?? systemClock;
  const store = openStore();
  const suffix = () => [...randomBytes(5)].map(byte => letters[byte % letters.length]).join("");
  const users = openUsers(() => randomBytes(12).toString("hex"));
  const accountToken = (namespace: string, name: string) => users.issue(serviceAccountUser(namespace, name));
  const cluster: Cluster = { store, clock, uid: randomUUID, suffix, accountToken };
  seedCluster(cluster, options.namespaces ?? []);
  const stopControllers = startControllers(cluster);
  const watches = watchesOf(cluster);
  const faults = faultState();
  let calls: Call[] = [];
  const parts = { cluster, users, watches, faults, called: (call: Call) => calls.push(call) };
  const certificate = options.tls === true ? await makeCertificate() : undefined;
  const listener: http.RequestListener = (request, response) => void answerHttp(parts, request, response);
  const server =
    certificate === undefined
      ? http.createServer(listener)
      : https.createServer({ key: certificate.key, cert: certificate.cert }, listener);
  server.keepAliveTimeout = 60_000;
  if (options.unref === true) server.unref();
  const listen = (port: number) =>
    new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, "127.0.0.1", () => {
        server.off("error", reject);
        resolve();
      });
    });
  const close = () =>
    new Promise<void>(resolve => {
      watches.cut();
      server.close(() => resolve());
      server.closeAllConnections();
    });
  await listen(0);
  const { port } = server.address() as AddressInfo;
  const url = `${certificate === undefined ? "http" : "https"}://127.0.0.1:${port}`;
  const token = users.issue(clusterAdmin);
  return {
    url,
    ca: certificate?.cert,
    token,
    kubeconfig: (of = {}) => kubeconfigText(url, certificate?.cert, of.token ?? token, of.namespace),
    tokenOf: user => users.issue(user),
    serviceAccountToken: accountToken,
    revoke: users.revoke,
    calls: () => [...calls],
    counts: user => countsOf(calls, user),
    forgetCalls() {
      calls = [];
    },
    away: close,
    back: () => listen(port),
    expireWatches: watches.expire,
    cutWatches: watches.cut,
    endWatches: watches.end,
    bookmark: watches.bookmark,
    openWatches: watches.open,
    answer429: faults.answer429,
    slow: faults.slow,
    forgetCreateAnswers: faults.forgetCreateAnswers,
    inside: insideOf(cluster),
    async [Symbol.asyncDispose]() {
      stopControllers();
      if (server.listening) await close();
    },
  };
}

function kubeconfigText(
  server: string,
  ca: string | undefined,
  token: string,
  namespace: string | undefined,
): string {
  const authority =
    ca === undefined ? {} : { "certificate-authority-data": Buffer.from(ca).toString("base64") };
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "stand-in",
    clusters: [{ name: "stand-in", cluster: { server, ...authority } }],
    users: [{ name: "user", user: { token } }],
    contexts: [
      {
        name: "stand-in",
        context: { cluster: "stand-in", user: "user", ...(namespace === undefined ? {} : { namespace }) },
      },
    ],
  });
}
