// The typed client of the platform's api: every endpoint of the table is a function. It works in Node and in browsers, and
// needs nothing but `fetch`.

import type { z } from "zod";
import { messageOf, SlipwayError } from "../core/failure.ts";
import { reveal, type Secret } from "../core/secret.ts";
import type { AnswerOf, Endpoint } from "../endpoints/endpoint.ts";
import type { Endpoints } from "../endpoints/table.ts";
import { type Clock, systemClock } from "../lib/clock.ts";
import { pauseOrThrow } from "../lib/pause.ts";
import { isPassing, problemOf } from "./api-problem.ts";
import { type CallShape, callShapes } from "./call-shapes.ts";
import { type EventMessage, readEvents } from "./read-events.ts";

export { SlipwayError } from "../core/failure.ts";
export { Secret } from "../core/secret.ts";
export { ApiProblem } from "./api-problem.ts";
export type { EventMessage } from "./read-events.ts";

export interface ClientOptions {
  /** `https://ci.example.org`. */
  url: string;
  /** Absent in browsers, where a cookie says who calls. */
  token?: string | Secret;
  /** Sent with calls that change something, by browsers. */
  csrf?: () => string | undefined;
  /** Also the way to certificates and proxies of one's own. */
  fetch?: typeof fetch;
  /** Milliseconds between tries of calls that may be repeated; empty: none are. */
  retryMs?: readonly number[];
  /** A new random text for `Idempotency-Key`. */
  random?: () => string;
  clock?: Clock;
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

/** Endpoints whose request (`request`) or answer (`answer`) is no JSON. */
type StreamId<Side extends "request" | "answer"> = {
  [K in keyof typeof callShapes]: (typeof callShapes)[K] extends Record<Side, string> ? K : never;
}[keyof typeof callShapes];

export type Calls = {
  [K in keyof Endpoints]: (call: CallOf<Endpoints[K]>) => Promise<AnswerOf<Endpoints[K]>>;
};

export interface StreamAnswer {
  status: number;
  headers: Headers;
  /** To be read to its end, or left by `break`: the connection is held for it. */
  body: AsyncIterable<Uint8Array>;
}

export interface Client extends Calls {
  /** A call whose answer is no JSON. Throws like the others where the answer says no. */
  stream<K extends StreamId<"answer">>(id: K, call: CallOf<Endpoints[K]>): Promise<StreamAnswer>;
  /** Sends a stream and reads a JSON answer. Never repeated: the stream is gone. */
  send<K extends StreamId<"request">>(
    id: K,
    call: CallOf<Endpoints[K]> & { content: ReadableStream<Uint8Array> },
  ): Promise<AnswerOf<Endpoints[K]>>;
  /** Server-sent events, taken up again after a lost connection until the server ends them. */
  events<K extends StreamId<"answer">>(id: K, call: CallOf<Endpoints[K]>): AsyncIterable<EventMessage>;
}

/**
 * Calls throw `ApiProblem` for an answer that says no, and SlipwayError: `server-unreachable` where none came,
 * `no-slipway` where something else answers at the address.
 */
export function createClient(options: ClientOptions): Client {
  const calls = Object.fromEntries(
    Object.entries(callShapes).map(([id, shape]) => [
      id,
      (call: AnyCall = {}) => callJson(options, shape as CallShape, call),
    ]),
  );
  const byId = (id: keyof Endpoints): CallShape => callShapes[id];
  const { clock = systemClock } = options;
  return Object.assign(calls as unknown as Calls, {
    stream: async (id: keyof Endpoints, call: AnyCall) => {
      const response = await request(options, byId(id), call);
      return { status: response.status, headers: response.headers, body: bodyOf(response) };
    },
    send: async (
      id: keyof Endpoints,
      { content, ...call }: AnyCall & { content: ReadableStream<Uint8Array> },
    ) => jsonOf(options, await request(options, byId(id), call, content), call.signal),
    events: (id: keyof Endpoints, call: AnyCall) =>
      readEvents(
        lastId => {
          const headers = { ...call.headers, ...(lastId === undefined ? {} : { "last-event-id": lastId }) };
          return request(options, byId(id), { ...call, headers });
        },
        call.signal,
        clock,
      ),
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
      return await jsonOf(options, response, call.signal);
    } catch (error) {
      const wait = waits[tries];
      const passing = isPassing(error) || isUnreachable(error);
      if (wait === undefined || !passing || call.signal?.aborted) throw error;
      await pauseOrThrow(options.clock ?? systemClock, wait, call.signal);
    }
  }
}

async function request(
  options: ClientOptions,
  endpoint: CallShape,
  call: AnyCall,
  content?: ReadableStream<Uint8Array>,
): Promise<Response> {
  const csrf = endpoint.method === "GET" ? undefined : options.csrf?.();
  const headers = {
    accept: endpoint.answer ?? "application/json",
    ...(options.token === undefined ? {} : { authorization: `Bearer ${reveal(options.token)}` }),
    ...(csrf === undefined ? {} : { "x-slipway-csrf": csrf }),
    ...(call.body === undefined ? {} : { "content-type": "application/json" }),
    ...(content === undefined ? {} : { "content-type": endpoint.request ?? "application/octet-stream" }),
    ...call.headers,
  };
  const body = content ?? (call.body === undefined ? null : JSON.stringify(call.body));
  const url = addressOf(options.url, endpoint, call);
  let response: Response;
  try {
    response = await (options.fetch ?? fetch)(url, {
      ...{ method: endpoint.method, headers, body },
      ...(call.signal === undefined ? {} : { signal: call.signal }),
      ...(content === undefined ? {} : { duplex: "half" }),
    });
  } catch (cause) {
    throw call.signal?.aborted ? call.signal.reason : unreachable(options, cause);
  }
  if (response.ok || response.status === 304) return response;
  throw await problemOf(response);
}

/** Throws SlipwayError `no-slipway` for an answer that the api does not give. */
async function jsonOf(
  { url, ...options }: ClientOptions,
  response: Response,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  if (response.status === 204) return undefined;
  const text = await response.text().catch(cause => {
    throw signal?.aborted ? signal.reason : unreachable({ url, ...options }, cause);
  });
  try {
    return JSON.parse(text);
  } catch {
    throw new SlipwayError("no-slipway", `what answers at ${url} is no Slipway server`, {
      hint: "check the address",
    });
  }
}

function unreachable({ url }: ClientOptions, cause: unknown): SlipwayError {
  return new SlipwayError("server-unreachable", `the server at ${url} does not answer: ${messageOf(cause)}`, {
    cause,
    hint: "check the address and that the server runs",
  });
}

function isUnreachable(error: unknown): boolean {
  return error instanceof SlipwayError && error.code === "server-unreachable";
}

function addressOf(base: string, endpoint: CallShape, { params = {}, query = {} }: AnyCall): string {
  const path = endpoint.path.replace(/\{(\w+)(\.\.\.)?\}/g, (_, name: string, rest?: string) => {
    const value = String(params[name]);
    return rest === undefined ? pathPart(value) : value.split("/").map(pathPart).join("/");
  });
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, String(value));
  const text = search.toString();
  return `${base.replace(/\/+$/, "")}/api/v1${path}${text === "" ? "" : `?${text}`}`;
}

/** `fetch` would resolve `.` and `..`, also as `%2e`: no thing is called so. */
function pathPart(value: string): string {
  if (value === "." || value === ".." || value === "") {
    throw new SlipwayError("address", `"${value}" cannot stand in the path of a call`);
  }
  return encodeURIComponent(value);
}

async function* bodyOf(response: Response): AsyncGenerator<Uint8Array> {
  const reader = response.body?.getReader();
  if (reader === undefined) return;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
