// Calls to a Kubernetes API server: JSON in, JSON out, and streams of lines. It knows no kind of object. Answers that say
// no are values with the server's own Status; only a server that cannot be reached or makes no sense is thrown.

import http from "node:http";
import https from "node:https";
import { SlipwayError } from "../core/failure.ts";
import type { ClusterAccess } from "./cluster-access.ts";
import { parseSlim } from "./parse-slim.ts";

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
  /**
   * Of an object that is answered only kind and metadata, without all the rest that a create sends back, and without
   * `managedFields`.
   * https://kubernetes.io/docs/reference/using-api/api-concepts/#alternate-representations-of-resources
   */
  metadataOnly?: boolean;
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
  /** A call whose answer is a stream of JSON lines (a watch), each parsed, without `managedFields`. Ends when the server ends it. */
  lines<T>(path: string, options?: Omit<CallOptions, "body">): Promise<Answer<AsyncIterable<T>>>;
}

const answerMs = 30_000;
/** More than any object or page of a list we ask for. */
const mostBytes = 256 * 2 ** 20;

export function openKubernetesApi(access: ClusterAccess): KubernetesApi {
  const server = serverOf(access);
  return {
    namespace: access.namespace,
    async call<T>(method: string, path: string, options: CallOptions = {}) {
      const response = await send(server, method, path, options);
      const text = await readAll(response);
      return answerOf<T>(response, text, options.metadataOnly === true ? parseSlim : JSON.parse);
    },
    async lines<T>(path: string, options: CallOptions = {}) {
      const response = await send(server, "GET", path, options);
      if (response.statusCode !== 200) return answerOf(response, await readAll(response), JSON.parse);
      return { ok: true, code: 200, body: linesOf<T>(response), warnings: [] };
    },
    [Symbol.dispose]: () => access[Symbol.dispose](),
  };
}

/** What is the same in all calls to a server. */
interface Server {
  access: ClusterAccess;
  request: typeof https.request;
  options: https.RequestOptions;
  /** Before each path; a server may stand below one of its own. */
  prefix: string;
}

function serverOf(access: ClusterAccess): Server {
  const { protocol, hostname, port, pathname } = new URL(access.server);
  const secure = protocol === "https:";
  return {
    access,
    request: secure ? https.request : http.request,
    options: {
      protocol,
      // Of an IPv6 address a URL has the brackets too.
      hostname: hostname.replace(/^\[(.*)\]$/, "$1"),
      ...(port === "" ? {} : { port }),
      ...(secure ? { agent: access.agent } : {}),
    },
    prefix: pathname === "/" ? "" : pathname,
  };
}

const metadataType = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";

async function send(
  { access, request: open, options, prefix }: Server,
  method: string,
  path: string,
  { body, query, contentType = "application/json", metadataOnly, signal, timeoutMs = answerMs }: CallOptions,
): Promise<http.IncomingMessage> {
  const authorization = await access.authorization();
  // A text, not bytes: it goes out in one write with its headers.
  const content = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
  const headers: http.OutgoingHttpHeaders = {
    accept: metadataOnly === true ? metadataType : "application/json",
    "user-agent": "slipway",
    ...(authorization === undefined ? {} : { authorization }),
    ...(content === undefined
      ? {}
      : { "content-type": contentType, "content-length": Buffer.byteLength(content) }),
  };
  return new Promise((resolve, reject) => {
    const own = { method, path: prefix + targetOf(path, query), headers };
    const request = open({ ...options, ...own, ...(signal === undefined ? {} : { signal }) });
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

/** Path and query as they are sent. Most paths are so plain that nothing has to be escaped. */
function targetOf(path: string, query: CallOptions["query"]): string {
  if (query === undefined && /^[\w./-]*$/.test(path)) return path;
  const url = new URL(`http://server${path}`);
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined) url.searchParams.set(name, String(value));
  }
  return url.pathname + url.search;
}

/** By its events: an iterator over each small answer costs more than all the rest of reading it. */
function readAll(response: http.IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  return new Promise((resolve, reject) => {
    const cut = (cause: Error) =>
      reject(new SlipwayError("cluster-unreachable", "the answer of the Kubernetes API was cut", { cause }));
    response.on("data", (part: Buffer) => {
      bytes += part.length;
      if (bytes > mostBytes) response.destroy(new Error(`the answer has more than ${mostBytes} bytes`));
      else parts.push(part);
    });
    response.on("end", () =>
      resolve((parts.length === 1 ? parts[0]! : Buffer.concat(parts)).toString("utf8")),
    );
    response.on("error", cut);
    response.on("close", () => {
      if (!response.complete) cut(new Error("the connection was closed"));
    });
  });
}

function answerOf<T>(
  response: http.IncomingMessage,
  text: string,
  read: (text: string) => unknown,
): Answer<T> {
  const code = response.statusCode ?? 0;
  const parsed = parsedBy(read, text);
  if (code >= 200 && code < 300) return { ok: true, code, body: parsed as T, warnings: warningsOf(response) };
  const status: Status =
    (parsed as Status | undefined)?.kind === "Status"
      ? (parsed as Status)
      : { kind: "Status", message: text.slice(0, 1000), code };
  const seconds = Number(response.headers["retry-after"] ?? status.details?.retryAfterSeconds);
  return { ok: false, code, status, ...(Number.isFinite(seconds) ? { retryAfterMs: seconds * 1000 } : {}) };
}

function parsedBy(read: (text: string) => unknown, text: string): unknown {
  try {
    return read(text);
  } catch {
    return undefined;
  }
}

/** `299 - "text"`, RFC 7234 section 5.5. */
function warningsOf(response: http.IncomingMessage): string[] {
  const header = response.headers.warning;
  if (header === undefined) return [];
  const all = Array.isArray(header) ? header.join(", ") : header;
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
      if (line.length > 0) yield parseSlim(line.toString("utf8")) as T;
    }
    if (from < part.length) held.push(part.subarray(from));
  }
}

function unreachable(access: ClusterAccess, cause: Error): SlipwayError {
  return new SlipwayError("cluster-unreachable", `the Kubernetes API at ${access.server} does not answer`, {
    cause,
  });
}
