// A daemon's socket at second hand: connections pass through until they are cut, as when a daemon dies or a line is
// lost. It listens on a socket of its own below a temporary directory.

import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface SocketProxy extends AsyncDisposable {
  readonly path: string;
  /** Breaks every connection and lets none through until `mend`. */
  cut(): void;
  mend(): void;
}

export async function startProxy(target: string): Promise<SocketProxy> {
  const home = mkdtempSync(join(tmpdir(), "slipway-proxy-"));
  const path = join(home, "proxy.sock");
  const sockets = new Set<Socket>();
  let isCut = false;
  const server = createServer({ allowHalfOpen: true }, near => {
    if (isCut) {
      near.destroy();
      return;
    }
    const far = connect({ path: target, allowHalfOpen: true });
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        sockets.delete(socket);
        (socket === near ? far : near).destroy();
      });
    }
    near.pipe(far);
    far.pipe(near);
  });
  // It lives through several tests.
  server.unref();
  await new Promise<void>(resolve => server.listen(path, resolve));
  const cut = () => {
    isCut = true;
    for (const socket of sockets) socket.destroy();
  };
  return {
    path,
    cut,
    mend: () => {
      isCut = false;
    },
    async [Symbol.asyncDispose]() {
      cut();
      await new Promise(resolve => server.close(resolve));
      rmSync(home, { recursive: true, force: true });
    },
  };
}
