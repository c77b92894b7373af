// The role api: people, programs and workers on the main listener, runners on theirs.

import { createPasswords } from "../../auth/passwords.ts";
import { createCallerAddress } from "../../http/caller-address.ts";
import type { RequestHandler } from "../../http/handler.ts";
import type { Route } from "../../http/route.ts";
import { openCancelWatch } from "../../queue/postgres/cancel-watch.ts";
import { createPostgresQueue } from "../../queue/postgres/postgres-queue.ts";
import type { RunnerKeys } from "../../queue/postgres/runner-keys.ts";
import { badgeHandler } from "../../services/api/badge/badge-handler.ts";
import { changeRoutes } from "../../services/api/changes/change-routes.ts";
import { openChangeWatch } from "../../services/api/changes/change-watch.ts";
import { createHandlerGateway } from "../../services/api/handlers/handler-gateway.ts";
import { handlerRoutes } from "../../services/api/handlers/handler-routes.ts";
import { peopleRoutes } from "../../services/api/people/people-routes.ts";
import { createSignInLimits } from "../../services/api/people/sign-in-limits.ts";
import { classRoutes } from "../../services/api/projects/class-routes.ts";
import { projectRoutes } from "../../services/api/projects/project-routes.ts";
import { scheduleRoutes } from "../../services/api/projects/schedule-routes.ts";
import { variableRoutes } from "../../services/api/projects/variable-routes.ts";
import { queueRoutes } from "../../services/api/queue-view/queue-routes.ts";
import { resultRoutes } from "../../services/api/results/result-routes.ts";
import { usualLimits } from "../../services/api/runner/dependencies.ts";
import { startHearing } from "../../services/api/runner/hearing.ts";
import { runnerHandler } from "../../services/api/runner/runner-handler.ts";
import { storedValues } from "../../services/api/runner/stored-values.ts";
import { runRoutes } from "../../services/api/runs/run-routes.ts";
import { openRunWatch } from "../../services/api/runs/run-watch.ts";
import { webhookHandler } from "../../services/api/webhooks/webhook-handler.ts";
import { workerRoutes } from "../../services/api/worker-queue/worker-routes.ts";
import type { Platform } from "./platform.ts";

export interface RoleParts {
  routes: Route[];
  /** Beside the routes, on the main listener. */
  handlers: RequestHandler[];
  runnerHandlers: RequestHandler[];
}

export function openApiRole(
  platform: Platform,
  keys: RunnerKeys,
  baseUrl: string,
  stack: AsyncDisposableStack,
  handlersChanged: () => void = () => {},
): RoleParts {
  const { db, nudges, blobs, box, clock, log, random, settings } = platform;
  const cancelWatch = stack.use(openCancelWatch(db, nudges, clock));
  const watch = stack.use(openRunWatch({ db, nudges, clock }));
  const changes = stack.use(openChangeWatch({ db, nudges, clock }));
  stack.use(startHearing(db, clock));
  const values = storedValues(box);
  const projects = {
    db,
    box,
    clock,
    baseUrl,
    allowFileRepositories: settings.allowFileRepositories,
    runDays: settings.retentionDays,
  };
  const gateway = stack.use(createHandlerGateway(db, clock));
  const changed = () => {
    gateway.changed();
    handlersChanged();
  };
  const cookies = { secure: baseUrl.startsWith("https://") };
  const { artifactDays, maxArtifactBytes: artifactBytes, maxCacheBytes: cacheBytes } = settings;
  return {
    routes: [
      ...peopleRoutes({
        db,
        cookies,
        passwords: createPasswords(),
        guesses: createSignInLimits(clock),
        addressOf: createCallerAddress(settings.trustedProxies),
      }),
      ...projectRoutes(projects),
      ...variableRoutes(projects),
      ...scheduleRoutes(projects),
      ...classRoutes(projects),
      ...runRoutes({ db, nudges, blobs, box, clock, watch, random }),
      ...resultRoutes({ db, blobs, box, values, runDays: settings.retentionDays }),
      ...queueRoutes({ db }),
      ...changeRoutes({ db, watch: changes, clock }),
      ...handlerRoutes({ db, inCluster: settings.routesKind !== "none", changed }),
      ...workerRoutes({ queue: createPostgresQueue({ db, nudges, clock }), containers: { db, box } }),
    ],
    handlers: [
      webhookHandler({ db, nudges, box, clock, baseUrl, log }),
      badgeHandler({ db, log }),
      gateway.handler,
    ],
    runnerHandlers: [
      runnerHandler({
        ...{ db, nudges, blobs, box, clock, cancelWatch, keys, values, log, random },
        limits: {
          ...usualLimits,
          artifactBytes,
          cacheBytes,
          ...(artifactDays === undefined ? {} : { artifactDays }),
        },
      }),
    ],
  };
}
