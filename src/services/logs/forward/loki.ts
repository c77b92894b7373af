// Loki's push API (`POST /loki/api/v1/push`, JSON). Each job of a run is a stream of its own with few labels; what differs
// from line to line goes into structured metadata. What Loki finds too old or out of order is sent with the time of now and
// keeps its own beside it, so that it is not lost. https://grafana.com/docs/loki/latest/reference/loki-http-api/

import type { Clock } from "../../../lib/clock.ts";
import type { Forwarded, ForwardedLine, ForwardedLog, Forwarder, ForwardTarget } from "./forwarder.ts";
import { meaningOf, postBatch } from "./post-batch.ts";

const path = "/loki/api/v1/push";
/** Of a label's value, Loki takes 2,048 bytes. */
const maxLabelBytes = 2048;

export function createLokiForwarder(target: ForwardTarget, clock: Clock): Forwarder {
  const url = target.url.endsWith("/push") ? target.url : target.url.replace(/\/*$/, path);
  // Loki before 3.0 takes none, unless it is set to.
  let metadata = true;
  let lastNow = 0n;

  const push = async (
    log: ForwardedLog,
    lines: readonly ForwardedLine[],
    signal: AbortSignal,
    timeOf?: () => bigint,
  ): Promise<Forwarded> => {
    const values = lines.map(line => entryOf(log, line, metadata, timeOf?.()));
    const body = JSON.stringify({ streams: [{ stream: labelsOf(log), values }] });
    const { headers } = target;
    return meaningOf(
      await postBatch({ url, headers, contentType: "application/json", body, gzip: true }, clock, signal),
    );
  };
  const nextNow = () => {
    const now = BigInt(clock.now()) * 1_000_000n;
    lastNow = now > lastNow ? now : lastNow + 1n;
    return lastNow;
  };

  return {
    async send(log, lines, signal) {
      let answer = await push(log, lines, signal);
      if (answer.kind === "refused" && metadata && /structured metadata/i.test(answer.reason)) {
        metadata = false;
        answer = await push(log, lines, signal);
      }
      if (answer.kind === "refused" && isAboutTime(answer.reason))
        answer = await push(log, lines, signal, nextNow);
      return answer;
    },
  };
}

/** "timestamp too old", "entry too far behind", "entry out of order", "timestamp too new". */
function isAboutTime(reason: string): boolean {
  return /too old|too far behind|out of order|too new/i.test(reason);
}

function labelsOf({ project, pipeline, job, run }: ForwardedLog): Record<string, string> {
  return { project: label(project), pipeline: label(pipeline), job: label(job), run };
}

/** Not longer than a label may be; a character that is cut in two goes. */
function label(text: string): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= maxLabelBytes) return text;
  return bytes
    .subarray(0, maxLabelBytes)
    .toString("utf8")
    .replace(/\ufffd$/, "");
}

function entryOf(
  { attempt }: ForwardedLog,
  { time, step, stream, text }: ForwardedLine,
  metadata: boolean,
  now: bigint | undefined,
): unknown[] {
  const value: unknown[] = [String(now ?? time), text];
  if (!metadata) return value;
  const own = now === undefined ? {} : { time: new Date(Number(time / 1_000_000n)).toISOString() };
  return [...value, { attempt, step, stream, ...own }];
}
