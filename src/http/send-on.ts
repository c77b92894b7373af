// Hands calls of some paths on to another process of the platform, as they are, and its answer back: streams with
// back-pressure, no byte looked at. What stands in front of roles that run alone when nothing else does.

import http from "node:http";
import https from "node:https";
import { pipeline } from "node:stream";
import type { RequestHandler } from "./handler.ts";
import { writeProblem } from "./write-answer.ts";

export interface SendOn extends Disposable {
  handler: RequestHandler;
}

/** Of one connection; they say nothing about the message. RFC 9110, section 7.6.1. */
const hopByHop = new Set([
  "connection",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "proxy-connection",
]);
const connectMs = 10_000;

/** `paths`: each for itself and all below it. Disposing closes idle connections. */
export function sendOn(to: string, paths: readonly string[]): SendOn {
  const target = new URL(to);
  const secure = target.protocol === "https:";
  const agent = secure
    ? new https.Agent({ keepAlive: true, maxSockets: 1024 })
    : new http.Agent({ keepAlive: true, maxSockets: 1024 });
  const handler: RequestHandler = async (request, response) => {
    const path = request.url?.split("?", 1)[0] ?? "";
    if (!paths.some(each => path === each || path.startsWith(`${each}/`))) return false;
    const { host: _, ...others } = request.headers;
    const headers: http.OutgoingHttpHeaders = Object.fromEntries(
      Object.entries(others).filter(([name]) => !hopByHop.has(name)),
    );
    const before = request.headers["x-forwarded-for"];
    const address = request.socket.remoteAddress ?? "";
    headers["x-forwarded-for"] = before === undefined ? address : `${before}, ${address}`;
    const options = { agent, method: request.method, path: request.url, headers, timeout: connectMs };
    const onward = (secure ? https : http).request(target, options);
    // Only a way that is never made is cut: an answer may take as long as it takes.
    onward.on("socket", socket => {
      if (!socket.connecting) return void onward.setTimeout(0);
      socket.once("connect", () => onward.setTimeout(0));
    });
    onward.on("timeout", () => onward.destroy(new Error("no connection")));
    await new Promise<void>(resolve => {
      onward.once("response", answer => {
        const kept = Object.entries(answer.headers).filter(([name]) => !hopByHop.has(name));
        response.writeHead(answer.statusCode ?? 502, Object.fromEntries(kept));
        response.flushHeaders();
        pipeline(answer, response, () => resolve());
      });
      onward.once("error", () => {
        if (!response.headersSent && !response.destroyed) {
          const detail = "the service behind this address does not answer";
          writeProblem(request, response, {
            status: 503,
            code: "away",
            title: "Not ready",
            detail,
            retryAfter: 1,
          });
        } else response.destroy();
        resolve();
      });
      response.once("close", () => {
        onward.destroy();
        resolve();
      });
      pipeline(request, onward, () => undefined);
    });
    return true;
  };
  return { handler, [Symbol.dispose]: () => agent.destroy() };
}
