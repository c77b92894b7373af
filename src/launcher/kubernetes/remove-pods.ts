// Deletes Pods: one by one, or many with one call where many go at the same time, as after a cancel of a whole run. Each is
// named so exactly that nothing else can be hit: by uid, or by the label of its attempt, which no other Pod has.

import { SlipwayError } from "../../core/failure.ts";
import type { Answer, KubernetesApi } from "../../kubernetes/kubernetes-api.ts";
import type { Clock } from "../../lib/clock.ts";
import { pause } from "../../lib/pause.ts";
import type { CallCount } from "./call-count.ts";
import { attemptLabel, secretName } from "./labels.ts";

export interface PodToRemove {
  namespace: string;
  name: string;
  /** Empty where it is not known: the name alone then says which. */
  uid: string;
  attemptId: string;
  runId: string;
  /** From TERM to KILL. Seconds. */
  graceSeconds: number;
}

export interface PodRemover {
  /**
   * Tells the cluster to end a Pod. Answers `gone` where there is none, otherwise `told`: it is gone when the watch says so.
   * May be repeated. Rejects where the API server does not take it for a while.
   */
  remove(pod: PodToRemove): Promise<"told" | "gone">;
  /** The Secret of an attempt. Fine where there is none. */
  removeSecret(of: Pick<PodToRemove, "namespace" | "attemptId" | "runId">): Promise<void>;
}

export interface PodRemoverOptions {
  api: KubernetesApi;
  clock: Clock;
  calls: CallCount;
  signal: AbortSignal;
}

/** So long a call waits for others that could go with it. Milliseconds. */
const gatherMs = 10;
/** So many make one call of their own: the server looks at all Pods of the namespace for it. */
const leastTogether = 10;
/** A selector with more names makes an address that proxies may refuse. */
const mostTogether = 100;
const tries = { most: 5, firstMs: 250, mostMs: 5000 };

interface Waiting {
  pod: PodToRemove;
  resolve(answer: "told" | "gone"): void;
  reject(error: unknown): void;
}

export function createPodRemover(options: PodRemoverOptions): PodRemover {
  const { api, clock, calls } = options;
  let waiting: Waiting[] = [];
  let scheduled = false;

  const one = async ({ pod, resolve, reject }: Waiting) => {
    try {
      const path = `${pathOf("pods", pod.namespace)}/${pod.name}`;
      const preconditions = pod.uid === "" ? {} : { preconditions: { uid: pod.uid } };
      const body = deleteOptions({ gracePeriodSeconds: pod.graceSeconds, ...preconditions });
      const answer = await insist(options, path, () => {
        calls.count(pod.runId, "delete", "pods", pod.attemptId);
        return api.call("DELETE", path, { body });
      });
      // Another one has its name by now.
      resolve(answer.ok ? "told" : "gone");
    } catch (error) {
      reject(error);
    }
  };
  const together = async (group: Waiting[]) => {
    const { namespace, runId, attemptId, graceSeconds } = group[0]!.pod;
    const path = pathOf("pods", namespace);
    const names = group.map(({ pod }) => pod.attemptId).join(",");
    const query = { labelSelector: `${attemptLabel} in (${names})` };
    try {
      const answer = await insist(options, path, () => {
        calls.count(runId, "deletecollection", "pods", attemptId);
        return api.call("DELETE", path, {
          query,
          body: deleteOptions({ gracePeriodSeconds: graceSeconds }),
        });
      });
      const items = answer.ok ? (answer.body as { items?: { metadata: { name: string } }[] }).items : [];
      const told = new Set((items ?? []).map(({ metadata }) => metadata.name));
      for (const { pod, resolve } of group) resolve(told.has(pod.name) ? "told" : "gone");
    } catch {
      // Who may delete one by one only, does so.
      for (const each of group) void one(each);
    }
  };
  const flush = () => {
    scheduled = false;
    const all = waiting;
    waiting = [];
    for (const group of Map.groupBy(all, ({ pod }) => `${pod.namespace} ${pod.graceSeconds}`).values()) {
      if (group.length < leastTogether) {
        for (const each of group) void one(each);
        continue;
      }
      for (let at = 0; at < group.length; at += mostTogether)
        void together(group.slice(at, at + mostTogether));
    }
  };

  return {
    remove(pod) {
      const { promise, resolve, reject } = Promise.withResolvers<"told" | "gone">();
      waiting.push({ pod, resolve, reject });
      if (!scheduled) clock.after(gatherMs, flush);
      scheduled = true;
      return promise;
    },
    async removeSecret({ namespace, attemptId, runId }) {
      const path = `${pathOf("secrets", namespace)}/${secretName(attemptId)}`;
      await insist(options, path, () => {
        calls.count(runId, "delete", "secrets", attemptId);
        return api.call("DELETE", path, { body: deleteOptions({}) });
      });
    },
  };
}

export function pathOf(resource: "pods" | "secrets", namespace: string): string {
  return `/api/v1/namespaces/${namespace}/${resource}`;
}

function deleteOptions(more: object): object {
  return { apiVersion: "v1", kind: "DeleteOptions", propagationPolicy: "Background", ...more };
}

/** Until the server has decided. What is not there, or is another one by now, is an answer; everything else that says no is thrown. */
async function insist(
  { clock, signal }: PodRemoverOptions,
  what: string,
  call: () => Promise<Answer<unknown>>,
): Promise<Answer<unknown>> {
  let failure: unknown;
  for (let turn = 0; turn < tries.most && !signal.aborted; turn++) {
    let restMs = Math.min(tries.firstMs * 2 ** turn, tries.mostMs);
    try {
      const answer = await call();
      if (answer.ok || answer.code === 404 || answer.code === 409) return answer;
      const said = `${answer.code} ${answer.status.message ?? ""}`;
      failure = new SlipwayError(
        "pod-not-removed",
        `the Kubernetes API answered ${said} to a delete of ${what}`,
      );
      if (answer.code < 429 || answer.code === 501) break;
      restMs = answer.retryAfterMs ?? restMs;
    } catch (error) {
      failure = error;
    }
    await pause(clock, restMs, signal);
  }
  throw failure ?? new SlipwayError("pod-not-removed", `the worker ends before ${what} was deleted`);
}
