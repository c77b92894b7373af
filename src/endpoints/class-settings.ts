// What a class of jobs allows and where its jobs run, as administrators set it. The same as `ClassSettings` of the queue.

import { z } from "zod";

const text = z.string().min(1).max(253);
/** https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/ */
const quantity = z
  .string()
  .max(32)
  .regex(/^\d+(\.\d+)?(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$/, "a quantity, such as 500m or 2Gi");
/** Names of labels, resources, classes: with a prefix or without. */
const qualified = z
  .string()
  .max(317)
  .regex(/^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/, "a name");
const labelValue = z
  .string()
  .max(63)
  .regex(/^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/, "a value of a label");
const dnsName = z
  .string()
  .max(253)
  .regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/, "a name of lower case letters, digits, - and .");
const resources = z.record(qualified, quantity);

const toleration = z.strictObject({
  key: qualified.optional(),
  operator: z.enum(["Exists", "Equal"]).optional(),
  value: labelValue.optional(),
  effect: z.enum(["NoSchedule", "PreferNoSchedule", "NoExecute"]).optional(),
  tolerationSeconds: z.int().min(0).optional(),
});

const podSettings = z.strictObject({
  security: z.enum(["baseline", "restricted"]).optional(),
  nodeSelector: z.record(qualified, labelValue).optional(),
  tolerations: z.array(toleration).max(50).optional(),
  runtimeClassName: dnsName.optional(),
  requests: resources.optional(),
  limits: resources.optional(),
  serviceRequests: resources.optional(),
  serviceLimits: resources.optional(),
  arch: labelValue.optional(),
  ephemeralStorage: quantity.optional(),
  hostUsers: z.boolean().optional(),
  priorityClassName: dnsName.optional(),
  imagePullSecrets: z.array(dnsName).max(20).optional(),
  registryMirrors: z.record(text, text).optional(),
  startupProbes: z.boolean().optional(),
  volumes: z.boolean().optional(),
  warm: z.int().min(0).max(100).optional(),
  pendingSeconds: z.int().min(10).max(86_400).optional(),
});

export const classSettings = z.strictObject({
  engine: z.enum(["docker", "host", "pod"]).optional(),
  allowDocker: z.boolean().optional(),
  allowVolumes: z.boolean().optional(),
  allowHostPorts: z.boolean().optional(),
  memoryBytes: z.int().positive().optional(),
  cpu: z.number().positive().optional(),
  timeoutMs: z.int().positive().optional(),
  pod: podSettings.optional(),
});
