// The queue as people see it, and as workers take from it. The worker's calls are the port `src/queue/queue.ts` over HTTP.

import { z } from "zod";
import { endpoint } from "./endpoint.ts";
import {
  id,
  none,
  nothing,
  number,
  organisationName,
  pageOf,
  pageQuery,
  projectName,
  shortText,
  storableText,
  time,
} from "./values.ts";

export const listQueue = endpoint({
  id: "listQueue",
  method: "GET",
  path: "/queue",
  tag: "queue",
  summary: "Jobs that wait or run, of the caller's organisations, and why they wait",
  access: { to: "person" },
  params: nothing,
  query: z.strictObject({
    ...pageQuery.shape,
    class: z.string().max(63).optional(),
    organisation: organisationName.optional(),
    state: z.enum(["waiting", "queued", "claimed", "running"]).optional(),
  }),
  body: none,
  answer: pageOf(
    z.strictObject({
      jobId: id,
      runId: id,
      runNumber: number,
      organisation: organisationName,
      project: projectName,
      name: z.string(),
      class: z.string(),
      priority: z.int(),
      state: z.enum(["waiting", "queued", "claimed", "running"]),
      reason: z.string(),
      detail: z.string(),
      createdAt: time,
      queuedAt: time.nullable(),
    }),
  ),
  example: {
    answer: {
      items: [
        {
          jobId: "6b0544d5c1f2a3b4c5d6e7f8",
          runId: "6b0544d4da3dce747bc6577f",
          runNumber: 42,
          organisation: "main",
          project: "shop",
          name: "deploy",
          class: "default",
          priority: 0,
          state: "waiting",
          reason: "approval",
          detail: "waits for an approval",
          createdAt: "2026-03-01T12:00:00.000Z",
          queuedAt: null,
        },
      ],
    },
  },
});
export const listWorkers = endpoint({
  id: "listWorkers",
  method: "GET",
  path: "/workers",
  tag: "queue",
  summary: "Workers, what they serve, and whether they are alive",
  access: { to: "person" },
  params: nothing,
  query: pageQuery,
  body: none,
  answer: pageOf(
    z.strictObject({
      id: z.string(),
      name: z.string(),
      version: z.string(),
      classes: z.array(z.string()),
      labels: z.record(z.string(), z.string()),
      capacity: z.int(),
      running: z.int(),
      draining: z.boolean(),
      alive: z.boolean(),
      leaseUntil: time,
    }),
  ),
  example: {
    answer: {
      items: [
        {
          id: "worker-1",
          name: "build room 1",
          version: "0.1.0",
          classes: ["default", "large"],
          labels: { launcher: "process" },
          capacity: 4,
          running: 1,
          draining: false,
          alive: true,
          leaseUntil: "2026-03-01T12:00:30.000Z",
        },
      ],
    },
  },
});

const workerId = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/);
const epoch = z.int().min(0);
const container = z.strictObject({
  image: z.string(),
  shownImage: z.string(),
  alias: z.string(),
  cmd: z.array(z.string()).optional(),
  entrypoint: z.array(z.string()).optional(),
  env: z.array(z.strictObject({ name: z.string(), value: z.string(), secret: z.boolean() })),
  ports: z.array(z.strictObject({ containerPort: z.int(), protocol: z.enum(["tcp", "udp"]) })),
  ready: z
    .strictObject({ port: z.int().optional(), command: z.string().optional(), timeoutMs: z.number() })
    .optional(),
  credentials: z.strictObject({ username: z.string(), password: z.string(), server: z.string() }).optional(),
});
const containers = z.union([
  z.strictObject({
    box: container,
    services: z.array(container),
    basePath: z.string().optional(),
    resources: z
      .strictObject({
        cpu: z.number().optional(),
        memoryBytes: z.number().optional(),
        ephemeralStorageBytes: z.number().optional(),
        arch: z.string().optional(),
      })
      .optional(),
  }),
  z.strictObject({
    refusal: z.strictObject({ code: z.string(), message: z.string(), hint: z.string().optional() }),
  }),
]);
const claim = z.strictObject({
  runId: id,
  jobId: id,
  attemptId: id,
  epoch,
  project: z.string(),
  class: z.string(),
  claimToken: z.string(),
  classSettings: z.record(z.string(), z.unknown()),
  launch: z.strictObject({
    pipeline: z.string(),
    box: z.string(),
    services: z.array(z.string()),
    trusted: z.boolean(),
    timeoutMs: z.number(),
    /** For workers with the label `launcher=kubernetes`: what stands in the Pod. */
    containers: containers.optional(),
  }),
});
const worker = {
  access: { to: "worker" as const },
  method: "POST" as const,
  tag: "worker",
  params: nothing,
  query: nothing,
};
const clusterCall = z.enum([
  "create pods",
  "delete pods",
  "deletecollection pods",
  "create secrets",
  "delete secrets",
]);
const heard = z.strictObject({ answer: z.enum(["ok", "stale"]) });

export const workerRenew = endpoint({
  ...worker,
  id: "workerRenew",
  path: "/worker/renew",
  summary: "Register or renew a worker's lease; answers what is wanted of its attempts",
  body: z.strictObject({
    worker: z.strictObject({
      id: workerId,
      name: shortText,
      version: shortText,
      classes: z.array(z.string().min(1).max(63)).min(1).max(100),
      labels: z.record(shortText.max(63), shortText),
      capacity: z.int().min(1).max(10_000),
      draining: z.boolean(),
    }),
    held: z.array(z.strictObject({ attemptId: id, epoch, alive: z.boolean() })).max(20_000),
  }),
  answer: z.strictObject({
    attempts: z.array(z.strictObject({ attemptId: id, epoch, wanted: z.enum(["run", "cancel", "destroy"]) })),
  }),
  maxBytes: 4 * 2 ** 20,
});
export const workerClaim = endpoint({
  ...worker,
  id: "workerClaim",
  path: "/worker/claim",
  summary: "Take up to `count` jobs, waiting up to `waitMs` for the first",
  body: z.strictObject({ workerId, count: z.int().min(1).max(1000), waitMs: z.int().min(0).max(30_000) }),
  answer: z.strictObject({ claims: z.array(claim) }),
});
export const workerLaunched = endpoint({
  ...worker,
  id: "workerLaunched",
  path: "/worker/launched",
  summary: "The launcher's name for a runner, so that another worker can adopt it",
  body: z.strictObject({ workerId, attemptId: id, epoch, launcherRef: storableText(512) }),
  answer: heard,
});
export const workerLost = endpoint({
  ...worker,
  id: "workerLost",
  path: "/worker/lost",
  summary: "A runner is gone that has not finished",
  body: z.strictObject({
    workerId,
    attemptId: id,
    epoch,
    end: z.strictObject({
      reason: storableText(100),
      message: storableText(4096),
      outcome: z.enum(["failed", "broken", "timed-out"]),
      lastWords: storableText(4096).optional(),
    }),
  }),
  answer: heard,
});
export const workerNote = endpoint({
  ...worker,
  id: "workerNote",
  path: "/worker/note",
  summary: "What attempts of the worker wait for before their runners come up; empty when they do",
  body: z.strictObject({
    workerId,
    notes: z.array(z.strictObject({ attemptId: id, epoch, message: storableText(2048) })).max(1000),
  }),
  answer: none,
  status: 204,
});
export const workerCalls = endpoint({
  ...worker,
  id: "workerCalls",
  path: "/worker/calls",
  summary: "What a cluster had to take for attempts of the worker, on top of what was told before",
  body: z.strictObject({
    workerId,
    spent: z
      .array(
        z.strictObject({ attemptId: id, calls: z.partialRecord(clusterCall, z.int().min(1).max(100_000)) }),
      )
      .max(1000),
  }),
  answer: none,
  status: 204,
});
export const workerAdopt = endpoint({
  ...worker,
  id: "workerAdopt",
  path: "/worker/adopt",
  summary: "Attempts of workers whose lease has run out, now this worker's",
  body: z.strictObject({ workerId, count: z.int().min(1).max(1000) }),
  answer: z.strictObject({
    claims: z.array(z.strictObject({ ...claim.shape, launcherRef: z.string().nullable() })),
  }),
});
export const workerLeave = endpoint({
  ...worker,
  id: "workerLeave",
  path: "/worker/leave",
  summary: "Say goodbye; what is still held may be adopted at once",
  body: z.strictObject({ workerId }),
  answer: none,
  status: 204,
});
