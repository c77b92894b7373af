// Serves routes: finds the endpoint, decides access before it reads a body, validates what came, calls the handler, and
// writes what it answers or what it throws. Everything an endpoint's declaration promises is kept here and nowhere else.

import { createHash, randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { messageOf } from "../core/failure.ts";
import type { Access, Endpoint } from "../endpoints/endpoint.ts";
import { type Clock, systemClock } from "../lib/clock.ts";
import { checkInput, queryOf } from "./check-input.ts";
import type { HttpLog, RequestHandler } from "./handler.ts";
import { createPathTree } from "./path-match.ts";
import { invalid, notFound, Problem, problem } from "./problem.ts";
import { readJsonBody } from "./read-body.ts";
import type { Call, Named, Principal, Route } from "./route.ts";
import { guards, writeJson, writeProblem } from "./write-answer.ts";

/** Proves who calls and whether they may. Throws a Problem where not. */
export interface Gate {
  admit(
    request: IncomingMessage,
    access: Access,
    params: Record<string, string>,
  ): Promise<{ principal: Principal; named: Named }>;
}

/** Remembers answers of creating calls. */
export interface Idempotency {
  /**
   * Runs `work` once per principal and key and answers what it answered the first time. Throws a Problem for another
   * request under the same key, and for one that is still under way.
   */
  once(
    principal: Principal,
    key: string,
    requestHash: Buffer,
    work: () => Promise<{ status: number; body: unknown }>,
  ): Promise<{ status: number; body: unknown }>;
}

export interface RouterOptions {
  routes: readonly Route[];
  gate: Gate;
  idempotency?: Idempotency;
  log: HttpLog;
  clock?: Clock;
  /** Whether what was thrown means that something we need is away for now: the answer is 503, and not 500. */
  isAway?(error: unknown): boolean;
  /** Checks what handlers answer, too; for tests. */
  checkAnswers?: boolean;
  /** Hears of every answered call. */
  answered?(endpoint: Endpoint, status: number, seconds: number): void;
}

const prefix = "/api/v1";
const usualBytes = 2 ** 20;
/** A body that is a stream may pause, also because we do not take it, but not for longer. Milliseconds. */
const stalledMs = 300_000;

export function createRouter(options: RouterOptions): RequestHandler {
  const tree = createPathTree<Route>();
  for (const route of options.routes) tree.add(route.endpoint.method, route.endpoint.path, route);
  return async (request, response) => {
    const [path, query] = splitUrl(request.url ?? "");
    if (path !== prefix && !path.startsWith(`${prefix}/`)) return false;
    const began = performance.now();
    // Also for those who write the head of their answer themselves.
    for (const [name, value] of Object.entries(guards)) response.setHeader(name, value);
    let endpoint: Endpoint | undefined;
    try {
      const { route, params } = find(tree, request, response, path.slice(prefix.length));
      endpoint = route.endpoint;
      await serve(options, route, params, query, request, response);
    } catch (error) {
      refuse(options, request, response, error, endpoint);
    }
    if (endpoint !== undefined) {
      options.answered?.(endpoint, response.statusCode, (performance.now() - began) / 1000);
    }
    return true;
  };
}

/** Path and query as they came. Not by `URL`, which takes `//x/` for a host and resolves `..`. */
function splitUrl(url: string): [path: string, query: string] {
  const at = url.indexOf("?");
  return at === -1 ? [url, ""] : [url.slice(0, at), url.slice(at + 1)];
}

function find(
  tree: ReturnType<typeof createPathTree<Route>>,
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
): { route: Route; params: Record<string, string> } {
  const match = tree.find(path);
  if (match === undefined)
    throw notFound(`there is no ${prefix}${path.slice(0, 200)}`, "see /api/v1/openapi.json");
  const method = request.method === "HEAD" ? "GET" : (request.method ?? "");
  const route = match.values.get(method);
  if (route !== undefined) return { route, params: match.params };
  const allowed = [...match.values.keys()].join(", ");
  response.setHeader("allow", allowed);
  throw problem(405, "method", "Method not allowed", `${method} is not possible here`, `use ${allowed}`);
}

async function serve(
  options: RouterOptions,
  { endpoint, handle }: Route,
  pathParams: Record<string, string>,
  queryText: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { clock = systemClock } = options;
  const params = checkInput(endpoint.params, pathParams, "path");
  const { principal, named } = await options.gate.admit(request, endpoint.access, pathParams);
  const query = checkInput(endpoint.query, queryOf(queryText), "query");
  const streamed = endpoint.streams?.request !== undefined;
  const maxBytes = endpoint.maxBytes ?? usualBytes;
  const sent = streamed ? undefined : await readJsonBody(request, maxBytes, clock);
  const body = streamed ? undefined : checkInput(endpoint.body, sent?.value, "body");
  if (streamed) request.setTimeout(stalledMs, () => request.destroy());
  const abort = new AbortController();
  // A response that closes before it was finished has nobody who listens.
  response.once("close", () => abort.abort(new Error("the caller has hung up")));
  const call: Call<Endpoint> = {
    ...{ params, query, body, principal, named, request, response },
    signal: abort.signal,
  };
  const work = async () => {
    const answer = await handle(call);
    if (options.checkAnswers && !response.headersSent && endpoint.streams?.answer === undefined) {
      endpoint.answer.parse(answer);
    }
    return { status: endpoint.status ?? 200, body: answer };
  };
  const key = request.headers["idempotency-key"];
  const remembered =
    endpoint.creates === true && typeof key === "string" && options.idempotency !== undefined;
  const answer = remembered
    ? await options.idempotency!.once(principal, checkedKey(key), hashOf(request, sent?.bytes), work)
    : await work();
  if (streamed) request.setTimeout(0);
  if (response.headersSent || response.writableEnded) return;
  writeJson(request, response, answer.status, answer.body);
}

function checkedKey(key: string): string {
  if (/^[\x21-\x7e]{1,200}$/.test(key)) return key;
  throw invalid("idempotency-key", "Idempotency-Key must have 1 to 200 visible ASCII characters");
}

function hashOf(request: IncomingMessage, body: Buffer | undefined): Buffer {
  const hash = createHash("sha256").update(`${request.method} ${request.url}\n`);
  return hash.update(body ?? "").digest();
}

function refuse(
  { log, isAway, clock }: RouterOptions,
  request: IncomingMessage,
  response: ServerResponse,
  error: unknown,
  endpoint: Endpoint | undefined,
): void {
  if (response.destroyed || (request.destroyed && !request.complete)) {
    // Nobody reads it. What was thrown comes of the hanging up, as a rule.
    log.debug({ endpoint: endpoint?.id, error: messageOf(error) }, "a caller hung up");
    response.destroy();
    return;
  }
  const isProblem = error instanceof Problem;
  const away = !isProblem && isAway?.(error) === true;
  const id = isProblem ? "" : randomUUID();
  if (!isProblem) {
    log.error(
      { id, endpoint: endpoint?.id, error: messageOf(error), ...(away ? {} : { stack: stackOf(error) }) },
      away ? "something we need is away" : "a call failed",
    );
  }
  if (response.headersSent) {
    // Half an answer must not look like a whole one.
    response.destroy();
    return;
  }
  if (away) response.setHeader("retry-after", "2");
  const details = isProblem ? error.details : (away ? awayProblem(id) : ourFailure(id)).details;
  writeProblem(request, response, details, clock);
}

function stackOf(error: unknown): string | undefined {
  return error instanceof Error ? error.stack : undefined;
}

function awayProblem(id: string): Problem {
  const detail = `database or store do not answer; the log has more under ${id}`;
  return problem(503, "away", "Not available", detail, "try again in a moment");
}

function ourFailure(id: string): Problem {
  const detail = `the server could not do it; its log has more under ${id}`;
  return problem(
    500,
    "internal",
    "Our failure",
    detail,
    "try again; tell whoever runs this server when it stays",
  );
}
