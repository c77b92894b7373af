// What is random and made once: the key that values are sealed with, the workers' token, the password of the database. Nothing
// ever replaces what is there, since values sealed with a lost key are lost.

import type { Secret } from "kubernetes-types/core/v1.js";
import { SlipwayError } from "../../core/failure.ts";
import type { KubernetesApi } from "../../kubernetes/kubernetes-api.ts";
import { nameOf, partLabels, ports } from "../objects/labels.ts";
import type { Values } from "../values.ts";
import { clusterRefused } from "./cluster-refused.ts";
import { collectionPath, pathOf } from "./resource-path.ts";

export type RandomBytes = (count: number) => Buffer;

/** A new one each time: only for a cluster that has none. */
export function generatedSecret(values: Values, random: RandomBytes): Secret {
  const password = random(24).toString("base64url");
  const host = `${nameOf("database")}.${values.namespaces.platform}.svc`;
  const own = {
    databasePassword: password,
    databaseUrl: `postgres://slipway:${password}@${host}:${ports.database}/postgres`,
  };
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: values.secret, namespace: values.namespaces.platform, labels: partLabels },
    type: "Opaque",
    stringData: {
      secretKey: random(32).toString("base64"),
      workerToken: `sww_${random(32).toString("base64url")}`,
      ...(values.database.kind === "own" ? own : {}),
    },
  };
}

/** Makes it, or adds what it lacks; answers the names of what was made. May be repeated. */
export async function ensureSecret(
  api: KubernetesApi,
  values: Values,
  random: RandomBytes,
): Promise<string[]> {
  const fresh = generatedSecret(values, random);
  const namespace = values.namespaces.platform;
  const path = pathOf({ kind: "Secret", namespace, name: values.secret });
  const made = await api.call<Secret>("POST", collectionPath("Secret", namespace), { body: fresh });
  if (made.ok) return Object.keys(fresh.stringData!);
  if (made.code !== 409)
    throw clusterRefused(`make Secret ${namespace}/${values.secret}`, made.code, made.status);
  const found = await api.call<Secret>("GET", path);
  if (!found.ok) throw clusterRefused(`read Secret ${namespace}/${values.secret}`, found.code, found.status);
  const lacking = Object.entries(fresh.stringData!).filter(([key]) => found.body.data?.[key] === undefined);
  // A password and the address that holds it belong together.
  const half = lacking.filter(([key]) => key.startsWith("database")).length === 1;
  if (half) {
    throw new SlipwayError(
      "half-a-secret",
      `Secret ${namespace}/${values.secret} has only one of databasePassword and databaseUrl`,
      { hint: "add the other one; or remove both where there is no database yet" },
    );
  }
  if (lacking.length === 0) return [];
  const patched = await api.call("PATCH", path, {
    contentType: "application/merge-patch+json",
    // The version makes two who install at the same time add once.
    body: {
      metadata: { resourceVersion: found.body.metadata?.resourceVersion },
      stringData: Object.fromEntries(lacking),
    },
  });
  if (!patched.ok)
    throw clusterRefused(`complete Secret ${namespace}/${values.secret}`, patched.code, patched.status);
  return lacking.map(([key]) => key);
}
