// The server: opens what its roles share, then the roles, then its listeners, and closes all of it in the opposite order,
// the database last. Whatever fails to start ends what has been started.

import { readFileSync } from "node:fs";
import path from "node:path";
import { createFirstAdmin, type FirstAdmin } from "../../auth/first-admin.ts";
import { createGate } from "../../auth/gate.ts";
import { createIdempotency } from "../../auth/idempotency.ts";
import { createToken } from "../../auth/tokens.ts";
import { messageOf, SlipwayError } from "../../core/failure.ts";
import { endpointList } from "../../endpoints/table.ts";
import { healthHandler, type ReadyCheck } from "../../http/health.ts";
import { type Listener, openListener } from "../../http/listener.ts";
import { openApiHandler } from "../../http/openapi.ts";
import type { Route } from "../../http/route.ts";
import { createRouter } from "../../http/router.ts";
import type { ServerLog } from "../../http/server-log.ts";
import { openRunnerKeys } from "../../queue/postgres/runner-keys.ts";
import type { Worker } from "../../services/worker/worker.ts";
import { isDatabaseAway } from "../../store/database.ts";
import type { RoleParts } from "./api-role.ts";
import { readOrMake } from "./data-directory.ts";
import { openPlatform, type Platform } from "./platform.ts";
import { queueFigures } from "./queue-figures.ts";
import type { RoleName, ServerSettings } from "./settings.ts";

export interface ServeOptions {
  settings: ServerSettings;
  log: ServerLog;
  version: string;
  environment: Readonly<Record<string, string | undefined>>;
}

export interface RunningServer extends AsyncDisposable {
  /** Of the main listener; undefined for a worker alone. */
  url: string | undefined;
  runnerUrl: string | undefined;
  /** Told once, by the very first start. */
  firstAdmin: FirstAdmin | undefined;
  /** Takes no more jobs and waits for those that run, at most until the signal. */
  drain(signal: AbortSignal): Promise<void>;
}

/** Starts the roles. Throws SlipwayError with what to change where one cannot start; nothing is left then. */
export async function serve(options: ServeOptions): Promise<RunningServer> {
  const stack = new AsyncDisposableStack();
  try {
    return await start(options, stack);
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

async function start(options: ServeOptions, stack: AsyncDisposableStack): Promise<RunningServer> {
  const { settings } = options;
  const has = (role: RoleName) => settings.roles.includes(role);
  if (!has("api") && !has("logs") && !has("reporter")) return startWorkerAlone(options, stack);
  const platform = await openPlatform(settings, options.log, stack);
  const firstAdmin = has("api") ? await createFirstAdmin(platform.db) : undefined;
  const listeners = new Listeners(platform, stack);
  const keys = openRunnerKeys(platform.db, platform.clock);
  const baseUrl = settings.url ?? `${schemeOf(settings)}://${settings.listen}`;
  const parts: RoleParts = { routes: [], handlers: [], runnerHandlers: [] };
  const add = (more: RoleParts) => {
    parts.routes.push(...more.routes);
    parts.handlers.push(...more.handlers);
    parts.runnerHandlers.push(...more.runnerHandlers);
  };
  const roles = new AsyncDisposableStack();
  stack.use(roles);
  // A role that does not run here costs neither time nor memory.
  if (has("logs")) {
    const { openLogsRole } = await import("./logs-role.ts");
    add(await openLogsRole(platform, keys, roles));
  }
  if (has("api")) {
    const { openApiRole } = await import("./api-role.ts");
    add(openApiRole(platform, keys, baseUrl, roles));
  }
  queueFigures(platform);
  const checks: Record<string, ReadyCheck> = {
    database: async () => (await platform.db.query("select 1")).length === 1,
    blobs: () => platform.blobs.stat("probe/ready").then(() => true),
  };
  const main = await listeners.open(settings.listen, [
    ...healthAndFigures(platform, checks),
    ...(has("api") ? [openApiHandler(endpointList, options.version)] : []),
    router(platform, parts.routes, baseUrl),
    ...parts.handlers,
  ]);
  const runners =
    parts.runnerHandlers.length > 0
      ? await listeners.open(settings.runnerListen, parts.runnerHandlers)
      : undefined;
  if (has("reporter")) {
    const { openReporterRole } = await import("./reporter-role.ts");
    await openReporterRole(platform, baseUrl, roles);
  }
  const runnerUrl = settings.runnerUrl ?? runners?.url;
  const worker = has("worker")
    ? await ownWorker(options, platform, settings.apiUrl ?? main.url, runnerUrl)
    : undefined;
  if (worker !== undefined) {
    checks.worker = async () => worker.connected;
    stack.use(worker);
  }
  return {
    url: main.url,
    runnerUrl,
    firstAdmin,
    drain: async signal => worker?.drain(signal),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

function router(platform: Platform, routes: Route[], baseUrl: string) {
  const { db, box, log, metrics } = platform;
  return createRouter({
    routes,
    gate: createGate({
      db,
      cookies: { secure: baseUrl.startsWith("https://") },
      origin: new URL(baseUrl).origin,
    }),
    idempotency: createIdempotency({ db, box }),
    log,
    isAway: error =>
      isDatabaseAway(error) || (error instanceof SlipwayError && error.code.startsWith("blobs")),
    answered: metrics.answered,
  });
}

function healthAndFigures({ metrics }: Pick<Platform, "metrics">, checks: Record<string, ReadyCheck>) {
  return [healthHandler(checks), metrics.handler];
}

function schemeOf({ tlsCert }: ServerSettings): string {
  return tlsCert === undefined ? "http" : "https";
}

class Listeners {
  readonly #platform: Pick<Platform, "settings" | "log" | "clock">;
  readonly #stack: AsyncDisposableStack;

  constructor(platform: Pick<Platform, "settings" | "log" | "clock">, stack: AsyncDisposableStack) {
    this.#platform = platform;
    this.#stack = stack;
  }

  async open(address: string, handlers: Parameters<typeof openListener>[0]["handlers"]): Promise<Listener> {
    const { settings, log, clock } = this.#platform;
    return this.#stack.use(await openListener({ address, handlers, log, clock, ...tlsOf(settings) }));
  }
}

function tlsOf({ tlsCert, tlsKey }: ServerSettings): { tls?: { cert: string; key: string } } {
  if (tlsCert === undefined || tlsKey === undefined) return {};
  try {
    return { tls: { cert: readFileSync(tlsCert, "utf8"), key: readFileSync(tlsKey, "utf8") } };
  } catch (cause) {
    throw new SlipwayError("tls", `certificate or key cannot be read: ${messageOf(cause)}`, { cause });
  }
}

/** The worker of a process that has the database gets its token from there, once. */
async function ownWorker(
  options: ServeOptions,
  platform: Platform,
  apiUrl: string,
  runnerUrl: string | undefined,
): Promise<Worker> {
  const { settings, log, version, environment } = options;
  if (runnerUrl === undefined) throw noRunnerUrl();
  const { directory, metrics } = platform;
  const token = settings.workerToken ?? (await tokenOfOwnWorker(platform));
  const { openWorkerRole } = await import("./worker-role.ts");
  return openWorkerRole({
    settings,
    directory,
    apiUrl,
    runnerUrl,
    token,
    version,
    environment,
    log,
    metrics,
  });
}

async function tokenOfOwnWorker({ db, directory, settings, box }: Platform): Promise<string> {
  const classes = [...settings.classes].sort();
  // Other classes need another token: it is bound to them.
  const file = path.join(
    directory,
    `worker-${Buffer.from(classes.join(",")).toString("base64url").slice(0, 100)}.token`,
  );
  let made: string | undefined;
  const { secret } = await db.transact(async tx =>
    createToken(tx, { kind: "worker", name: "own worker", classes }),
  );
  const token = readOrMake(file, () => (made = secret));
  void box;
  // Somebody has made one before: ours is not needed.
  if (made === undefined || token !== secret)
    await db.query("delete from tokens where hash = sha256($1::bytea)", [Buffer.from(secret)]);
  return token;
}

async function startWorkerAlone(options: ServeOptions, stack: AsyncDisposableStack): Promise<RunningServer> {
  const { settings, log, version, environment } = options;
  const { apiUrl, runnerUrl, workerToken: token } = settings;
  if (apiUrl === undefined) throw missing("apiUrl", "SLIPWAY_API_URL: where the api is");
  if (runnerUrl === undefined) throw noRunnerUrl();
  if (token === undefined)
    throw missing("workerToken", "SLIPWAY_WORKER_TOKEN: make one with `slipway tokens create --worker`");
  const { openDataDirectory } = await import("./data-directory.ts");
  const { createMetrics } = await import("../../http/metrics.ts");
  const { systemClock: clock } = await import("../../lib/clock.ts");
  const { openWorkerRole } = await import("./worker-role.ts");
  const directory = openDataDirectory(settings.dataDir);
  const metrics = createMetrics();
  const checks: Record<string, ReadyCheck> = {};
  const main = await new Listeners({ settings, log, clock }, stack).open(
    settings.listen,
    healthAndFigures({ metrics }, checks),
  );
  const worker = stack.use(
    await openWorkerRole({
      settings,
      directory,
      apiUrl,
      runnerUrl,
      token,
      version,
      environment,
      log,
      metrics,
    }),
  );
  checks.worker = async () => worker.connected;
  return {
    url: main.url,
    runnerUrl: undefined,
    firstAdmin: undefined,
    drain: signal => worker.drain(signal),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

function missing(name: string, hint: string): SlipwayError {
  return new SlipwayError("settings", `a worker without the role api needs the setting ${name}`, { hint });
}

function noRunnerUrl(): SlipwayError {
  return missing("runnerUrl", "SLIPWAY_RUNNER_URL: where runners reach the runner listener");
}
