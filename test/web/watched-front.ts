// Stands between a browser and a server: counts connections and open calls, and can say by itself what the stream of changes
// would say, as fast as it likes.

import http, { type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";

export interface WatchedFront extends AsyncDisposable {
  url: string;
  /** Connections that are open. */
  connections(): number;
  /** The most that were open at a time. */
  mostConnections(): number;
  /** Calls of this path that have begun and not ended. */
  open(path: string): number;
  /** Calls of this path since the start. */
  asked(path: string): number;
  /** Into every open stream of changes. */
  tell(changes: object): void;
}

const streamPath = "/api/v1/changes";

export async function openWatchedFront(target: string): Promise<WatchedFront> {
  const sockets = new Set<Socket>();
  let most = 0;
  const open = new Map<string, number>();
  const asked = new Map<string, number>();
  const streams = new Set<ServerResponse>();
  const count = (map: Map<string, number>, key: string, by: number) => map.set(key, (map.get(key) ?? 0) + by);
  const server = http.createServer((request, response) => {
    const path = request.url!.split("?", 1)[0]!;
    count(open, path, 1);
    count(asked, path, 1);
    response.once("close", () => {
      count(open, path, -1);
      streams.delete(response);
    });
    const { method, headers } = request;
    const passed = http.request(new URL(request.url!, target), { method: method!, headers }, answer => {
      response.writeHead(answer.statusCode!, answer.headers);
      if (path === streamPath) streams.add(response);
      // Each message whole, so that ours can be between two of them.
      answer.pipe(response);
    });
    passed.on("error", () => response.destroy());
    response.on("close", () => passed.destroy());
    request.pipe(passed);
  });
  server.on("connection", socket => {
    sockets.add(socket);
    most = Math.max(most, sockets.size);
    socket.once("close", () => sockets.delete(socket));
  });
  await new Promise<void>(resolve => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    connections: () => sockets.size,
    mostConnections: () => most,
    open: path => open.get(path) ?? 0,
    asked: path => asked.get(path) ?? 0,
    tell(changes) {
      for (const stream of streams) stream.write(`event: changed\ndata: ${JSON.stringify(changes)}\n\n`);
    },
    async [Symbol.asyncDispose]() {
      const closed = new Promise(resolve => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}
