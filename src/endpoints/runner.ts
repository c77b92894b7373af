// What runner and platform say to each other on the runner listener (`docs/runner-protocol.md`), as schemas. The runner
// takes the types alone (`import type`), so that it starts without zod.

import { z } from "zod";
import type { Job } from "../core/job.ts";
import { sentEvent } from "./runner-events.ts";
import { storableText } from "./values.ts";

export type { SentEvent } from "./runner-events.ts";

const epoch = z.int().min(1);
const count = z.int().min(0);
const positive = z.int().positive();
const cancel = z.strictObject({ kind: z.enum(["canceled", "timed-out", "broken"]), message: z.string() });

/** Requests take fields that are not known and drop them; answers may gain fields. */
export const claimBody = z.object({
  claimToken: z.string().max(200),
  /** Random, made by the runner once: the same nonce gets the same key again. */
  nonce: z.string().min(16).max(128),
  runner: z.object({ version: storableText(100), engine: storableText(100) }),
});

/** How to reach the repository. Only for the runner: never put it into the job's environment, and mask it. */
const gitCredential = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("password"), username: z.string(), password: z.string() }),
  z.strictObject({ kind: z.literal("ssh-key"), privateKey: z.string() }),
]);

const jobSource = z.discriminatedUnion("kind", [
  /** `GET /runner/v1/source` has it; `packed` is the same, in base64, where it is small. */
  z.strictObject({ kind: z.literal("sent"), packed: z.string().optional() }),
  z.strictObject({
    kind: z.literal("git"),
    repository: z.string(),
    commit: z.string(),
    /** Branch or tag that led to the commit, in full (`refs/heads/main`): where servers do not give out single commits. */
    ref: z.string().optional(),
    credential: gitCredential.optional(),
  }),
  /** `inputs` are the source. */
  z.strictObject({ kind: z.literal("inputs") }),
]);

/** Bytes, numbers and milliseconds that the runner keeps to; over them it is answered 413 or 422. */
const runnerLimits = z.strictObject({
  /** Of the whole job, from the class; absent: none but the job's own. */
  timeoutMs: positive.optional(),
  heartbeatMs: positive,
  eventsPerBatch: positive,
  /** Of a batch of events or of test cases as JSON. */
  batchBytes: positive,
  casesPerBatch: positive,
  /** Test cases of the whole job; more are not stored. */
  cases: positive,
  /** Of a frame, and of one request with frames. */
  frameBytes: positive,
  framesBytes: positive,
  /** Packed, of one artifact or of the output. */
  artifactBytes: positive,
  artifacts: positive,
  /** Packed, of one cache. */
  cacheBytes: positive,
});

const claimAnswer = z.strictObject({
  /** Bearer token of every later call. Kept in memory only. */
  key: z.string(),
  runId: z.string(),
  jobId: z.string(),
  attemptId: z.string(),
  epoch,
  /** What the job has waited for since it was claimed, in the words of whoever it waited for: for its log. */
  waited: z.array(z.string()).optional(),
  /**
   * Ready to run: `environment` has the plain variables of organisation, project and pipeline and those of the trigger in
   * their places, `secrets` the names of the protected ones. `runId` in it is the name of the runner's containers.
   */
  job: z.custom<Job>(value => typeof value === "object" && value !== null),
  /** Values of `job.secrets`, all to be masked. */
  secrets: z.array(z.strictObject({ name: z.string(), value: z.string() })),
  /** The plain variables that were put into `job.environment`, for who wants to know where a value comes from. */
  variables: z.array(z.strictObject({ name: z.string(), value: z.string() })),
  trusted: z.boolean(),
  class: z.strictObject({
    name: z.string(),
    engine: z.enum(["docker", "host", "pod"]),
    allowDocker: z.boolean(),
    allowVolumes: z.boolean(),
    allowHostPorts: z.boolean(),
    memoryBytes: z.number().optional(),
    cpu: z.number().optional(),
  }),
  source: jobSource,
  /** Outputs of earlier jobs: `GET /runner/v1/inputs/NAME` is unpacked into `directory` of the source, `""` is its top. */
  inputs: z.array(z.strictObject({ directory: z.string(), name: z.string() })),
  /** Its project has none: there is nothing to ask for. */
  noCaches: z.literal(true).optional(),
  limits: runnerLimits,
});

export const heartbeatBody = z.object({ epoch });
const cancelAnswer = z.strictObject({
  cancel: cancel.nullable(),
  /** Of a heartbeat: `waited` as in the claim's answer, as long as it is by now. */
  waited: z.array(z.string()).optional(),
  /** Of a heartbeat: containers of the job's place still wait for something, or nobody is there who would know. */
  waits: z.literal(true).optional(),
});

export const eventsBody = z.object({ epoch, events: z.array(sentEvent).max(500) });
/** The highest number up to which all is stored. The sender goes on behind it. */
const storedAnswer = z.strictObject({ stored: count });

/** Of artifacts and caches. */
const keptAnswer = z.strictObject({ location: z.string(), bytes: count });

export const testsBody = z.object({
  epoch,
  cases: z
    .array(
      z.object({
        suite: storableText(500),
        name: storableText(1500),
        outcome: z.enum(["passed", "failed", "skipped"]),
        durationMs: z.number().min(0).max(2_000_000_000).nullable(),
        message: storableText(8192),
      }),
    )
    .max(5000),
});

export const finishBody = z.object({
  epoch,
  outcome: z.enum(["passed", "failed", "timed-out", "canceled", "skipped", "broken"]),
  exitCode: z.int().min(-1).max(0xffffffff),
  message: storableText(65_536),
  failedStep: storableText(1024).optional(),
  /** Numbers of the last event and the last log chunk; 0 where there was none. */
  events: count,
  chunks: count,
});
/** `outcome` as it was decided: a good one that the events contradict has become another. */
const finishAnswer = z.strictObject({ accepted: z.literal(true), outcome: z.string() });

export type ClaimBody = z.input<typeof claimBody>;
export type ClaimAnswer = z.output<typeof claimAnswer>;
export type GitCredential = z.output<typeof gitCredential>;
export type JobSource = z.output<typeof jobSource>;
export type RunnerLimits = z.output<typeof runnerLimits>;
export type CancelAnswer = z.output<typeof cancelAnswer>;
export type StoredAnswer = z.output<typeof storedAnswer>;
export type KeptAnswer = z.output<typeof keptAnswer>;
export type TestsBody = z.input<typeof testsBody>;
export type FinishBody = z.input<typeof finishBody>;
export type FinishAnswer = z.output<typeof finishAnswer>;
