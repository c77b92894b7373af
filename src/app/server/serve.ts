// The server: opens what its roles share, then the roles, then its listeners, and closes all of it in the opposite order,
// the database last. Whatever fails to start ends what has been started.

import { readFileSync } from "node:fs";
import path from "node:path";
import { createFirstAdmin, type FirstAdmin } from "../../auth/first-admin.ts";
import { createGate } from "../../auth/gate.ts";
import { createIdempotency } from "../../auth/idempotency.ts";
import { messageOf, SlipwayError } from "../../core/failure.ts";
import { endpointList } from "../../endpoints/table.ts";
import type { RequestHandler } from "../../http/handler.ts";
import { healthHandler, type ReadyCheck } from "../../http/health.ts";
import { type Listener, openListener } from "../../http/listener.ts";
import { openApiHandler } from "../../http/openapi.ts";
import type { Route } from "../../http/route.ts";
import { createRouter } from "../../http/router.ts";
import { sendOn } from "../../http/send-on.ts";
import type { ServerLog } from "../../http/server-log.ts";
import { webFiles } from "../../http/web-files.ts";
import { writeProblem } from "../../http/write-answer.ts";
import { systemClock } from "../../lib/clock.ts";
import { pause } from "../../lib/pause.ts";
import { openRunnerKeys } from "../../queue/postgres/runner-keys.ts";
import type { Worker } from "../../services/worker/worker.ts";
import { isDatabaseAway, isOvertaken } from "../../store/database.ts";
import { webDirectory } from "../web-directory.ts";
import { localUrl, publicUrl } from "./addresses.ts";
import type { RoleParts } from "./api-role.ts";
import { checkKeys } from "./check-keys.ts";
import type { OwnRoutes } from "./own-routes.ts";
import { refuseDatabaseUser, tokenOfOwnWorker } from "./own-worker.ts";
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
  /** As people reach it. */
  url: string;
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
  const { settings, log } = options;
  const has = (role: RoleName) => settings.roles.includes(role);
  if (has("database")) return startDatabase(options, stack);
  if (!has("api") && !has("logs") && !has("reporter")) return startWorkerAlone(options, stack);
  if (has("worker")) refuseDatabaseUser(settings);
  // First of all: a port that is taken is told at once, and who asks meanwhile hears that we are about to start.
  const doors = await openDoors(options, has("api") || has("logs"), stack);
  const platform = await openPlatform(settings, log, stack);
  const baseUrl = publicUrl(settings, doors.main);
  const keys = openRunnerKeys(platform.db, platform.clock);
  const parts: RoleParts = { routes: [], handlers: [], runnerHandlers: [] };
  const add = (more: RoleParts) => {
    parts.routes.push(...more.routes);
    parts.handlers.push(...more.handlers);
    parts.runnerHandlers.push(...more.runnerHandlers);
  };
  const roles = stack.use(new AsyncDisposableStack());
  let routes: OwnRoutes | undefined;
  // A role that does not run here costs neither time nor memory.
  if (has("logs")) {
    const { openLogsRole } = await import("./logs-role.ts");
    add(await openLogsRole(platform, keys, roles));
  }
  if (has("api")) {
    await checkKeys(platform.db, platform.box, path.join(platform.directory, "secret.key"));
    const { openApiRole } = await import("./api-role.ts");
    add(openApiRole(platform, keys, baseUrl, roles, () => routes?.nudge()));
  }
  queueFigures(platform);
  if (has("reporter")) {
    const { openReporterRole } = await import("./reporter-role.ts");
    await openReporterRole(platform, baseUrl, roles);
  }
  const elsewhere = has("api") && !has("logs") ? logsElsewhere(settings, stack) : undefined;
  doors.use(
    [
      platform.metrics.handler,
      ...(elsewhere?.main ?? []),
      ...(has("api") ? [openApiHandler(endpointList, options.version)] : []),
      router(platform, parts.routes, baseUrl),
      ...parts.handlers,
      // Last: what no program asked for may be a page.
      ...(has("api") ? [webFiles(webDirectory)] : []),
    ],
    [...(elsewhere?.runners ?? []), ...parts.runnerHandlers],
  );
  // What the roles live by is closed after the last request.
  stack.use(doors);
  doors.checks.database = async () => (await platform.db.query("select 1")).length === 1;
  doors.checks.blobs = () => platform.blobs.stat("probe/ready").then(() => true);
  const runnerUrl = settings.runnerUrl ?? (doors.runners && localUrl(settings, doors.runners));
  const worker = has("worker")
    ? stack.use(
        await ownWorker(options, platform, settings.apiUrl ?? localUrl(settings, doors.main), runnerUrl),
      )
    : undefined;
  if (worker !== undefined) doors.checks.worker = async () => worker.connected;
  if (settings.routesKind !== "none")
    routes = await ownRoutes(options, platform, doors.main.port, baseUrl, stack);
  // The last thing that may fail: its token is told this once.
  const firstAdmin = has("api") ? await createFirstAdmin(platform.db) : undefined;
  doors.checks.start = async () => true;
  return {
    url: settings.url ?? (has("api") || has("logs") ? baseUrl : doors.main.url),
    runnerUrl,
    firstAdmin,
    async drain(signal) {
      doors.checks.start = async () => Promise.reject(new Error("the server is about to end"));
      await Promise.all([linger(settings, signal), worker?.drain(signal)]);
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** Balancers go on sending calls until they have looked again. */
async function linger({ lingerSeconds }: ServerSettings, signal: AbortSignal): Promise<void> {
  if (lingerSeconds > 0) await pause(systemClock, lingerSeconds * 1000, signal);
}

/** Of an api whose logs are another process: its callers know one address. */
function logsElsewhere({ logsUrl, logsRunnerUrl }: ServerSettings, stack: AsyncDisposableStack) {
  const on = (to: string | undefined, path: string) =>
    to === undefined ? [] : [stack.use(sendOn(to, [path])).handler];
  return { main: on(logsUrl, "/api/v1/logs"), runners: on(logsRunnerUrl, "/runner/v1/logs") };
}

async function ownRoutes(
  { settings, environment, log }: ServeOptions,
  { db }: Platform,
  port: number,
  baseUrl: string,
  stack: AsyncDisposableStack,
): Promise<OwnRoutes | undefined> {
  const { openOwnRoutes } = await import("./own-routes.ts");
  const routes = await openOwnRoutes({ settings, environment, port, baseUrl, db, log });
  if (routes !== undefined) stack.use(routes);
  return routes;
}

async function startDatabase(options: ServeOptions, stack: AsyncDisposableStack): Promise<RunningServer> {
  const { settings, log } = options;
  const { openDatabaseRole, refuseCompany } = await import("./database-role.ts");
  refuseCompany(settings);
  const doors = await openDoors(options, false, stack);
  doors.checks.database = await openDatabaseRole(settings, log, stack);
  doors.checks.start = async () => true;
  return {
    url: doors.main.url,
    runnerUrl: undefined,
    firstAdmin: undefined,
    async drain() {},
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
    isOvertaken,
    answered: metrics.answered,
  });
}

interface Doors extends AsyncDisposable {
  main: Listener;
  runners: Listener | undefined;
  checks: Record<string, ReadyCheck>;
  /** Until then all that is asked, but for the health, is answered by 503. */
  use(handlers: RequestHandler[], runnerHandlers: RequestHandler[]): void;
}

async function openDoors(
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

async function startWorkerAlone(options: ServeOptions, stack: AsyncDisposableStack): Promise<RunningServer> {
  const { settings, log, version, environment } = options;
  const { apiUrl, runnerUrl, workerToken: token } = settings;
  if (apiUrl === undefined) throw missing("apiUrl", "SLIPWAY_API_URL: where the api is");
  if (runnerUrl === undefined) throw noRunnerUrl();
  if (token === undefined)
    throw missing("workerToken", "SLIPWAY_WORKER_TOKEN: make one with `slipway tokens create --worker`");
  const { openDataDirectory } = await import("./data-directory.ts");
  const { createMetrics } = await import("../../http/metrics.ts");
  const { openWorkerRole } = await import("./worker-role.ts");
  const doors = await openDoors(options, false, stack);
  const directory = openDataDirectory(settings.dataDir);
  const metrics = createMetrics();
  doors.use([metrics.handler], []);
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
  doors.checks.worker = async () => worker.connected;
  doors.checks.start = async () => true;
  return {
    url: doors.main.url,
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
