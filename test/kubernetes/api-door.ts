// The HTTP side of the stand-in: reads requests, finds out who asks, and writes answers, warnings and refusals.

import type { IncomingMessage, ServerResponse } from "node:http";
import { ApiFault, noSuchPath } from "./api-fault.ts";
import type { ApiRequest, Cluster } from "./api-request.ts";
import { discoveryAnswer } from "./discovery.ts";
import type { Call, FaultState } from "./faults.ts";
import { answerRequest, requestOf } from "./handle-request.ts";
import { mayGetPath } from "./rbac.ts";
import { resources } from "./resources.ts";
import type { Users } from "./users.ts";
import type { Watches } from "./watches.ts";

export interface DoorParts {
  cluster: Cluster;
  users: Users;
  watches: Watches;
  faults: FaultState;
  called(call: Call): void;
}

const mostBytes = 3 * 2 ** 20;

/** Never throws: what goes wrong inside is answered 500 with its text. */
export async function answerHttp(parts: DoorParts, incoming: IncomingMessage, response: ServerResponse) {
  let call: Call | undefined;
  try {
    const body = await bodyOf(incoming);
    if (parts.faults.slowMs > 0) await slept(parts, response);
    const url = new URL(incoming.url ?? "/", "http://stand-in");
    const user = parts.users.of(incoming.headers.authorization);
    if (!/^\/apis?\/.+\/.+/.test(url.pathname) || /^\/apis\/[^/]+\/[^/]+\/?$/.test(url.pathname)) {
      return writePath(parts, user, url.pathname, response);
    }
    const given = {
      query: url.searchParams,
      user,
      userAgent: incoming.headers["user-agent"] ?? "",
      contentType: incoming.headers["content-type"] ?? "",
      accept: incoming.headers.accept ?? "",
      body,
    };
    const many = parts.faults.takes429();
    if (many !== undefined) return writeTooMany(response, many);
    if (isUnknownGroup(url.pathname) && user.groups.includes("system:masters")) return writeNoPage(response);
    const request = requestOf(parts.cluster, incoming.method ?? "GET", url.pathname, given);
    call = callOf(request);
    parts.called(call);
    if (request.verb === "watch") {
      call.code = 200;
      return parts.watches.begin(request, response);
    }
    const answer = answerRequest(parts.cluster, request);
    if (request.verb === "create" && request.subresource === undefined && parts.faults.takesForgotten()) {
      incoming.socket.destroy();
      return;
    }
    call.code = answer.code;
    write(response, answer.code, answer.body, request.warnings);
  } catch (error) {
    const fault = error instanceof ApiFault ? error : ownFault(error);
    if (call !== undefined) call.code = fault.code;
    writeFault(response, fault);
  }
}

function ownFault(error: unknown): ApiFault {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return new ApiFault(500, "InternalError", `Internal error occurred: ${text}`);
}

function slept({ cluster, faults }: DoorParts, response: ServerResponse): Promise<void> {
  return new Promise(resolve => {
    const cancel = cluster.clock.after(faults.slowMs, resolve);
    response.on("close", () => {
      cancel();
      resolve();
    });
  });
}

async function bodyOf(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= mostBytes) chunks.push(chunk);
  }
  if (bytes > mostBytes) {
    const text = `Request entity too large: limit is ${mostBytes}`;
    throw new ApiFault(413, "RequestEntityTooLarge", text);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function callOf({ user, verb, resource, subresource, namespace, name }: ApiRequest): Call {
  const of = subresource === undefined ? resource.plural : `${resource.plural}/${subresource}`;
  return { user: user.name, verb, resource: of, namespace, name, code: 0 };
}

function writePath(parts: DoorParts, user: ApiRequest["user"], path: string, response: ServerResponse): void {
  if (!mayGetPath(parts.cluster, user, path)) {
    throw new ApiFault(403, "Forbidden", `forbidden: User "${user.name}" cannot get path "${path}"`, {});
  }
  const answer = discoveryAnswer(path);
  if (answer === undefined) {
    if (!path.startsWith("/apis/")) throw noSuchPath();
    writeNoPage(response);
  } else if (typeof answer === "string") {
    response.writeHead(200, { "content-type": "text/plain; charset=utf-8" });
    response.end(answer);
  } else write(response, 200, answer, []);
}

function isUnknownGroup(path: string): boolean {
  const [, root, group = "", version = ""] = path.split("/");
  return root === "apis" && !resources.some(each => each.group === group && each.version === version);
}

function writeNoPage(response: ServerResponse): void {
  response.writeHead(404, { "content-type": "text/plain; charset=utf-8" });
  response.end("404 page not found\n");
}

function write(response: ServerResponse, code: number, body: unknown, warnings: string[]): void {
  const headers: Record<string, string | string[]> = {
    "content-type": "application/json",
    "cache-control": "no-cache, private",
  };
  if (warnings.length > 0) {
    headers.warning = [...new Set(warnings)].map(text => `299 - "${text.replace(/["\\]/g, "\\$&")}"`);
  }
  response.writeHead(code, headers);
  response.end(`${JSON.stringify(body)}\n`);
}

function writeFault(response: ServerResponse, fault: ApiFault): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const seconds = fault.details?.retryAfterSeconds;
  if (seconds !== undefined) response.setHeader("retry-after", String(seconds));
  write(response, fault.code, fault.body, []);
}

/** As priority and fairness answers: no Status, only text. */
function writeTooMany(response: ServerResponse, seconds: number): void {
  response.writeHead(429, { "content-type": "text/plain; charset=utf-8", "retry-after": String(seconds) });
  response.end("Too many requests, please try again later.\n");
}
