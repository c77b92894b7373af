// The form of a job in a file, checked before anything of it is believed: such a file may come from anywhere. Loaded
// only where a job is read.

import { z } from "zod";
import type { Job } from "../core/job.ts";

const text = z.string().max(1_000_000);
const word = z.string().min(1).max(1000);
/** Becomes a name of directories, files and containers. */
const safeId = z.string().regex(/^[A-Za-z0-9][\w.-]{0,199}$/);
const milliseconds = z
  .number()
  .int()
  .min(0)
  .max(2 ** 31 - 1);
const entry = z.strictObject({ name: word, value: text });
const entries = z.array(entry).max(10_000);
const words = z.array(text).max(10_000);

const box = z.strictObject({
  id: text,
  tag: text.optional(),
  name: text.optional(),
  cmd: text.optional(),
  entrypoint: text.optional(),
  env: entries,
  ports: words,
  volumes: text.optional(),
  url: text.optional(),
  auth: z.record(z.string(), text),
  ready: z
    .strictObject({ port: z.number().int().optional(), command: text.optional(), timeoutMs: milliseconds })
    .optional(),
});

const source = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("script"), code: z.string().max(10_000_000) }),
  z.strictObject({ kind: z.literal("init") }),
  z.strictObject({ kind: z.literal("internal"), action: word }),
  z.strictObject({ kind: z.literal("bundled"), name: safeId, version: word }),
  z.strictObject({ kind: z.literal("file"), path: word, digest: word }),
  z.strictObject({ kind: z.literal("tarball"), url: word, digest: word }),
  z.strictObject({ kind: z.literal("git"), url: word, commit: word, tag: text.optional() }),
]);

const when = z.strictObject({
  branch: words.optional(),
  tag: words.optional(),
  event: words.optional(),
  result: z.array(z.enum(["passed", "failed", "always"])).optional(),
});

const step = z.strictObject({
  id: safeId,
  ref: text,
  owner: text,
  name: text,
  displayName: text,
  cwd: text.optional(),
  checkpoint: text.optional(),
  options: z.array(z.strictObject({ name: word, value: z.string().max(10_000_000) })).max(10_000),
  properties: z.array(z.strictObject({ name: word, default: text })).max(10_000),
  source,
  timeoutMs: milliseconds.optional(),
  retry: z.strictObject({ attempts: z.number().int().min(1).max(1000), delayMs: milliseconds }).optional(),
  when: when.optional(),
  env: entries.optional(),
  allowFailure: z.boolean().optional(),
});

const job = z.strictObject({
  version: z.literal(1),
  dialect: z.enum(["wercker", "slipway"]),
  runId: safeId,
  pipeline: word,
  kind: z.enum(["build", "deploy"]),
  project: z.strictObject({ id: text, name: text, owner: text }),
  trigger: z.strictObject({ event: text, branch: text.optional(), tag: text.optional() }).optional(),
  environment: entries,
  secrets: z.array(z.strictObject({ name: word, exported: z.boolean() })).max(10_000),
  box,
  services: z.array(box).max(100),
  sourceDir: text,
  basePath: z
    .string()
    .regex(/^\/[^/]+\/[^/]/)
    .optional(),
  steps: z.array(step).max(100_000),
  afterSteps: z.array(step).max(100_000),
  docker: z.boolean(),
  limits: z.strictObject({
    commandMs: milliseconds,
    noResponseMs: milliseconds,
    pipelineMs: milliseconds.optional(),
  }),
  resources: z
    .strictObject({
      cpu: z.number().positive().optional(),
      memoryBytes: z.number().int().positive().optional(),
      ephemeralStorageBytes: z.number().int().positive().optional(),
      arch: text.optional(),
    })
    .optional(),
  class: text.optional(),
  concurrency: z.strictObject({ group: text, cancelInProgress: z.boolean() }).optional(),
  matrix: z.record(z.string(), text).optional(),
  cache: z.strictObject({ paths: words, key: text.optional(), fallbackKeys: words }).optional(),
  reports: words,
  artifacts: z
    .array(z.strictObject({ name: safeId, paths: words, retentionDays: z.number().optional() }))
    .max(1000),
  ignoreFile: text.optional(),
  checkout: z
    .strictObject({
      depth: z.number().int().optional(),
      submodules: z.boolean().optional(),
      lfs: z.boolean().optional(),
      tags: z.boolean().optional(),
    })
    .optional(),
});

/** The job, or where the first thing that is wrong stands and what it is. */
export function parseJob(value: unknown): { ok: true; job: Job } | { ok: false; problem: string } {
  const parsed = job.safeParse(value);
  // Absent and undefined are the same in JSON; the types are told apart only for writing.
  if (parsed.success) return { ok: true, job: parsed.data as Job };
  const issue = parsed.error.issues[0]!;
  return { ok: false, problem: `${issue.path.join(".") || "the whole"}: ${issue.message}` };
}
