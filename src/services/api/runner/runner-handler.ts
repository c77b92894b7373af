// The runner listener: everything under `/runner/v1/` but logs, which the logs role answers. It speaks the runner protocol
// alone, and answers nothing without the token or key of a live attempt. Raw requests and answers, for the streams' sake.

import type { IncomingMessage, ServerResponse } from "node:http";
import { messageOf, SlipwayError } from "../../../core/failure.ts";
import type { RequestHandler } from "../../../http/handler.ts";
import { notFound, Problem, problem } from "../../../http/problem.ts";
import { artifactCall } from "./artifact-call.ts";
import { cacheCall, inputCall, sourceCall } from "./blob-calls.ts";
import { cachePutCall } from "./cache-put-call.ts";
import { type RunnerCall, stale, unauthorized } from "./call.ts";
import { claimCall } from "./claim-call.ts";
import type { ListenerRates, RunnerDependencies } from "./dependencies.ts";
import { eventsCall } from "./events-call.ts";
import { finishCall } from "./finish-call.ts";
import { cancelCall, heartbeatCall } from "./life-calls.ts";
import { createRates } from "./rates.ts";
import { testsCall } from "./tests-call.ts";
import { answerProblem } from "./wire.ts";

const prefix = "/runner/v1/";

interface Answering {
  /** `GET cancel`, `PUT artifacts/`: with a slash behind it what follows is the call's `name`. */
  call(call: RunnerCall): Promise<void>;
  /** `remembered`: what is written names its epoch and is checked where it is stored. `over`: also when the try is over. */
  key: "fresh" | "remembered" | "over";
}

const calls: Record<string, Answering> = {
  "POST heartbeat": { call: heartbeatCall, key: "remembered" },
  "GET cancel": { call: cancelCall, key: "remembered" },
  "POST events": { call: eventsCall, key: "remembered" },
  "POST tests": { call: testsCall, key: "remembered" },
  "POST finish": { call: finishCall, key: "over" },
  "GET source": { call: sourceCall, key: "fresh" },
  "GET inputs/": { call: inputCall, key: "fresh" },
  "PUT artifacts/": { call: artifactCall, key: "fresh" },
  "GET cache": { call: cacheCall, key: "fresh" },
  "PUT cache": { call: cachePutCall, key: "fresh" },
};

/** Never throws. It has nothing of its own to close: open long polls end with `cancelWatch`, streams with their connections. */
export function runnerHandler(deps: RunnerDependencies): RequestHandler {
  const rates = deps.rates ?? {
    perAttempt: createRates(deps.clock, { perSecond: 100, burst: 300 }),
    unproven: createRates(deps.clock, { perSecond: 200, burst: 1000 }),
  };
  return async (request, response) => {
    const url = URL.parse(request.url ?? "", "http://runner");
    if (url === null || !url.pathname.startsWith(prefix)) return false;
    const path = url.pathname.slice(prefix.length);
    if (path === "logs" || path.startsWith("logs/")) return false;
    try {
      await answer(deps, rates, request, response, { path, query: url.searchParams });
    } catch (error) {
      sayNo(deps, request, response, error);
    }
    return true;
  };
}

async function answer(
  deps: RunnerDependencies,
  rates: ListenerRates,
  request: IncomingMessage,
  response: ServerResponse,
  { path, query }: { path: string; query: URLSearchParams },
): Promise<void> {
  const key = bearerOf(request);
  const isKnown = key !== undefined && deps.keys.known(key) !== undefined;
  const address = request.socket.remoteAddress ?? "";
  // Counted beforehand, so that many guesses at the same time count as many; who is known after all has it back.
  if (!isKnown && !rates.unproven.take(address)) throw tooOften();
  if (path === "claim" && request.method === "POST") {
    await claimCall(deps, request, response);
    if (response.statusCode === 200) rates.unproven.giveBack(address);
    return;
  }
  if (key === undefined) throw unauthorized();
  const slash = path.indexOf("/");
  const wanted = calls[`${request.method} ${slash === -1 ? path : path.slice(0, slash + 1)}`];
  const proven = await deps.keys.authenticate(key, { fresh: wanted?.key !== "remembered" });
  if (proven.kind === "unknown") throw unauthorized();
  if (!isKnown) rates.unproven.giveBack(address);
  if (proven.kind === "stale" && wanted?.key !== "over") throw stale();
  if (!rates.perAttempt.take(proven.attemptId)) throw tooOften();
  if (wanted === undefined) throw notFound(`there is no ${request.method} ${prefix}${path.slice(0, 80)}`);
  const name = slash === -1 ? "" : decoded(path.slice(slash + 1));
  const gone = new AbortController();
  const onClose = () => gone.abort(hungUp);
  response.once("close", onClose);
  try {
    const attempt = { ...proven, kind: "ok" as const };
    await wanted.call({ attempt, deps, request, response, query, name, signal: gone.signal });
  } finally {
    response.off("close", onClose);
  }
}

function bearerOf(request: IncomingMessage): string | undefined {
  return /^Bearer ([\w-]{1,200})$/.exec(request.headers.authorization ?? "")?.[1];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw problem(422, "validation", "Not acceptable as it is", "the path is not percent-encoded UTF-8");
  }
}

function tooOften(): Problem {
  return problem(
    429,
    "too-often",
    "Too often",
    "too many calls in a short time",
    "wait a second, then repeat",
  );
}

function sayNo(
  deps: RunnerDependencies,
  request: IncomingMessage,
  response: ServerResponse,
  error: unknown,
): void {
  if (error instanceof Problem) {
    answerProblem(request, response, error.details, deps.clock);
    return;
  }
  // Whoever hung up does not read the answer, and broke nothing.
  if (isHangUp(error)) {
    response.destroy();
    return;
  }
  deps.log.error({ path: request.url?.split("?")[0], error: messageOf(error) }, "a runner's call failed");
  const ofStore = error instanceof SlipwayError && error.code.startsWith("blob");
  const { details } = ofStore
    ? problem(503, error.code, "Our fault", error.message, error.hint ?? "repeat it")
    : problem(500, "internal", "Our fault", "the call could not be done", "repeat it");
  answerProblem(request, response, details, deps.clock);
}

const hangUps = new Set([
  "ABORT_ERR",
  "ECONNRESET",
  "EPIPE",
  "ERR_STREAM_PREMATURE_CLOSE",
  "ERR_STREAM_DESTROYED",
  "ERR_STREAM_UNABLE_TO_PIPE",
]);

function isHangUp(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return error === hungUp || (code !== undefined && hangUps.has(code));
}

/** Why a call's signal is aborted. */
const hungUp = new Error("the runner hung up");
