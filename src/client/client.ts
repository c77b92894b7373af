// The typed client of the platform's api: every endpoint of the table is a function. It works in Node and in browsers, and
// needs nothing but `fetch`.

import type { z } from "zod";
import { messageOf, SlipwayError } from "../core/failure.ts";
import type { AnswerOf, Endpoint } from "../endpoints/endpoint.ts";
import type { Endpoints } from "../endpoints/table.ts";
import { type CallShape, callShapes } from "./call-shapes.ts";
import { type EventMessage, readEvents } from "./read-events.ts";

/** What an answer that says no tells: RFC 9457. */
export class ApiProblem extends Error {
  readonly status: number;
  readonly code: string;
  readonly hint: string | undefined;

  constructor(status: number, details: { code?: string; detail?: string; hint?: string }) {
    super(details.detail ?? `the server says ${status}`);
    this.name = "ApiProblem";
    this.status = status;
    this.code = details.code ?? "unknown";
    this.hint = details.hint;
  }
}

export interface ClientOptions {
  /** `https://ci.example.org`. */
  url: string;
  /** Absent in browsers, where a cookie says who calls. */
  token?: string;
  /** Sent with calls that change something, by browsers. */
  csrf?: () => string | undefined;
  fetch?: typeof fetch;
  /** Milliseconds between tries of calls that may be repeated; empty: none are. */
  retryMs?: readonly number[];
  /** A new random text for `Idempotency-Key`. */
  random?: () => string;
}

/** Fields that have a default, or are optional, may be left out. */
type In<S> = S extends z.ZodType ? z.input<S> : never;
type NoKeys = Record<string, never>;
type Part<K extends string, S> =
  In<S> extends undefined | NoKeys
    ? { [P in K]?: In<S> }
    : NoKeys extends In<S>
      ? { [P in K]?: In<S> }
      : { [P in K]: In<S> };

export type CallOf<E> =
  E extends Endpoint<infer P, infer Q, infer B, z.ZodType>
    ? Part<"params", P> &
        Part<"query", Q> &
        Part<"body", B> & { signal?: AbortSignal; headers?: Record<string, string> }
    : never;

type StreamId = {
  [K in keyof Endpoints]: Endpoints[K] extends { streams?: infer S } ? (undefined extends S ? K : K) : never;
}[keyof Endpoints];

export type Calls = {
  [K in keyof Endpoints]: (call: CallOf<Endpoints[K]>) => Promise<AnswerOf<Endpoints[K]>>;
};

export interface StreamAnswer {
  status: number;
  headers: Headers;
  body: AsyncIterable<Uint8Array>;
}

export interface Client extends Calls {
  /** A call whose answer is no JSON. Throws like the others where the answer says no. */
  stream<K extends StreamId>(id: K, call: CallOf<Endpoints[K]>): Promise<StreamAnswer>;
  /** Sends a stream and reads a JSON answer. */
  send<K extends StreamId>(
    id: K,
    call: CallOf<Endpoints[K]> & { content: ReadableStream<Uint8Array> },
  ): Promise<AnswerOf<Endpoints[K]>>;
  /** Server-sent events, taken up again after a lost connection until the server ends them. */
  events<K extends StreamId>(id: K, call: CallOf<Endpoints[K]>): AsyncIterable<EventMessage>;
}

/** Calls throw `ApiProblem` for an answer that says no, and SlipwayError `server-unreachable` where none came. */
export function createClient(options: ClientOptions): Client {
  const calls = Object.fromEntries(
    Object.entries(callShapes).map(([id, shape]) => [
      id,
      (call: AnyCall) => callJson(options, shape as CallShape, call),
    ]),
  );
  const byId = (id: keyof Endpoints): CallShape => callShapes[id];
  return Object.assign(calls as unknown as Calls, {
    stream: async (id: keyof Endpoints, call: AnyCall) => {
      const response = await request(options, byId(id), call);
      return { status: response.status, headers: response.headers, body: bodyOf(response) };
    },
    send: async (
      id: keyof Endpoints,
      { content, ...call }: AnyCall & { content: ReadableStream<Uint8Array> },
    ) => {
      const response = await request(options, byId(id), call, content);
      return response.status === 204 ? undefined : response.json();
    },
    events: (id: keyof Endpoints, call: AnyCall) =>
      readEvents(lastId => {
        const headers = { ...call.headers, ...(lastId === undefined ? {} : { "last-event-id": lastId }) };
        return request(options, byId(id), { ...call, headers });
      }, call.signal),
  }) as Client;
}

interface AnyCall {
  params?: Record<string, unknown>;
  query?: Record<string, unknown>;
  body?: unknown;
  signal?: AbortSignal;
  headers?: Record<string, string>;
}

async function callJson(options: ClientOptions, endpoint: CallShape, call: AnyCall): Promise<unknown> {
  // The same key in every try: a create whose answer was lost is not done twice.
  const key: Record<string, string> =
    endpoint.creates === true ? { "idempotency-key": (options.random ?? (() => crypto.randomUUID()))() } : {};
  const repeatable = endpoint.method === "GET" || endpoint.creates === true;
  const waits = repeatable ? (options.retryMs ?? [300, 1500]) : [];
  for (let tries = 0; ; tries++) {
    try {
      const response = await request(options, endpoint, { ...call, headers: { ...key, ...call.headers } });
      return response.status === 204 ? undefined : await response.json();
    } catch (error) {
      const wait = waits[tries];
      const passing =
        error instanceof SlipwayError ||
        (error instanceof ApiProblem && [502, 503, 504].includes(error.status));
      if (wait === undefined || !passing || call.signal?.aborted) throw error;
      await new Promise(resolve => setTimeout(resolve, wait));
    }
  }
}

async function request(
  options: ClientOptions,
  endpoint: CallShape,
  call: AnyCall,
  content?: ReadableStream<Uint8Array>,
): Promise<Response> {
  const url = addressOf(options.url, endpoint, call);
  const csrf = endpoint.method === "GET" ? undefined : options.csrf?.();
  const headers = {
    accept: endpoint.answer ?? "application/json",
    ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
    ...(csrf === undefined ? {} : { "x-slipway-csrf": csrf }),
    ...(call.body === undefined ? {} : { "content-type": "application/json" }),
    ...(content === undefined ? {} : { "content-type": endpoint.request ?? "application/octet-stream" }),
    ...call.headers,
  };
  const body = content ?? (call.body === undefined ? null : JSON.stringify(call.body));
  let response: Response;
  try {
    response = await (options.fetch ?? fetch)(url, {
      ...{ method: endpoint.method, headers, body },
      ...(call.signal === undefined ? {} : { signal: call.signal }),
      ...(content === undefined ? {} : { duplex: "half" }),
    });
  } catch (cause) {
    if (call.signal?.aborted) throw call.signal.reason;
    throw new SlipwayError(
      "server-unreachable",
      `the server at ${options.url} does not answer: ${messageOf(cause)}`,
      {
        cause,
        hint: "check the address and that the server runs",
      },
    );
  }
  if (response.ok || response.status === 304) return response;
  throw new ApiProblem(response.status, await problemOf(response));
}

function addressOf(base: string, endpoint: CallShape, { params = {}, query = {} }: AnyCall): string {
  const path = endpoint.path.replace(/\{(\w+)(\.\.\.)?\}/g, (_, name: string, rest?: string) => {
    const value = String(params[name]);
    return rest === undefined
      ? encodeURIComponent(value)
      : value.split("/").map(encodeURIComponent).join("/");
  });
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, String(value));
  const text = search.toString();
  return `${base.replace(/\/+$/, "")}/api/v1${path}${text === "" ? "" : `?${text}`}`;
}

async function problemOf(response: Response): Promise<{ code?: string; detail?: string; hint?: string }> {
  const text = await response.text().catch(() => "");
  try {
    const details: unknown = JSON.parse(text);
    if (typeof details === "object" && details !== null) return details;
  } catch {
    // Something between us and the server has answered.
  }
  return { detail: `the server says ${response.status}: ${text.slice(0, 200)}` };
}

async function* bodyOf(response: Response): AsyncGenerator<Uint8Array> {
  if (response.body !== null) yield* response.body as unknown as AsyncIterable<Uint8Array>;
}
