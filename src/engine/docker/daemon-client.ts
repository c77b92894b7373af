// A thin client of the Docker Engine API: JSON calls, bodies that stream in both directions, and connections that
// the daemon hands over (attach, exec). It knows HTTP, not containers. One connection per call: a local socket costs
// a tenth of a millisecond, and none is ever reused after the daemon has closed it.

import { type ClientRequest, request as httpRequest, type IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { SlipwayError } from "../../core/failure.ts";
import { type DaemonAddress, type Dial, daemonAddressText, dialer } from "./daemon-address.ts";

export interface DaemonCall {
  method: "GET" | "HEAD" | "POST" | "PUT" | "DELETE";
  /** Without the version, segments already encoded: `/containers/create`. */
  path: string;
  /** Undefined values are left out; a list is the parameter several times. */
  query?: Record<string, string | number | boolean | string[] | undefined>;
  headers?: Record<string, string>;
  /** Sent as JSON. */
  json?: unknown;
  /** Sent as it comes. Exclusive with `json`. */
  upload?: AsyncIterable<Uint8Array>;
  /** Breaks the call off; its reason is thrown. Do not use it on calls that create something. */
  signal?: AbortSignal;
}

export interface DaemonInfo {
  product: "docker" | "podman";
  /** The version that calls are made in. */
  apiVersion: string;
  address: DaemonAddress;
}

/** One daemon. Throws `DaemonError` where it answers no, `SlipwayError` `daemon-unreachable` where it does not answer. */
export interface DaemonClient {
  readonly info: DaemonInfo;
  /** Reads the whole answer as JSON; undefined when it is empty. */
  call<T = unknown>(call: DaemonCall): Promise<T>;
  /** A good answer whose body is read as it arrives. */
  open(call: DaemonCall): Promise<OpenAnswer>;
  /** The raw connection after the daemon has handed it over. The caller ends it. */
  hijack(call: DaemonCall): Promise<Duplex>;
}

/** Iterate the body to its end, break out of it, or close it. */
export interface OpenAnswer {
  headers: IncomingMessage["headers"];
  body: AsyncIterable<Uint8Array>;
  close(): void;
}

/** The daemon's own no. */
export class DaemonError extends SlipwayError {
  readonly status: number;
  /** What the daemon said, alone. */
  readonly text: string;
  readonly headers: IncomingMessage["headers"];

  constructor(status: number, message: string, call: DaemonCall, headers: IncomingMessage["headers"] = {}) {
    super("daemon-error", `the container daemon refused ${call.method} ${call.path}: ${message}`);
    this.name = "DaemonError";
    this.status = status;
    this.text = message;
    this.headers = headers;
  }
}

/** The newest version whose behaviour this client was written for. */
const newestVersion = "1.51";
/** Where a ping does not say. */
const oldestVersion = "1.40";

/** Asks the daemon who it is. `timeoutMs` bounds the asking, not later calls. */
export async function connectDaemon(address: DaemonAddress, timeoutMs = 5_000): Promise<DaemonClient> {
  const dial = await dialer(address);
  const ping: DaemonCall = { method: "GET", path: "/_ping", signal: AbortSignal.timeout(timeoutMs) };
  const answer = await exchange(dial, address, "", ping);
  await readAll(answer);
  const { headers } = answer;
  const offered = headers["api-version"];
  const podman = headers["libpod-api-version"] !== undefined || /libpod/i.test(String(headers.server ?? ""));
  const info: DaemonInfo = {
    product: podman ? "podman" : "docker",
    apiVersion: typeof offered === "string" ? lowerVersion(offered, newestVersion) : oldestVersion,
    address,
  };
  const prefix = `/v${info.apiVersion}`;
  return {
    info,
    async call<T>(call: DaemonCall): Promise<T> {
      const answer = await exchange(dial, address, prefix, call);
      const text = (await readAll(bodyOf(answer, address, call))).toString("utf8");
      return (text.trim() === "" ? undefined : JSON.parse(text)) as T;
    },
    async open(call) {
      const answer = await exchange(dial, address, prefix, call);
      return {
        headers: answer.headers,
        body: bodyOf(answer, address, call),
        close: () => {
          answer.destroy();
        },
      };
    },
    hijack: call => takeOver(dial, address, prefix, call),
  };
}

/** The lower of two versions of the form `1.41`. */
export function lowerVersion(a: string, b: string): string {
  const [majorA = 0, minorA = 0] = a.split(".").map(Number);
  const [majorB = 0, minorB = 0] = b.split(".").map(Number);
  return majorA < majorB || (majorA === majorB && minorA <= minorB) ? a : b;
}

function prepare(dial: Dial, prefix: string, call: DaemonCall, extra: Record<string, string>): ClientRequest {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(call.query ?? {})) {
    if (value === undefined) continue;
    for (const each of Array.isArray(value) ? value : [value]) parameters.append(name, String(each));
  }
  const search = parameters.toString();
  const headers: Record<string, string> = { host: "docker", ...call.headers, ...extra };
  const body = call.json === undefined ? undefined : Buffer.from(JSON.stringify(call.json));
  if (body !== undefined) {
    headers["content-type"] = "application/json";
    headers["content-length"] = String(body.length);
  } else if (call.upload !== undefined) {
    headers["content-type"] ??= "application/x-tar";
    headers["transfer-encoding"] = "chunked";
  } else if (call.method !== "GET" && call.method !== "HEAD") {
    headers["content-length"] = "0";
  }
  const request = httpRequest({
    method: call.method,
    path: `${prefix}${call.path}${search === "" ? "" : `?${search}`}`,
    headers,
    createConnection: () => dial(),
    ...(call.signal === undefined ? {} : { signal: call.signal }),
  });
  if (body !== undefined) request.end(body);
  else if (call.upload === undefined) request.end();
  return request;
}

/** The body, with the connection's end told as what it is. */
async function* bodyOf(
  answer: IncomingMessage,
  address: DaemonAddress,
  call: DaemonCall,
): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of answer) yield chunk as Uint8Array;
  } catch (error) {
    throw translated(error, address, call);
  }
}

/** One call up to the head of a good answer. */
async function exchange(
  dial: Dial,
  address: DaemonAddress,
  prefix: string,
  call: DaemonCall,
): Promise<IncomingMessage> {
  call.signal?.throwIfAborted();
  const request = prepare(dial, prefix, call, {});
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    request.once("response", resolve);
    // Stays for the life of the request: a write may fail after the daemon has answered and hung up.
    request.on("error", reject);
  });
  const uploaded = call.upload === undefined ? undefined : upload(request, call.upload, answered);
  let answer: IncomingMessage;
  try {
    answer = await (uploaded === undefined ? answered : Promise.race([answered, uploaded]));
  } catch (error) {
    request.destroy();
    throw translated(error, address, call);
  }
  if (answer.statusCode !== undefined && answer.statusCode < 400) return answer;
  throw await refusedCall(answer, call);
}

async function refusedCall(answer: IncomingMessage, call: DaemonCall): Promise<DaemonError> {
  const text = (await readAll(answer).catch(() => Buffer.alloc(0))).toString("utf8").trim();
  return new DaemonError(answer.statusCode ?? 0, messageIn(text), call, answer.headers);
}

/** The API wraps its messages in `{"message": ...}`; Podman adds `cause` and `response`. */
function messageIn(text: string): string {
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === "object" && parsed !== null && "message" in parsed) return String(parsed.message);
  } catch {
    // Not JSON: a proxy's page, or an old daemon's plain line.
  }
  return text === "" ? "no reason given" : text.slice(0, 2_000);
}

function translated(error: unknown, address: DaemonAddress, call: DaemonCall): unknown {
  const timedOut = call.signal?.aborted === true && isTimeout(call.signal.reason);
  if (call.signal?.aborted && !timedOut) return call.signal.reason;
  if (!(error instanceof Error) || error instanceof SlipwayError) return error;
  // Whoever made the body failed, not the daemon.
  if (error instanceof UploadFailed) return error.cause;
  return new SlipwayError(
    "daemon-unreachable",
    `the container daemon at ${daemonAddressText(address)} ${timedOut ? "did not answer in time" : "does not answer"}`,
    { cause: error, hint: "see whether it runs: docker version" },
  );
}

function isTimeout(reason: unknown): boolean {
  return reason instanceof DOMException && reason.name === "TimeoutError";
}

class UploadFailed extends Error {}

/**
 * Sends the body, in larger pieces than it may come in. Settles with the answer; stops early where the daemon answers
 * before it has taken everything.
 */
async function upload(
  request: ClientRequest,
  body: AsyncIterable<Uint8Array>,
  answered: Promise<IncomingMessage>,
): Promise<IncomingMessage> {
  let over = false;
  const stop = () => {
    over = true;
  };
  answered.then(stop, stop);
  try {
    for await (const block of inBlocks(body, 128 * 1024)) {
      if (over) break;
      if (!request.write(block)) await drained(request, answered);
    }
  } catch (error) {
    throw new UploadFailed("the archive to send could not be made", { cause: error });
  }
  if (!over) request.end();
  return answered;
}

function drained(request: ClientRequest, answered: Promise<unknown>): Promise<void> {
  return new Promise(resolve => {
    request.once("drain", resolve);
    answered.then(
      () => resolve(),
      () => resolve(),
    );
  });
}

/** Joins small chunks, so that an archive of many small files does not become a write per header. */
async function* inBlocks(body: AsyncIterable<Uint8Array>, size: number): AsyncGenerator<Uint8Array> {
  let held: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    if (length === 0 && chunk.length >= size) {
      yield chunk;
      continue;
    }
    held.push(chunk);
    length += chunk.length;
    if (length < size) continue;
    yield Buffer.concat(held, length);
    held = [];
    length = 0;
  }
  if (length > 0) yield Buffer.concat(held, length);
}

/** One call whose connection becomes ours. */
async function takeOver(
  dial: Dial,
  address: DaemonAddress,
  prefix: string,
  call: DaemonCall,
): Promise<Duplex> {
  call.signal?.throwIfAborted();
  // The signal covers the handshake only: the connection has its own life.
  const { signal, ...rest } = call;
  const request = prepare(dial, prefix, rest, { connection: "Upgrade", upgrade: "tcp" });
  const giveUp = () => request.destroy(new Error("broken off"));
  signal?.addEventListener("abort", giveUp, { once: true });
  return await new Promise<Duplex>((resolve, reject) => {
    request.once("upgrade", (_answer, connection: Duplex, head: Buffer) => {
      if (head.length > 0) connection.unshift(head);
      resolve(connection);
    });
    request.once("response", answer => {
      refusedCall(answer, call).then(reject, reject);
    });
    request.on("error", error => reject(translated(error, address, call)));
  }).finally(() => signal?.removeEventListener("abort", giveUp));
}

/** Reads a body to its end. Meant for the API's small answers. */
async function readAll(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}
