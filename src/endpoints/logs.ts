// Logs of attempts, served by the logs role. A log is the bytes of all steps and streams in the order in which the
// runner sent them.

import { z } from "zod";
import { endpoint } from "./endpoint.ts";
import { id, none, nothing, time } from "./values.ts";

const logParams = z.strictObject({ job: id, attempt: id });
const access = { to: "job" as const, role: "reader" as const };
const whole = z.coerce.number().int().min(0);

export const getLog = endpoint({
  id: "getLog",
  method: "GET",
  path: "/logs/{job}/{attempt}",
  tag: "logs",
  summary:
    "A log or a part of it: all, `Range` by byte, or `firstLine` and `lines`; also while it grows; zstd by Accept-Encoding",
  access,
  params: logParams,
  query: z.strictObject({
    firstLine: whole.optional(),
    lines: whole.max(100_000).optional(),
    step: z.string().max(512).optional(),
  }),
  body: none,
  answer: none,
  streams: { answer: "text/plain" },
});
export const getLogLines = endpoint({
  id: "getLogLines",
  method: "GET",
  path: "/logs/{job}/{attempt}/lines",
  tag: "logs",
  summary: "Lines with their step, stream and time; long lines are cut and say so",
  access,
  params: logParams,
  query: z.strictObject({ firstLine: whole.default(0), lines: whole.min(1).max(5000).default(500) }),
  body: none,
  answer: z.strictObject({
    lines: z.array(
      z.strictObject({
        line: z.int(),
        byte: z.int(),
        step: z.string(),
        stream: z.string(),
        time,
        /** Without the line's end; bytes that are no UTF-8 are replaced. */
        text: z.string(),
        cut: z.boolean(),
      }),
    ),
    /** Of the whole log now. */
    totalLines: z.int(),
    totalBytes: z.int(),
    complete: z.boolean(),
  }),
  example: {
    answer: {
      lines: [
        {
          line: 120,
          byte: 4096,
          step: "npm-test-1c9f6f0e-54c6-4f2a-9a5f-0d1b7c3e8a42",
          stream: "stdout",
          time: "2026-03-01T12:00:04.000Z",
          text: "12 tests passed",
          cut: false,
        },
      ],
      totalLines: 121,
      totalBytes: 4112,
      complete: true,
    },
  },
});
export const getLogSteps = endpoint({
  id: "getLogSteps",
  method: "GET",
  path: "/logs/{job}/{attempt}/steps",
  tag: "logs",
  summary: "Where each step begins in the log",
  access,
  params: logParams,
  query: nothing,
  body: none,
  answer: z.strictObject({
    steps: z.array(z.strictObject({ step: z.string(), firstLine: z.int(), byte: z.int(), time })),
    totalLines: z.int(),
    totalBytes: z.int(),
    complete: z.boolean(),
  }),
  example: {
    answer: {
      steps: [
        {
          step: "npm-test-1c9f6f0e-54c6-4f2a-9a5f-0d1b7c3e8a42",
          firstLine: 14,
          byte: 812,
          time: "2026-03-01T12:00:03.000Z",
        },
      ],
      totalLines: 121,
      totalBytes: 4112,
      complete: true,
    },
  },
});
export const searchLog = endpoint({
  id: "searchLog",
  method: "GET",
  path: "/logs/{job}/{attempt}/search",
  tag: "logs",
  summary: "Line numbers that hold a text; stops at `limit`",
  access,
  params: logParams,
  query: z.strictObject({
    text: z.string().min(1).max(1000),
    ignoreCase: z.stringbool().default(true),
    firstLine: whole.default(0),
    limit: whole.min(1).max(1000).default(100),
  }),
  body: none,
  answer: z.strictObject({
    lines: z.array(z.int()),
    /** Where to go on; absent when all was searched. */ next: z.int().optional(),
  }),
  example: { answer: { lines: [17, 120] } },
});
/**
 * Server-sent events `chunk` with `{"seq","step","stream","time","byte","text" or "bytes"}` (`byte`: where in the log it
 * begins; `bytes`: base64 where it is no UTF-8) and an id for `Last-Event-ID` (the byte after it); `end` when the log is complete.
 */
export const followLog = endpoint({
  id: "followLog",
  method: "GET",
  path: "/logs/{job}/{attempt}/follow",
  tag: "logs",
  summary: "The log as it grows, from its beginning or from `Last-Event-ID`, as server-sent events",
  access,
  params: logParams,
  query: z.strictObject({ from: whole.optional() }),
  body: none,
  answer: none,
  streams: { answer: "text/event-stream" },
});
