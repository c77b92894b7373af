// HTTP of the runner: a thin client over `node:http` with connections that stay open. It loads in a millisecond, which
// no general client does. It knows neither keys nor what is to be repeated.

import type * as Http from "node:http";
import type { Clock } from "../lib/clock.ts";

export interface HttpRequest {
  method: "GET" | "POST" | "PUT";
  /** Below `/runner/v1/`, with the query. */
  path: string;
  headers?: Record<string, string>;
  /** Buffers are sent as they are, one after the other; a stream comes with its length. */
  body?: readonly Uint8Array[] | { length: number; open(): AsyncIterable<Uint8Array> };
  /** Without an answer, or a further byte of it, for so long the request is broken off. Milliseconds. */
  silenceMs: number;
  signal: AbortSignal;
}

export interface HttpAnswer {
  status: number;
  headers: Http.IncomingHttpHeaders;
  /** To be read to its end, or destroyed. */
  body: Http.IncomingMessage;
}

/** Thrown where the same request may be answered the next time. */
export class Repeat extends Error {
  /** Not before so long. Milliseconds. */
  readonly afterMs: number;

  constructor(message: string, afterMs = 0) {
    super(message);
    this.name = "Repeat";
    this.afterMs = afterMs;
  }
}

export interface RunnerHttp extends Disposable {
  /** Throws what the network says, a time-out, and the signal's reason. */
  request(request: HttpRequest): Promise<HttpAnswer>;
}

export interface RunnerHttpOptions {
  /** Of the runner listener, without a path. */
  url: string;
  /** Certificates in PEM that are trusted beside the usual ones. */
  ca?: string;
  clock: Clock;
}

// An `import` of it would look at every name that it has, and one of them loads a whole second HTTP client.
const http: typeof Http = process.getBuiltinModule("node:http");

/** Enough for events, log, heartbeat, the open poll and a few blobs side by side. */
const connections = { keepAlive: true, keepAliveMsecs: 10_000, maxSockets: 16 };

/** Opens nothing before the first request. */
export function openRunnerHttp({ url, ca, clock }: RunnerHttpOptions): RunnerHttp {
  const base = new URL(url);
  const secure = base.protocol === "https:";
  const agent = secure ? secureAgent(ca) : new http.Agent(connections);
  const start = secure ? process.getBuiltinModule("node:https").request : http.request;
  return {
    request: wanted =>
      new Promise((resolve, reject) => {
        wanted.signal.throwIfAborted();
        const { method, path, headers, body, signal } = wanted;
        const request = start({
          protocol: base.protocol,
          hostname: base.hostname.replace(/^\[|\]$/g, ""),
          port: base.port,
          method,
          path: `/runner/v1/${path}`,
          headers: { ...headers, ...lengthOf(wanted) },
          agent,
        });
        const silence = watchSilence(wanted.silenceMs, clock, error => request.destroy(error));
        const onAbort = () => request.destroy(signal.reason as Error);
        signal.addEventListener("abort", onAbort, { once: true });
        request.on("error", error => reject(signal.aborted ? signal.reason : error));
        request.on("close", () => {
          silence.stop();
          signal.removeEventListener("abort", onAbort);
          reject(signal.aborted ? signal.reason : new Repeat("the connection was closed without an answer"));
        });
        request.on("response", answer => {
          silence.note();
          answer.on("data", silence.note);
          answer.pause();
          // An error of the stream is told to whoever reads it; nobody else may fall over it.
          answer.on("error", () => undefined);
          resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: answer });
        });
        void send(request, body, silence.note).catch((error: unknown) => request.destroy(error as Error));
      }),
    [Symbol.dispose]() {
      agent.destroy();
    },
  };
}

function secureAgent(ca: string | undefined): Http.Agent {
  const { Agent } = process.getBuiltinModule("node:https");
  const { rootCertificates } = process.getBuiltinModule("node:tls");
  return new Agent({ ...connections, ...(ca === undefined ? {} : { ca: [...rootCertificates, ca] }) });
}

function lengthOf({ body }: HttpRequest): Record<string, string> {
  if (body === undefined) return {};
  const length = "open" in body ? body.length : body.reduce((sum, part) => sum + part.length, 0);
  return { "content-length": String(length) };
}

async function send(request: Http.ClientRequest, body: HttpRequest["body"], note: () => void): Promise<void> {
  if (body !== undefined && "open" in body) {
    for await (const part of body.open()) {
      note();
      if (request.destroyed) return;
      if (!request.write(part)) await drained(request);
    }
  } else if (body !== undefined) {
    request.cork();
    for (const part of body) request.write(part);
  }
  request.end();
}

function drained(request: Http.ClientRequest): Promise<void> {
  return new Promise(resolve => {
    const done = () => {
      request.off("drain", done).off("close", done);
      resolve();
    };
    request.on("drain", done).on("close", done);
  });
}

/** Calls `late` when nothing was noted for `ms`. */
function watchSilence(ms: number, clock: Clock, late: (error: Error) => void) {
  let last = clock.monotonic();
  let stop = clock.after(ms, look);
  function look(): void {
    const left = ms - (clock.monotonic() - last);
    if (left <= 0) late(new Repeat(`no answer within ${ms / 1000} s`));
    else stop = clock.after(left, look);
  }
  return {
    note: () => {
      last = clock.monotonic();
    },
    stop: () => stop(),
  };
}
