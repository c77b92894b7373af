// What a runner may say, as the platform takes it: the events of `core/events.ts` but for log chunks, checked one by one. A
// type or field that is wrong is refused; a field that is not known is dropped, so that a newer runner can be heard. Texts
// that are too long are cut, and what no database takes is replaced: a stream with one event refused could never go on.

import { z } from "zod";
import type { LogChunk, RunEvent } from "../core/events.ts";
import { storableText } from "./values.ts";

/** An event as it travels: beside its own fields the number of the last log chunk that was sent before it. */
export type SentEvent = Exclude<RunEvent, LogChunk> & { afterChunk?: number };

const short = storableText(1024);
const long = storableText(65_536);
const phase = z.enum(["setup", "main", "after"]);
const outcome = z.enum(["passed", "failed", "timed-out", "canceled", "skipped", "broken"]);
const count = z.int().min(0);
const exitCode = z.int().min(-1).max(0xffffffff);
const durationMs = z.number().min(0).max(1e12);

const envelope = {
  runId: short,
  seq: z.int().min(1),
  time: z.iso.datetime(),
  afterChunk: count.optional(),
};
const stored = { location: short, files: count, sizeBytes: count };

export const sentEvent = z.discriminatedUnion("type", [
  z.object({
    ...envelope,
    type: z.literal("run-started"),
    pipeline: short,
    project: short,
    engine: short,
    steps: z.array(z.object({ id: short, name: short, phase })).max(2000),
  }),
  z.object({
    ...envelope,
    type: z.literal("step-started"),
    step: short,
    name: short,
    phase,
    order: count,
    attempt: z.int().min(1),
  }),
  z.object({
    ...envelope,
    type: z.literal("notice"),
    level: z.enum(["debug", "info", "warning", "error"]),
    message: long,
    step: short.optional(),
  }),
  z.object({
    ...envelope,
    type: z.literal("step-finished"),
    step: short,
    name: short,
    phase,
    outcome,
    exitCode: exitCode.nullable(),
    durationMs,
    message: long,
    allowedToFail: z.boolean().optional(),
  }),
  z.object({ ...envelope, type: z.literal("artifact-stored"), step: short, name: short, ...stored }),
  z.object({ ...envelope, type: z.literal("cache-stored"), key: short, ...stored }),
  z.object({
    ...envelope,
    type: z.literal("tests-reported"),
    tests: count,
    failed: count,
    skipped: count,
    failing: z.array(short).max(100),
  }),
  z.object({
    ...envelope,
    type: z.literal("run-finished"),
    outcome,
    exitCode,
    durationMs,
    message: long,
    failedStep: short.optional(),
  }),
]);
