// `/healthz`: this process is alive. `/readyz`: it can do its work, each of its checks says so.

import { messageOf } from "../core/failure.ts";
import type { RequestHandler } from "./handler.ts";

/** Throws, or answers false, where it is not ready. */
export type ReadyCheck = () => Promise<boolean>;

const checkMs = 2000;

export function healthHandler(checks: Readonly<Record<string, ReadyCheck>>): RequestHandler {
  return async (request, response) => {
    const path = request.url?.split("?", 1)[0];
    if (path !== "/healthz" && path !== "/readyz") return false;
    const results = path === "/healthz" ? {} : await runAll(checks);
    const ready = Object.values(results).every(result => result === "ok");
    const body = JSON.stringify({
      status: ready ? "ok" : "not ready",
      ...(path === "/readyz" ? { checks: results } : {}),
    });
    response.writeHead(ready ? 200 : 503, {
      "content-type": "application/json",
      "cache-control": "no-store",
    });
    response.end(body);
    return true;
  };
}

async function runAll(checks: Readonly<Record<string, ReadyCheck>>): Promise<Record<string, string>> {
  const results = Object.entries(checks).map(async ([name, check]) => {
    try {
      return [name, (await inTime(check())) ? "ok" : "not ready"] as const;
    } catch (error) {
      return [name, messageOf(error).slice(0, 200)] as const;
    }
  });
  return Object.fromEntries(await Promise.all(results));
}

function inTime<T>(work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no answer within ${checkMs / 1000} s`)), checkMs);
  return Promise.race([work, promise]).finally(() => clearTimeout(timer));
}
