// The listeners of a server: open from the beginning, so that a port that is taken is told before anything else is touched, and
// whoever calls during the start hears that it is under way.

import { readFileSync } from "node:fs";
import { messageOf, SlipwayError } from "../../core/failure.ts";
import type { RequestHandler } from "../../http/handler.ts";
import { healthHandler, type ReadyCheck } from "../../http/health.ts";
import { type Listener, openListener } from "../../http/listener.ts";
import { writeProblem } from "../../http/write-answer.ts";
import { systemClock } from "../../lib/clock.ts";
import type { ServeOptions } from "./running-server.ts";
import type { ServerSettings } from "./settings.ts";

export interface Doors extends AsyncDisposable {
  main: Listener;
  runners: Listener | undefined;
  checks: Record<string, ReadyCheck>;
  /** Until then all that is asked, but for the health, is answered by 503. */
  use(handlers: RequestHandler[], runnerHandlers: RequestHandler[]): void;
}

/** They are the stack's to close. */
export async function openDoors(
  { settings, log }: Pick<ServeOptions, "settings" | "log">,
  withRunners: boolean,
  stack: AsyncDisposableStack,
): Promise<Doors> {
  const checks: Record<string, ReadyCheck> = { start: async () => false };
  const handlers: RequestHandler[] = [healthHandler(checks), notYet];
  const runnerHandlers: RequestHandler[] = [notYet];
  const common = { log, clock: systemClock, ...tlsOf(settings) };
  const main = stack.use(await openListener({ address: settings.listen, handlers, ...common }));
  const runners = withRunners
    ? stack.use(await openListener({ address: settings.runnerListen, handlers: runnerHandlers, ...common }))
    : undefined;
  return {
    main,
    runners,
    checks,
    use(more, moreOfRunners) {
      handlers.splice(1, 1, ...more);
      runnerHandlers.splice(0, 1, ...moreOfRunners);
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([main[Symbol.asyncDispose](), runners?.[Symbol.asyncDispose]()]);
    },
  };
}

const notYet: RequestHandler = async (request, response) => {
  writeProblem(request, response, {
    status: 503,
    code: "starting",
    title: "Not ready",
    detail: "the server is about to start: try again in a moment",
    retryAfter: 1,
  });
  return true;
};

function tlsOf({ tlsCert, tlsKey }: ServerSettings): { tls?: { cert: string; key: string } } {
  if (tlsCert === undefined || tlsKey === undefined) return {};
  try {
    return { tls: { cert: readFileSync(tlsCert, "utf8"), key: readFileSync(tlsKey, "utf8") } };
  } catch (cause) {
    throw new SlipwayError("tls", `certificate or key cannot be read: ${messageOf(cause)}`, { cause });
  }
}
