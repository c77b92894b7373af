// The names under which a job's objects are found in a cluster: of Pods, of containers, labels and annotations. Pure, and the
// same for ever: another worker finds by them what this one has made.
// https://kubernetes.io/docs/concepts/overview/working-with-objects/names/

import { createHash } from "node:crypto";
import type { Claim } from "../../queue/queue.ts";
import { type ClusterPlace, servicePrefix } from "./pod-launch.ts";

export const managedByLabel = "app.kubernetes.io/managed-by";
export const managedBy = "slipway";
export const attemptLabel = "slipway.dev/attempt";
export const runLabel = "slipway.dev/run";
export const jobLabel = "slipway.dev/job";
export const epochLabel = "slipway.dev/epoch";
export const classLabel = "slipway.dev/class";
export const projectLabel = "slipway.dev/project";
export const workerLabel = "slipway.dev/worker";
export const placeLabel = "slipway.dev/place";
/** `true` on placeholders, which have no attempt. */
export const warmLabel = "slipway.dev/warm";

/** Annotation: so long the Pod may wait, where its class says so. For whoever adopts it. Seconds. */
export const pendingAnnotation = "slipway.dev/pending-seconds";

/** Of a label's value, and of a DNS label. */
const longest = 63;

/** 12 hexadecimal digits that stand for a text. */
export function digestOf(...texts: string[]): string {
  return createHash("sha256").update(texts.join("\0")).digest("hex").slice(0, 12);
}

/**
 * The name of a try's Pod: a DNS label that begins with the pipeline's name. The same for the same run, job
 * and attempt, so that a create that is repeated is answered `AlreadyExists`.
 */
export function podName({ runId, jobId, attemptId, launch }: PodNameParts): string {
  const digest = createHash("sha256").update([runId, jobId, attemptId].join("\0")).digest("hex").slice(0, 20);
  return `${slug(launch.pipeline, longest - 21) || "job"}-${digest}`;
}

/** The name of a try's Secret. Of the attempt alone: whoever only knows that it is over can delete what it may have left. */
export function secretName(attemptId: string): string {
  return `job-secret-${createHash("sha256").update(attemptId).digest("hex").slice(0, 20)}`;
}

export type PodNameParts = Pick<Claim, "runId" | "jobId" | "attemptId"> & { launch: { pipeline: string } };

/** A service's container. Aliases may have more letters than a container's name, and two of them must not become one. */
export function serviceContainerName(alias: string): string {
  const plain = slug(alias, longest - servicePrefix.length);
  if (plain === alias && plain !== "") return servicePrefix + plain;
  return `${servicePrefix}${slug(alias, longest - servicePrefix.length - 13) || "x"}-${digestOf(alias)}`;
}

/** Lower-case letters, digits and single hyphens between them; may be empty. */
function slug(text: string, most: number): string {
  const plain = text.toLowerCase().replace(/[^a-z0-9]+/g, "-");
  return plain.replace(/^-/, "").slice(0, most).replace(/-$/, "");
}

/** A text as a label's value: itself where it can be one, otherwise what is readable of it and its digest. */
export function labelValue(text: string): string {
  if (text === "" || /^(?=.{1,63}$)[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$/.test(text)) return text;
  const plain = text.replace(/[^A-Za-z0-9._-]+/g, "-").replace(/^[._-]+/, "");
  return `${plain.slice(0, longest - 13)}-${digestOf(text)}`.replace(/^-/, "");
}

/** Labels of a try's Pod and Secret. */
export function labelsOf(claim: Claim, place: ClusterPlace): Record<string, string> {
  return {
    [managedByLabel]: managedBy,
    "app.kubernetes.io/name": "slipway-job",
    ...mapValues(namesOf(claim, place), labelValue),
    [epochLabel]: String(claim.epoch),
  };
}

/** Nobody moves a running job to make room; and the names that labels have cut, whole. */
export function annotationsOf(claim: Claim, place: ClusterPlace): Record<string, string> {
  const names = Object.entries(namesOf(claim, place));
  const { pendingSeconds } = claim.classSettings.pod ?? {};
  return {
    "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
    "karpenter.sh/do-not-disrupt": "true",
    "slipway.dev/pipeline": claim.launch.pipeline,
    ...(pendingSeconds === undefined ? {} : { [pendingAnnotation]: String(pendingSeconds) }),
    ...Object.fromEntries(names.filter(([, value]) => labelValue(value) !== value)),
  };
}

function namesOf(claim: Claim, { worker, place }: ClusterPlace): Record<string, string> {
  return {
    [projectLabel]: claim.project,
    [runLabel]: claim.runId,
    [jobLabel]: claim.jobId,
    [attemptLabel]: claim.attemptId,
    [classLabel]: claim.class,
    [workerLabel]: worker.id,
    [placeLabel]: place,
  };
}

function mapValues(
  record: Record<string, string>,
  change: (value: string) => string,
): Record<string, string> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]));
}
