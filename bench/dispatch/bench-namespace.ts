// A namespace of the cluster of KUBECONFIG for one bench, that is gone afterwards with all that is in it.

import { accessFromKubeconfig } from "../../src/kubernetes/kubeconfig.ts";
import { openKubernetesApi } from "../../src/kubernetes/kubernetes-api.ts";
import { systemClock } from "../../src/lib/clock.ts";

export interface BenchNamespace extends AsyncDisposable {
  name: string;
  /** Deletes its Pods, and waits until they are gone. */
  empty(): Promise<void>;
}

export async function openBenchNamespace(kubeconfig: string, name: string): Promise<BenchNamespace> {
  const env = process.env;
  const api = openKubernetesApi(await accessFromKubeconfig({ files: [kubeconfig], env, clock: systemClock }));
  const path = `/api/v1/namespaces/${name}`;
  const body = { apiVersion: "v1", kind: "Namespace", metadata: { name } };
  const made = await api.call("POST", "/api/v1/namespaces", { body });
  if (!made.ok) throw new Error(`the namespace ${name} cannot be made: ${made.status.message}`);
  // Pods of a new namespace are refused until it has one.
  await until(async () => (await api.call("GET", `${path}/serviceaccounts/default`)).ok);
  return {
    name,
    async empty() {
      const answer = await api.call("DELETE", `${path}/pods`, { body: { gracePeriodSeconds: 0 } });
      if (!answer.ok) throw new Error(`Pods of ${name} cannot be deleted: ${answer.status.message}`);
      await until(async () => {
        const list = await api.call<{ items: unknown[] }>("GET", `${path}/pods`, { query: { limit: 1 } });
        return list.ok && list.body.items.length === 0;
      });
    },
    async [Symbol.asyncDispose]() {
      await api.call("DELETE", path);
      await until(async () => !(await api.call("GET", path)).ok);
      api[Symbol.dispose]();
    },
  };
}

async function until(done: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await done()); tries++) {
    if (tries > 600) throw new Error("it takes too long");
    await new Promise(resolve => setTimeout(resolve, 100));
  }
}
