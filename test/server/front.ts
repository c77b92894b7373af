// What stands in front of roles that run alone: sends calls on by their path, as a load balancer does.

import http from "node:http";
import https from "node:https";
import type { AddressInfo } from "node:net";

export interface Front extends AsyncDisposable {
  url: string;
}

/** `targetOf` says which address takes a path; `ca` is the authority of addresses over TLS. */
export async function openFront(targetOf: (path: string) => string, ca?: string): Promise<Front> {
  const server = http.createServer((request, response) => {
    const target = new URL(request.url!, targetOf(request.url!));
    const { method, headers } = request;
    const { request: send } = target.protocol === "https:" ? https : http;
    const passed = send(target, { method: method!, headers, ...(ca === undefined ? {} : { ca }) }, answer => {
      response.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(response);
    });
    passed.on("error", () => response.destroy());
    response.on("close", () => passed.destroy());
    request.pipe(passed);
  });
  await new Promise<void>(resolve => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      const closed = new Promise(resolve => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}
