// Brings up the Pod of one claim, whatever the API server says: busy, out of quota, silent, or that it is there already.
// A create whose answer was lost is simply made again: the name is the attempt's, so there is never a second one.

import { messageOf } from "../../core/failure.ts";
import type { Answer, KubernetesApi, Status } from "../../kubernetes/kubernetes-api.ts";
import type { Clock } from "../../lib/clock.ts";
import { pause } from "../../lib/pause.ts";
import type { LaunchEnd } from "../../queue/queue.ts";
import type { CallCount } from "./call-count.ts";
import type { CreateRate } from "./create-rate.ts";
import type { Pod, PodObjects } from "./pod-launch.ts";
import type { SeenPod } from "./pod-watch.ts";
import { pathOf } from "./remove-pods.ts";
import { refusalOf } from "./verdict-refusal.ts";

export interface CreatePodOptions {
  api: KubernetesApi;
  clock: Clock;
  random(): number;
  rate: CreateRate;
  calls: CallCount;
  attempt: { attemptId: string; epoch: number; runId: string };
  objects: PodObjects;
  namespace: string;
  name: string;
  hasSecret: boolean;
  /** What the watch shows of the attempt right now. */
  seen(): SeenPod | undefined;
  /** Wakes once when the watch shows something of the attempt. */
  onChange(wake: () => void): void;
  /** Why it is not there yet, for people; "" when that is over. */
  waits(message: string): void;
  /** After so long the job is given back. Milliseconds. */
  patienceMs: number;
  /** Whoever waits no longer wants it. */
  signal: AbortSignal;
}

export type Created =
  | { kind: "made" | "adopted"; name: string; namespace: string; uid: string }
  | { kind: "refused"; end: LaunchEnd }
  | { kind: "stopped" };

const answerMs = 10_000;
/** A Pod that is there is shown by the watch within this time, or is none of ours. Milliseconds. */
const shownMs = 5000;
const backOff = { firstMs: 500, mostMs: 15_000 };

type Step = Created | { kind: "again"; why: string; restMs?: number };

/** Never rejects for what the API server does; an object that cannot be sent at all is thrown. */
export async function createPod(options: CreatePodOptions): Promise<Created> {
  const { clock, signal, patienceMs } = options;
  const until = clock.monotonic() + patienceMs;
  const secret = { made: !options.hasSecret };
  let told = false;
  const waits = (message: string) => {
    told = true;
    options.waits(message);
  };
  let failures = 0;
  for (;;) {
    const known = adoptable(options);
    if (known !== undefined) return known;
    const step = await tryOnce({ ...options, waits }, secret);
    if (step.kind !== "again") {
      // Each word costs a call and a write of the platform: of one that never waited nothing is taken back.
      if (told) options.waits("");
      return step;
    }
    if (step.why !== "") waits(step.why);
    if (clock.monotonic() > until) {
      const message = `no Pod could be made within ${Math.round(patienceMs / 60_000)} minutes: ${step.why}`;
      return { kind: "refused", end: { outcome: "broken", reason: "pod-not-made", message } };
    }
    const restMs = step.restMs ?? Math.min(backOff.firstMs * 2 ** failures++, backOff.mostMs);
    await pause(clock, restMs * (0.75 + options.random() / 2), signal);
  }
}

/** The watch shows it already: launched by another worker, or by a create whose answer was lost. */
function adoptable({ seen, attempt }: CreatePodOptions): Created | undefined {
  const pod = seen();
  if (pod === undefined || pod.epoch !== attempt.epoch || pod.metadata.deletionTimestamp !== undefined)
    return undefined;
  const { name, namespace, uid } = pod.metadata;
  return { kind: "adopted", name, namespace, uid };
}

async function tryOnce(options: CreatePodOptions, secret: { made: boolean }): Promise<Step> {
  const { api, clock, calls, signal, attempt, namespace, objects } = options;
  const answered = await options.rate.turn(signal, options.waits);
  if (answered === undefined) return { kind: "stopped" };
  const began = clock.monotonic();
  try {
    if (!secret.made) {
      const said = await makeSecret(options);
      if (!said.ok) return refused(said, answered);
      secret.made = true;
    }
    calls.count(attempt.runId, "create", "pods", attempt.attemptId);
    const answer = await api.call<Pod>("POST", pathOf("pods", namespace), {
      body: objects.pod,
      // Names and uid are all that is needed; the whole Pod comes by the watch anyway.
      metadataOnly: true,
      timeoutMs: answerMs,
    });
    if (!answer.ok) {
      if (answer.status.reason !== "AlreadyExists") return refused(answer, answered);
      answered({ kind: "taken", ms: clock.monotonic() - began });
      return await whatIsThere(options, answer.status);
    }
    answered({ kind: "taken", ms: clock.monotonic() - began });
    const { name = "", uid = "" } = answer.body.metadata ?? {};
    return { kind: "made", name, namespace, uid };
  } catch (error) {
    // Whether it was made is not known: asked again, it says so.
    answered({ kind: "busy" });
    return { kind: "again", why: messageOf(error) };
  }
}

/** One that is there was made by a worker that died right after; it cannot be read, so it is made anew. */
async function makeSecret({
  api,
  calls,
  attempt,
  namespace,
  objects,
}: CreatePodOptions): Promise<Answer<unknown>> {
  const path = pathOf("secrets", namespace);
  const create = () => {
    calls.count(attempt.runId, "create", "secrets", attempt.attemptId);
    return api.call("POST", path, { body: objects.secret, timeoutMs: answerMs });
  };
  const first = await create();
  if (first.ok || first.status.reason !== "AlreadyExists") return first;
  calls.count(attempt.runId, "delete", "secrets", attempt.attemptId);
  await api.call("DELETE", `${path}/${objects.secret?.metadata?.name}`, { timeoutMs: answerMs });
  return create();
}

function refused(
  answer: Extract<Answer<unknown>, { ok: false }>,
  answered: (answer: { kind: "busy"; retryAfterMs?: number } | { kind: "refused" }) => void,
): Step {
  const { code, status, retryAfterMs } = answer;
  const refusal = refusalOf(status.code === undefined ? { ...status, code } : status);
  if (code === 429 || code >= 500) {
    answered({ kind: "busy", ...(retryAfterMs === undefined ? {} : { retryAfterMs }) });
    const rest = retryAfterMs === undefined ? {} : { restMs: 0 };
    return { kind: "again", why: refusal.message, ...rest };
  }
  answered({ kind: "refused" });
  if (refusal.kind === "wait") return { kind: "again", why: refusal.message };
  return { kind: "refused", end: refusal.end };
}

/** `AlreadyExists`: ours, ours and on its way out, or somebody else's. */
async function whatIsThere(options: CreatePodOptions, status: Status): Promise<Step> {
  const { clock, signal, seen, attempt } = options;
  const until = clock.monotonic() + shownMs;
  while (!signal.aborted) {
    const mine = adoptable(options);
    if (mine !== undefined) return mine;
    const pod = seen();
    if (pod !== undefined && pod.epoch !== attempt.epoch) break;
    const leaving = pod !== undefined || /being deleted/.test(status.message ?? "");
    const left = until - clock.monotonic();
    if (left <= 0) {
      if (leaving)
        return { kind: "again", why: "an earlier Pod of the same name is still being ended", restMs: 0 };
      break;
    }
    await pause(clock, left, signal, options.onChange);
    // It was there and is gone: the name is free.
    if (pod !== undefined && seen() === undefined) return { kind: "again", why: "", restMs: 0 };
  }
  if (signal.aborted) return { kind: "stopped" };
  const message = `a Pod ${options.name} is there that was not made for this attempt: ${status.message ?? ""}`;
  return { kind: "refused", end: { outcome: "broken", reason: "pod-name-taken", message } };
}
