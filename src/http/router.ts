// Serves routes: finds the endpoint, decides access before it reads a body, validates what came, calls the handler, and
// writes what it answers or what it throws. Everything an endpoint's declaration promises is kept here and nowhere else.

import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Access, Endpoint } from "../endpoints/endpoint.ts";
import { type Clock, systemClock } from "../lib/clock.ts";
import { checkInput, queryOf } from "./check-input.ts";
import type { HttpLog, RequestHandler } from "./handler.ts";
import { countOpenStreams, type OpenStreams } from "./open-streams.ts";
import { createPathTree } from "./path-match.ts";
import { invalid, notFound, problem } from "./problem.ts";
import { readJsonBody } from "./read-body.ts";
import { refuseCall } from "./refuse-call.ts";
import type { Call, Named, Principal, Route } from "./route.ts";
import { guards, writeJson } from "./write-answer.ts";

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
  /** Whether it means that something else was faster: the answer is 409. */
  isOvertaken?(error: unknown): boolean;
  /** Bounds what each caller holds open. */
  openStreams?: OpenStreams;
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
  const bounded = { ...options, openStreams: options.openStreams ?? countOpenStreams() };
  return async (request, response) => {
    const [path, query] = splitUrl(request.url ?? "");
    if (path !== prefix && !path.startsWith(`${prefix}/`)) return false;
    const began = performance.now();
    // Also for those who write the head of their answer themselves.
    for (const [name, value] of Object.entries(guards)) response.setHeader(name, value);
    let endpoint: Endpoint | undefined;
    let about: Record<string, unknown> = {};
    try {
      const { route, params } = find(tree, request, response, path.slice(prefix.length));
      endpoint = route.endpoint;
      about = aboutCall(endpoint, params);
      await serve(bounded, route, params, query, request, response);
    } catch (error) {
      refuseCall(options, request, response, error, about);
    }
    if (endpoint !== undefined) {
      const seconds = (performance.now() - began) / 1000;
      options.answered?.(endpoint, response.statusCode, seconds);
      options.log.debug({ ...about, status: response.statusCode, seconds }, "a call was answered");
    }
    return true;
  };
}

/** What lines of the log say of a call. */
function aboutCall({ id }: Endpoint, { run, job, attempt }: Record<string, string>): Record<string, unknown> {
  return {
    endpoint: id,
    ...(run === undefined ? {} : { run }),
    ...(job === undefined ? {} : { job }),
    ...(attempt === undefined ? {} : { attempt }),
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
  options: RouterOptions & { openStreams: OpenStreams },
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
  if (endpoint.streams?.answer === "text/event-stream") options.openStreams.take(principal, response);
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
