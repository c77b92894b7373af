// Our own gateway: hands calls below /handlers/NAME on to the handler that is registered by its address. A handler is a
// stranger on our host: it gets nobody's session, sets no cookie here, and its pages are boxed in by the browser.

import type { IncomingMessage, ServerResponse } from "node:http";
import type { RequestHandler } from "../../../http/handler.ts";
import { type SendOn, sendOn } from "../../../http/send-on.ts";
import { writeProblem } from "../../../http/write-answer.ts";
import type { Clock } from "../../../lib/clock.ts";
import { handlerPath } from "../../../routes/served-route.ts";
import type { Queryable } from "../../../store/database.ts";

export interface HandlerGateway extends Disposable {
  handler: RequestHandler;
  /** Forgets what it knows of the table. */
  changed(): void;
}

/** What another process has registered is seen after so long. Milliseconds. */
const knownMs = 15_000;
const prefix = handlerPath("");

export function createHandlerGateway(db: Queryable, clock: Clock): HandlerGateway {
  const targets = new Map<string, { url: string; on: SendOn }>();
  let known: { at: number; urls: Promise<Map<string, string>> } | undefined;
  const urls = () => {
    const now = clock.monotonic();
    if (known === undefined || now - known.at > knownMs) known = { at: now, urls: read(db) };
    const asked = known;
    asked.urls.catch(() => {
      if (known === asked) known = undefined;
    });
    return asked.urls;
  };
  const targetOf = (name: string, url: string): SendOn => {
    const held = targets.get(name);
    if (held?.url === url) return held.on;
    held?.on[Symbol.dispose]();
    const on = sendOn(url, [handlerPath(name)]);
    targets.set(name, { url, on });
    return on;
  };
  return {
    async handler(request, response) {
      const path = request.url?.split("?", 1)[0] ?? "";
      if (!path.startsWith(prefix)) return false;
      const name = path.slice(prefix.length).split("/", 1)[0]!;
      const url = (await urls()).get(name);
      if (url === undefined) return unknown(request, response, name);
      delete request.headers.cookie;
      guard(response);
      return targetOf(name, url).handler(request, response);
    },
    changed() {
      known = undefined;
    },
    [Symbol.dispose]() {
      for (const { on } of targets.values()) on[Symbol.dispose]();
      targets.clear();
    },
  };
}

async function read(db: Queryable): Promise<Map<string, string>> {
  const rows = await db.query<{ name: string; url: string }>(
    "select name, url from handlers where url is not null",
  );
  return new Map(rows.map(({ name, url }) => [name, url]));
}

/** Whatever the handler answers: no cookie of ours is overwritten, and a page of it is no page of ours. */
function guard(response: ServerResponse): void {
  const writeHead = response.writeHead.bind(response) as (
    status: number,
    headers?: Record<string, unknown>,
  ) => ServerResponse;
  response.writeHead = ((status: number, headers: Record<string, unknown> = {}) => {
    const { "set-cookie": _cookie, ...kept } = headers;
    return writeHead(status, {
      ...kept,
      "content-security-policy": "sandbox; default-src 'none'",
      "x-content-type-options": "nosniff",
    });
  }) as typeof response.writeHead;
}

function unknown(request: IncomingMessage, response: ServerResponse, name: string): boolean {
  writeProblem(request, response, {
    status: 404,
    code: "not-found",
    title: "Not found",
    detail: `there is no handler "${name.slice(0, 60)}"`,
    hint: "an administrator registers one with `slipway handlers set NAME --url URL`",
  });
  return true;
}
