// A listening server, http or https, that asks handlers one after the other. Closing it takes no new requests, ends streams
// of events, whose readers come again elsewhere, lets what else runs end for a while, and then cuts it.

import http from "node:http";
import https from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { messageOf, SlipwayError } from "../core/failure.ts";
import type { Clock } from "../lib/clock.ts";
import type { HttpLog, RequestHandler } from "./handler.ts";
import { writeProblem } from "./write-answer.ts";

export interface ListenerOptions {
  /** `host:port`; port 0 takes a free one. */
  address: string;
  tls?: { cert: string; key: string };
  handlers: readonly RequestHandler[];
  log: HttpLog;
  clock: Clock;
  /** How long requests may go on after closing. Milliseconds. */
  graceMs?: number;
}

export interface Listener extends AsyncDisposable {
  /** With the port that was taken. */
  url: string;
  port: number;
}

const usualGraceMs = 5000;
const idleLookMs = 50;
const mostHeaderBytes = 16 * 1024;

/** Throws SlipwayError `listen` where the address cannot be had, with what to change. */
export async function openListener(options: ListenerOptions): Promise<Listener> {
  const { address, tls, log, clock } = options;
  const { host, port } = hostAndPort(address);
  const settings = {
    maxHeaderSize: mostHeaderBytes,
    headersTimeout: 15_000,
    // Uploads of sources and caches take as long as they take; each handler bounds what it reads.
    requestTimeout: 0,
    keepAliveTimeout: 65_000,
    noDelay: true,
  };
  const open = new Set<http.ServerResponse>();
  let isClosing = false;
  const answer = (request: http.IncomingMessage, response: http.ServerResponse) => {
    open.add(response);
    response.once("close", () => {
      open.delete(response);
      // A connection that is kept for later would hold up the end.
      if (isClosing) setImmediate(() => server.closeIdleConnections());
    });
    ask(options.handlers, request, response).catch(error => {
      log.error({ error: messageOf(error) }, "a request failed");
      response.destroy();
    });
  };
  const server =
    tls === undefined
      ? http.createServer(settings, answer)
      : https.createServer({ ...settings, ...tls }, answer);
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", cause => reject(notListening(address, cause as NodeJS.ErrnoException)));
    server.listen(port, host, () => resolve());
  });
  const taken = (server.address() as AddressInfo).port;
  return {
    port: taken,
    url: `${tls === undefined ? "http" : "https"}://${host.includes(":") ? `[${host}]` : host}:${taken}`,
    [Symbol.asyncDispose]: () => {
      isClosing = true;
      for (const response of open) if (isEventStream(response)) response.destroy();
      return close(server, sockets, clock, options.graceMs ?? usualGraceMs);
    },
  };
}

function isEventStream(response: http.ServerResponse): boolean {
  return response.headersSent && String(response.getHeader("content-type")).startsWith("text/event-stream");
}

async function ask(
  handlers: readonly RequestHandler[],
  request: http.IncomingMessage,
  response: http.ServerResponse,
): Promise<void> {
  for (const handle of handlers) {
    if (await handle(request, response)) return;
  }
  const detail = `there is no ${(request.url ?? "").split("?")[0]!.slice(0, 200)}`;
  writeProblem(request, response, { status: 404, code: "not-found", title: "Not found", detail });
}

function close(
  server: http.Server | https.Server,
  sockets: Set<Socket>,
  clock: Clock,
  graceMs: number,
): Promise<void> {
  return new Promise(resolve => {
    const cut = clock.after(graceMs, () => {
      for (const socket of sockets) socket.destroy();
    });
    let stopLook = () => {};
    // A connection that was busy when we began to close would be kept for a next request, and one that has never asked
    // anything (clients connect ahead) counts as busy.
    const look = () => {
      server.closeIdleConnections();
      for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
      stopLook = clock.after(idleLookMs, look);
    };
    server.close(() => {
      cut();
      stopLook();
      resolve();
    });
    look();
  });
}

/** `127.0.0.1:80`, `[::1]:80`, `:80` for every address. */
export function hostAndPort(address: string): { host: string; port: number } {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(address);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) {
    throw new SlipwayError("listen", `"${address}" is no address to listen on`, {
      hint: "write HOST:PORT, such as 127.0.0.1:8080 or [::1]:8080",
    });
  }
  return { host: match[1] ?? (match[2] === "" ? "::" : match[2]!), port };
}

function notListening(address: string, cause: NodeJS.ErrnoException): SlipwayError {
  const hint =
    cause.code === "EADDRINUSE"
      ? "something else listens there: choose another port, or end the other server"
      : cause.code === "EACCES"
        ? "ports below 1024 need rights: choose a greater one"
        : "choose an address of this machine";
  return new SlipwayError("listen", `cannot listen on ${address}`, { cause, hint });
}
