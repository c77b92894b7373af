// Calls to a Kubernetes API server: JSON in, JSON out, and streams of lines. It knows no kind of object. Answers that say
// no are values with the server's own Status; only a server that cannot be reached or makes no sense is thrown.

import http from "node:http";
import https from "node:https";
import { SlipwayError } from "../core/failure.ts";
import type { ClusterAccess } from "./cluster-access.ts";

/** https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/ */
export interface Status {
  kind: "Status";
  status?: string;
  message?: string;
  reason?: string;
  code?: number;
  details?: {
    name?: string;
    kind?: string;
    retryAfterSeconds?: number;
    causes?: { reason?: string; message?: string; field?: string }[];
  };
}

export type Answer<T> =
  | { ok: true; code: number; body: T /** Texts of `Warning` headers. */; warnings: string[] }
  | {
      ok: false;
      code: number;
      status: Status /** Of 429 and 503, where the server says. Milliseconds. */;
      retryAfterMs?: number;
    };

export interface CallOptions {
  body?: unknown;
  query?: Record<string, string | number | boolean | undefined>;
  /** `application/json` unless told: patches have their own. */
  contentType?: string;
  signal?: AbortSignal;
  /** Milliseconds until the answer must have begun; 30 s unless told. */
  timeoutMs?: number;
}

export interface KubernetesApi extends Disposable {
  readonly namespace: string | undefined;
  /**
   * One call. Throws SlipwayError `cluster-unreachable` where no answer came: whether a change was made is then unknown.
   * It is never repeated here.
   */
  call<T>(method: string, path: string, options?: CallOptions): Promise<Answer<T>>;
  /** A call whose answer is a stream of JSON lines (a watch), each parsed. Ends when the server ends it. */
  lines<T>(path: string, options?: Omit<CallOptions, "body">): Promise<Answer<AsyncIterable<T>>>;
}

const answerMs = 30_000;
/** More than any object or page of a list we ask for. */
const mostBytes = 256 * 2 ** 20;

export function openKubernetesApi(access: ClusterAccess): KubernetesApi {
  return {
    namespace: access.namespace,
    async call<T>(method: string, path: string, options: CallOptions = {}) {
      const response = await send(access, method, path, options);
      const text = await readAll(response);
      return answerOf<T>(response, text);
    },
    async lines<T>(path: string, options: CallOptions = {}) {
      const response = await send(access, "GET", path, options);
      if (response.statusCode !== 200) return answerOf<AsyncIterable<T>>(response, await readAll(response));
      return { ok: true, code: 200, body: linesOf<T>(response), warnings: [] };
    },
    [Symbol.dispose]: () => access[Symbol.dispose](),
  };
}

async function send(
  access: ClusterAccess,
  method: string,
  path: string,
  { body, query = {}, contentType = "application/json", signal, timeoutMs = answerMs }: CallOptions,
): Promise<http.IncomingMessage> {
  const url = new URL(access.server + path);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) url.searchParams.set(name, String(value));
  }
  const authorization = await access.authorization();
  const content =
    body === undefined ? undefined : Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
  const headers = {
    accept: "application/json",
    "user-agent": "slipway",
    ...(authorization === undefined ? {} : { authorization }),
    ...(content === undefined ? {} : { "content-type": contentType, "content-length": content.length }),
  };
  const secure = url.protocol === "https:";
  return new Promise((resolve, reject) => {
    const options = { method, headers, ...(signal === undefined ? {} : { signal }) };
    const request = secure
      ? https.request(url, { ...options, agent: access.agent })
      : http.request(url, options);
    const timer = setTimeout(
      () => request.destroy(new Error(`no answer within ${timeoutMs / 1000} s`)),
      timeoutMs,
    );
    request.on("response", response => {
      clearTimeout(timer);
      resolve(response);
    });
    request.on("error", cause => {
      clearTimeout(timer);
      reject(signal?.aborted ? signal.reason : unreachable(access, cause));
    });
    request.end(content);
  });
}

async function readAll(response: http.IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const part of response as AsyncIterable<Buffer>) {
      bytes += part.length;
      if (bytes > mostBytes) throw new Error(`the answer has more than ${mostBytes} bytes`);
      parts.push(part);
    }
  } catch (cause) {
    throw new SlipwayError("cluster-unreachable", "the answer of the Kubernetes API was cut", { cause });
  }
  return Buffer.concat(parts).toString("utf8");
}

function answerOf<T>(response: http.IncomingMessage, text: string): Answer<T> {
  const code = response.statusCode ?? 0;
  const parsed = parse(text);
  if (code >= 200 && code < 300) return { ok: true, code, body: parsed as T, warnings: warningsOf(response) };
  const status: Status =
    (parsed as Status | undefined)?.kind === "Status"
      ? (parsed as Status)
      : { kind: "Status", message: text.slice(0, 1000), code };
  const seconds = Number(response.headers["retry-after"] ?? status.details?.retryAfterSeconds);
  return { ok: false, code, status, ...(Number.isFinite(seconds) ? { retryAfterMs: seconds * 1000 } : {}) };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** `299 - "text"`, RFC 7234 section 5.5. */
function warningsOf(response: http.IncomingMessage): string[] {
  const header = response.headers.warning;
  const all = Array.isArray(header) ? header.join(", ") : (header ?? "");
  return [...all.matchAll(/\d{3} \S+ "((?:[^"\\]|\\.)*)"/g)].map(match => match[1]!.replace(/\\(.)/g, "$1"));
}

/** Lines as they come; a line that was cut by the connection's end is no line. */
async function* linesOf<T>(response: http.IncomingMessage): AsyncGenerator<T> {
  let held: Buffer[] = [];
  for await (const part of response as AsyncIterable<Buffer>) {
    let from = 0;
    for (let end = part.indexOf(10, from); end !== -1; end = part.indexOf(10, from)) {
      held.push(part.subarray(from, end));
      from = end + 1;
      const line = held.length === 1 ? held[0]! : Buffer.concat(held);
      held = [];
      if (line.length > 0) yield JSON.parse(line.toString("utf8")) as T;
    }
    if (from < part.length) held.push(part.subarray(from));
  }
}

function unreachable(access: ClusterAccess, cause: Error): SlipwayError {
  return new SlipwayError("cluster-unreachable", `the Kubernetes API at ${access.server} does not answer`, {
    cause,
  });
}
