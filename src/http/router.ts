// Serves routes: finds the endpoint, decides access before it reads a body, validates what came, calls the handler, and
// writes what it answers or what it throws. Everything an endpoint's declaration promises is kept here and nowhere else.

import { createHash, randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { z } from "zod";
import { messageOf } from "../core/failure.ts";
import type { Access, Endpoint } from "../endpoints/endpoint.ts";
import type { HttpLog, RequestHandler } from "./handler.ts";
import { createPathTree } from "./path-match.ts";
import { invalid, notFound, Problem, problem } from "./problem.ts";
import { readJsonBody } from "./read-body.ts";
import type { Call, Named, Principal, Route } from "./route.ts";
import { writeJson, writeProblem } from "./write-answer.ts";

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
  /** Checks what handlers answer, too; for tests. */
  checkAnswers?: boolean;
  /** Hears of every answered call. */
  answered?(endpoint: Endpoint, status: number, seconds: number): void;
}

const prefix = "/api/v1";
const usualBytes = 2 ** 20;

export function createRouter(options: RouterOptions): RequestHandler {
  const tree = createPathTree<Route>();
  for (const route of options.routes) tree.add(route.endpoint.method, route.endpoint.path, route);
  return async (request, response) => {
    const url = new URL(request.url ?? "/", "http://slipway");
    if (url.pathname !== prefix && !url.pathname.startsWith(`${prefix}/`)) return false;
    const began = performance.now();
    let endpoint: Endpoint | undefined;
    try {
      const { route, params } = find(tree, request, response, url.pathname.slice(prefix.length));
      endpoint = route.endpoint;
      await serve(options, route, params, url, request, response);
    } catch (error) {
      refuse(options, request, response, error, endpoint);
    }
    if (endpoint !== undefined) {
      options.answered?.(endpoint, response.statusCode, (performance.now() - began) / 1000);
    }
    return true;
  };
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
  url: URL,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const params = checked(endpoint.params, pathParams, "path");
  const { principal, named } = await options.gate.admit(request, endpoint.access, pathParams);
  const query = checked(endpoint.query, queryOf(url), "query");
  const streamed = endpoint.streams?.request !== undefined;
  const sent = streamed ? undefined : await readJsonBody(request, endpoint.maxBytes ?? usualBytes);
  const body = streamed ? undefined : checked(endpoint.body, sent?.value, "body");
  const abort = new AbortController();
  // A response that closes before it was finished has nobody who listens.
  response.once("close", () => abort.abort(new Error("the caller has hung up")));
  const call: Call<Endpoint> = {
    params,
    query,
    body,
    principal,
    named,
    request,
    response,
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
  if (response.headersSent || response.writableEnded) return;
  writeJson(request, response, answer.status, answer.body);
}

/** Repeated names are refused: which of them counts would be a guess. */
function queryOf(url: URL): Record<string, string> {
  const query: Record<string, string> = {};
  for (const [name, value] of url.searchParams) {
    if (Object.hasOwn(query, name))
      throw invalid("query", `"${name.slice(0, 100)}" stands twice in the query`);
    query[name] = value;
  }
  return query;
}

function checked<S extends z.ZodType>(schema: S, value: unknown, where: string): z.output<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.slice(0, 20).map(issue => ({
    path: [where, ...issue.path.map(String)].join("."),
    message: issue.message,
  }));
  throw new Problem({
    status: where === "path" ? 404 : 422,
    code: where === "path" ? "not-found" : "validation",
    title: where === "path" ? "Not found" : "Not acceptable as it is",
    detail: problems
      .map(({ path, message }) => `${path}: ${message}`)
      .join("; ")
      .slice(0, 1000),
    problems,
  });
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
  { log }: RouterOptions,
  request: IncomingMessage,
  response: ServerResponse,
  error: unknown,
  endpoint: Endpoint | undefined,
): void {
  if (response.headersSent) {
    // Half an answer must not look like a whole one.
    response.destroy();
    return;
  }
  if (error instanceof Problem) {
    writeProblem(request, response, error.details);
    return;
  }
  if (request.destroyed && !request.complete) {
    response.destroy();
    return;
  }
  const id = randomUUID();
  log.error(
    { id, endpoint: endpoint?.id, error: messageOf(error), stack: (error as Error).stack },
    "a call failed",
  );
  const detail = `the server could not do it; its log has more under ${id}`;
  writeProblem(request, response, {
    status: 500,
    code: "internal",
    title: "Our failure",
    detail,
    hint: "try again; tell whoever runs this server when it stays",
  });
}
