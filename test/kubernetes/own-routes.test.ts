// A server's routes against the API of a cluster: with the rights that the installation gives to the api, registered, put
// right again, and gone with their Deployment.

import { writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { accessFromKubeconfig } from "../../src/kubernetes/kubeconfig.ts";
import { type KubernetesApi, openKubernetesApi } from "../../src/kubernetes/kubernetes-api.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { applyRoute, handlerRoutes, keepOwnRoute } from "../../src/routes/cluster-routes.ts";
import { routeObject } from "../../src/routes/route-objects.ts";
import type { RouteSettings } from "../../src/routes/route-settings.ts";
import { routeHandlers } from "../../src/services/api/handlers/handler-cluster-routes.ts";
import type { Queryable } from "../../src/store/database.ts";
import { type StandIn, startStandIn } from "./stand-in.ts";

let cluster: StandIn;
let directory: string;
let api: KubernetesApi;
let admin: KubernetesApi;
const settings: RouteSettings = {
  ...{ kind: "ingress", namespace: "slipway", host: "ci.example.org", annotations: {} },
};
const ingresses = "/apis/networking.k8s.io/v1/namespaces/slipway/ingresses";
const route = { name: "slipway-api", paths: ["/"], service: "slipway-api", port: 8080 };

async function open(token?: string): Promise<KubernetesApi> {
  const file = path.join(directory, `config-${token === undefined ? "admin" : "api"}`);
  writeFileSync(file, cluster.kubeconfig(token === undefined ? {} : { token }), { mode: 0o600 });
  return openKubernetesApi(await accessFromKubeconfig({ file, clock: systemClock } as never));
}

beforeEach(async () => {
  cluster = await startStandIn({ namespaces: ["slipway"] });
  directory = await mkdtemp(path.join(os.tmpdir(), "slipway-routes-"));
  admin = await open();
  const { accountObjects } = await import("../../src/install/objects/accounts.ts");
  const { readValues } = await import("../../src/install/read-values.ts");
  void accountObjects;
  void readValues;
});
afterEach(async () => {
  admin[Symbol.dispose]();
  api?.[Symbol.dispose]();
  await cluster[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});
