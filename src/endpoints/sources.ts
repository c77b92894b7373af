// Working trees that are sent for a run: whole, or in parts, since proxies that nobody has told otherwise let no larger bodies
// through.

import { z } from "zod";
import { endpoint } from "./endpoint.ts";
import { none, nothing, projectParams } from "./values.ts";

export const sendSource = endpoint({
  id: "sendSource",
  method: "POST",
  path: "/projects/{organisation}/{project}/sources",
  tag: "runs",
  summary: "Send a working tree for a run: tar, zstd. Removed when no run has used it within a day",
  access: { to: "project", role: "reporter" },
  params: projectParams,
  query: nothing,
  body: none,
  answer: z.strictObject({ source: z.string(), bytes: z.int() }),
  status: 201,
  streams: { request: "application/zstd" },
  maxBytes: 2 ** 31,
  example: { answer: { source: "source/4a7d1ed414474e4033ac29ccb8653d9b", bytes: 48_213 } },
});
const upload = z.string().regex(/^[A-Za-z0-9_-]{16,64}$/, "16 to 64 letters, digits, _ and -");
/** Bytes of a part: what proxies let through that nobody has told otherwise. */
const sourcePartBytes = 2 ** 20;
const mostParts = 2048;
export const sendSourcePart = endpoint({
  id: "sendSourcePart",
  method: "PUT",
  path: "/projects/{organisation}/{project}/uploads/{upload}/{part}",
  tag: "runs",
  summary:
    "Send a part of a working tree, at most 1 MiB, under a name of the sender's choice; may be repeated",
  access: { to: "project", role: "reporter" },
  params: z.strictObject({
    ...projectParams.shape,
    upload,
    part: z
      .string()
      .regex(/^\d{1,4}$/, "a number from 0 on")
      .refine(part => Number(part) < mostParts, `there are at most ${mostParts} parts`),
  }),
  query: nothing,
  body: none,
  answer: z.strictObject({ bytes: z.int() }),
  streams: { request: "application/octet-stream" },
  maxBytes: sourcePartBytes,
  example: { answer: { bytes: 1_048_576 } },
});
export const finishSource = endpoint({
  id: "finishSource",
  method: "POST",
  path: "/projects/{organisation}/{project}/uploads/{upload}",
  tag: "runs",
  summary: "Put the parts of a working tree together: parts 0 up to `parts`",
  access: { to: "project", role: "reporter" },
  params: z.strictObject({ ...projectParams.shape, upload }),
  query: nothing,
  body: z.strictObject({ parts: z.int().min(1).max(mostParts) }),
  answer: z.strictObject({ source: z.string(), bytes: z.int() }),
  status: 201,
  creates: true,
  example: {
    body: { parts: 3 },
    answer: { source: "source/4a7d1ed414474e4033ac29ccb8653d9b", bytes: 2_613_400 },
  },
});
