// One request to an outside log service, bounded in time and in what is read of the answer.

import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { messageOf } from "../../../core/failure.ts";
import { reveal, type Secret } from "../../../core/secret.ts";
import type { Clock } from "../../../lib/clock.ts";
import type { Forwarded } from "./forwarder.ts";

const compress = promisify(gzip);
const answerMs = 30_000;
const maxAnswerBytes = 4096;

export interface BatchPost {
  url: string;
  headers: Record<string, string | Secret>;
  contentType: string;
  body: string;
  gzip: boolean;
}

export type BatchAnswer =
  | { kind: "answer"; status: number; text: string; retryAfterMs?: number }
  | { kind: "none"; reason: string };

/** Throws only the signal's reason. Redirects are not followed: what is secret in the headers stays where it was meant for. */
export async function postBatch(post: BatchPost, clock: Clock, signal: AbortSignal): Promise<BatchAnswer> {
  signal.throwIfAborted();
  const late = new AbortController();
  const cancel = clock.after(answerMs, () => late.abort(new Error(`no answer within ${answerMs / 1000} s`)));
  try {
    const body = post.gzip ? await compress(post.body) : post.body;
    const own = Object.entries(post.headers).map(([name, value]) => [name, reveal(value)] as const);
    const response = await fetch(post.url, {
      method: "POST",
      redirect: "manual",
      headers: {
        ...Object.fromEntries(own),
        "content-type": post.contentType,
        ...(post.gzip ? { "content-encoding": "gzip" } : {}),
      },
      body,
      signal: AbortSignal.any([signal, late.signal]),
    });
    const text = await firstOf(response);
    const seconds = Number(response.headers.get("retry-after") ?? Number.NaN);
    const retry = seconds >= 0 && seconds <= 3600 ? { retryAfterMs: seconds * 1000 } : {};
    return { kind: "answer", status: response.status, text, ...retry };
  } catch (error) {
    signal.throwIfAborted();
    return { kind: "none", reason: messageOf(late.signal.aborted ? late.signal.reason : error) };
  } finally {
    cancel();
  }
}

/** The beginning of an answer's text; the rest is not read. */
async function firstOf(response: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response.body ?? []) {
    parts.push(part as Uint8Array);
    length += (part as Uint8Array).length;
    if (length >= maxAnswerBytes) break;
  }
  return Buffer.concat(parts).subarray(0, maxAnswerBytes).toString("utf8");
}

/**
 * What an answer means, but for what is peculiar to a service. That our settings are wrong (401, 404) is no reason to throw
 * lines away: they wait until somebody has mended it.
 */
export function meaningOf(answer: BatchAnswer): Forwarded {
  if (answer.kind === "none") return { kind: "later", reason: answer.reason };
  const { status, text, retryAfterMs } = answer;
  const reason = `${status} ${text.trim().slice(0, 500)}`;
  if (status >= 200 && status < 300) return { kind: "taken" };
  if (status === 413) return { kind: "smaller", reason };
  if (status === 400 || status === 422) return { kind: "refused", reason };
  return { kind: "later", reason, ...(retryAfterMs === undefined ? {} : { afterMs: retryAfterMs }) };
}
