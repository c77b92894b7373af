// One call of a runner whose key is proven, and how calls say no.

import type { IncomingMessage, ServerResponse } from "node:http";
import { conflict, type Problem, problem } from "../../../http/problem.ts";
import type { LiveAttempt } from "../../../queue/postgres/runner-keys.ts";
import type { RunnerDependencies } from "./dependencies.ts";

export interface RunnerCall {
  attempt: LiveAttempt;
  deps: RunnerDependencies;
  request: IncomingMessage;
  response: ServerResponse;
  query: URLSearchParams;
  /** What stands behind the call's name in the path, decoded; empty where nothing does. */
  name: string;
  /** Aborted when the runner hangs up or the listener stops. */
  signal: AbortSignal;
}

/** The same for whatever is wrong with a token or key, so that nothing can be learned from it. */
export function unauthorized(): Problem {
  return problem(
    401,
    "unauthorized",
    "Not known",
    "this listener answers runners with the token or key of a live attempt only",
  );
}

export function stale(): Problem {
  return conflict(
    "stale",
    "the attempt is over: it has ended, or was given up and fenced",
    "stop, and write nothing more",
  );
}

export function wrong(code: string, detail: string, hint?: string): Problem {
  return problem(422, code, "Not acceptable as it is", detail, hint);
}

/** The epoch that a call without a JSON body names. Throws 422 without one and `stale` for another than the attempt's. */
export function checkedEpoch({ query, attempt }: RunnerCall): number {
  const text = query.get("epoch") ?? "";
  if (!/^[1-9][0-9]{0,15}$/.test(text)) {
    throw wrong("validation", `the query's epoch is ${JSON.stringify(text.slice(0, 40))}`, "add ?epoch=E");
  }
  if (Number(text) !== attempt.epoch) throw stale();
  return attempt.epoch;
}

/** A header that counts something; 0 where it is not there. */
export function countHeader({ request }: RunnerCall, name: string): number {
  const text = request.headers[name] ?? "0";
  if (typeof text === "string" && /^[0-9]{1,15}$/.test(text)) return Number(text);
  throw wrong("validation", `the header ${name} is no number: ${String(text).slice(0, 40)}`);
}
