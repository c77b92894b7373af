// The cluster that a person means: that of a kubeconfig, or of the Pod that this runs in.

import os from "node:os";
import path from "node:path";
import { SlipwayError } from "../../core/failure.ts";
import { accessFromPod } from "../../kubernetes/cluster-access.ts";
import { accessFromKubeconfig } from "../../kubernetes/kubeconfig.ts";
import { type KubernetesApi, openKubernetesApi } from "../../kubernetes/kubernetes-api.ts";
import { systemClock } from "../../lib/clock.ts";

export interface ClusterChoice {
  kubeconfig?: string;
  context?: string;
  env: Readonly<Record<string, string | undefined>>;
  cwd: string;
}

/** Throws SlipwayError with what to do where there is no cluster, or none that answers. */
export async function openCluster({ kubeconfig, context, env, cwd }: ClusterChoice): Promise<KubernetesApi> {
  const clock = systemClock;
  const named = kubeconfig ?? (env.KUBECONFIG || undefined);
  const inPod =
    named === undefined && context === undefined
      ? await accessFromPod({ host: env.KUBERNETES_SERVICE_HOST, port: env.KUBERNETES_SERVICE_PORT, clock })
      : undefined;
  const files =
    named === undefined
      ? [path.join(env.HOME ?? os.homedir(), ".kube", "config")]
      : named.split(path.delimiter).map(file => path.resolve(cwd, file));
  const chosen = { files, env: { ...env }, clock, ...(context === undefined ? {} : { context }) };
  const api = openKubernetesApi(inPod ?? (await accessFromKubeconfig(chosen)));
  try {
    const answer = await api.call("GET", "/version", { timeoutMs: 10_000 });
    if (answer.ok) return api;
    throw new SlipwayError(
      "cluster-refused",
      `the cluster does not say what it is: ${answer.status.message ?? answer.code}`,
      { hint: "sign in to it again: the credentials of the kubeconfig are not (or no longer) good" },
    );
  } catch (error) {
    api[Symbol.dispose]();
    if (!(error instanceof SlipwayError) || error.hint !== undefined) throw error;
    throw new SlipwayError(error.code, error.message, {
      cause: error.cause,
      hint: "is it running, and is it the one you mean? `kubectl config get-contexts` lists them, --context chooses one",
    });
  }
}
