// Gives lines to a forwarder, and finds the ones that it will never take: these are left out, alone.

import type { ForwardedLine, ForwardedLog, Forwarder } from "./forwarder.ts";

export interface SentLines {
  /** So many of the lines, from the first on, need not be sent again. */
  done: number;
  /** Of these, left out. */
  refused: number;
  /** Why not all are done. */
  later?: { reason: string; afterMs?: number };
  /** What was said of the lines that were left out. */
  reason?: string;
}

/** A batch costs at most so many requests; what is left then has its turn later. */
const mostRequests = 60;

export async function sendLines(
  forwarder: Forwarder,
  log: ForwardedLog,
  lines: readonly ForwardedLine[],
  signal: AbortSignal,
): Promise<SentLines> {
  const sent: SentLines = { done: 0, refused: 0 };
  // Parts that are still to be sent, the next one last.
  const parts = [lines];
  for (let requests = 0; requests < mostRequests; requests++) {
    const part = parts.pop();
    if (part === undefined) return sent;
    const answer = await forwarder.send(log, part, signal);
    if (answer.kind === "later") {
      const { reason, afterMs } = answer;
      return { ...sent, later: { reason, ...(afterMs === undefined ? {} : { afterMs }) } };
    }
    if (answer.kind === "taken") sent.done += part.length;
    else if (part.length === 1) {
      sent.done++;
      sent.refused++;
      sent.reason = answer.reason;
    } else {
      const middle = part.length >> 1;
      parts.push(part.slice(middle), part.slice(0, middle));
    }
  }
  return sent;
}
