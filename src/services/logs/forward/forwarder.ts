// The port to outside log services. An adapter speaks one service's protocol, and says what became of what it was given; it
// keeps nothing. What is still to be sent is known by the positions in the database.

import type { Secret } from "../../../core/secret.ts";

/** An outside log service, as it is set. */
export interface ForwardTarget {
  kind: "loki" | "ndjson";
  /** Stays the same while the service does: positions are kept under it. */
  name: string;
  url: string;
  /** Such as `Authorization`, or `X-Scope-OrgID` of a tenant. */
  headers: Record<string, string | Secret>;
}

/** Whose lines they are. */
export interface ForwardedLog {
  /** `organisation/project`. */
  project: string;
  pipeline: string;
  /** Name in the workflow, with its combination. */
  job: string;
  run: string;
  runNumber: number;
  attempt: string;
}

export interface ForwardedLine {
  /** From 0. A line that is very long comes in parts that have the same number. */
  line: number;
  /** Of its first byte in the log. */
  byte: number;
  /** Nanoseconds since the epoch; grows strictly within a log, and is the same when the line is sent again. */
  time: bigint;
  step: string;
  stream: string;
  text: string;
}

export type Forwarded =
  | { kind: "taken" }
  /** The service is away, overloaded or set up wrongly: the same again, later. Says what it said, without a secret. */
  | { kind: "later"; reason: string; afterMs?: number }
  /** Too much at a time. */
  | { kind: "smaller"; reason: string }
  /** Something in it will never be taken. Others of the same lines may have been. */
  | { kind: "refused"; reason: string };

export interface Forwarder {
  /** May be called again with the same lines, also after they were taken. Throws only the signal's reason. */
  send(log: ForwardedLog, lines: readonly ForwardedLine[], signal: AbortSignal): Promise<Forwarded>;
}
