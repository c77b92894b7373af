// A socket in front of a daemon's, which can be cut: for those behind it the daemon has died in that moment.

import { connect, createServer, type Socket } from "node:net";
import type { DaemonAddress } from "../../src/engine/docker/daemon-address.ts";

export interface CutProxy extends AsyncDisposable {
  /** In the form of DOCKER_HOST. */
  readonly address: string;
  /** Breaks every connection; new ones are refused from then on. */
  cut(): Promise<void>;
}

/** Listens at `path` until it is cut or disposed of. */
export async function cutProxy(target: DaemonAddress, path: string): Promise<CutProxy> {
  if (target.kind !== "unix" && target.kind !== "tcp") throw new Error(`cannot stand before ${target.kind}`);
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, client => {
    const options = { allowHalfOpen: true };
    const daemon =
      target.kind === "unix"
        ? connect({ path: target.path, ...options })
        : connect({ host: target.host, port: target.port, ...options });
    for (const socket of [client, daemon]) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        sockets.delete(socket);
        for (const other of [client, daemon]) other.destroy();
      });
    }
    client.pipe(daemon);
    daemon.pipe(client);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, resolve);
  });
  let closed: Promise<void> | undefined;
  const cut = () => {
    closed ??= new Promise<void>(resolve => server.close(() => resolve()));
    for (const socket of sockets) socket.destroy();
    return closed;
  };
  return {
    address: `unix://${path}`,
    cut,
    [Symbol.asyncDispose]: cut,
  };
}
