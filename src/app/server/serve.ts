// The server: opens what its roles share, then the roles, then its listeners, and closes all of it in the opposite order,
// the database last. Whatever fails to start ends what has been started.

import path from "node:path";
import { createFirstAdmin } from "../../auth/first-admin.ts";
import { createGate } from "../../auth/gate.ts";
import { createIdempotency } from "../../auth/idempotency.ts";
import { SlipwayError } from "../../core/failure.ts";
import { endpointList } from "../../endpoints/table.ts";
import { openApiHandler } from "../../http/openapi.ts";
import type { Route } from "../../http/route.ts";
import { createRouter } from "../../http/router.ts";
import { sendOn } from "../../http/send-on.ts";
import { webFiles } from "../../http/web-files.ts";
import { systemClock } from "../../lib/clock.ts";
import { pause } from "../../lib/pause.ts";
import { openRunnerKeys } from "../../queue/postgres/runner-keys.ts";
import { isDatabaseAway, isOvertaken } from "../../store/database.ts";
import { webDirectory } from "../web-directory.ts";
import { localUrl, publicUrl } from "./addresses.ts";
import type { RoleParts } from "./api-role.ts";
import { checkKeys } from "./check-keys.ts";
import { openDoors } from "./open-doors.ts";
import type { OwnRoutes } from "./own-routes.ts";
import { refuseDatabaseUser } from "./own-worker.ts";
import { openPlatform, type Platform } from "./platform.ts";
import { queueFigures } from "./queue-figures.ts";
import type { RunningServer, ServeOptions } from "./running-server.ts";
import { ownWorker, startWorkerAlone } from "./serve-worker.ts";
import type { RoleName, ServerSettings } from "./settings.ts";

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
