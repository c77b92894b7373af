// The role logs: takes chunks from runners, serves and forwards logs.

import { messageOf } from "../../core/failure.ts";
import { counter } from "../../http/metrics.ts";
import type { RunnerKeys } from "../../queue/postgres/runner-keys.ts";
import { openLogNews } from "../../services/logs/log-news.ts";
import { logRoutes } from "../../services/logs/log-routes.ts";
import { logsRunnerHandler } from "../../services/logs/runner-logs.ts";
import { logLimits } from "../../services/logs/settings.ts";
import { startLogs } from "../../services/logs/start-logs.ts";
import type { RoleParts } from "./api-role.ts";
import type { Platform } from "./platform.ts";

export async function openLogsRole(
  platform: Platform,
  keys: RunnerKeys,
  stack: AsyncDisposableStack,
): Promise<RoleParts> {
  const { db, nudges, blobs, clock, log, settings, metrics } = platform;
  const limits = { ...logLimits, maxLogBytes: settings.maxLogBytes };
  const bytes = counter(metrics, "slipway_log_bytes_total", "Bytes of logs that were stored");
  const lines = counter(metrics, "slipway_log_forwarded_lines_total", "Lines that outside log services took");
  const counts = {
    stored: (_: number, stored: number) => bytes.inc(stored),
    forwarded: (_: string, taken: number) => lines.inc(taken),
  };
  const failed = (doing: string, error: unknown) => log.error({ doing, error: messageOf(error) }, "logs");
  const news = stack.use(await openLogNews(db, clock));
  const routes = stack.use(logRoutes({ db, blobs, news, nudges, clock }));
  const { forward } = settings;
  stack.use(startLogs({ db, blobs, nudges, clock, limits, counts, forward, random: Math.random, failed }));
  const targets = forward.map(({ name }) => name);
  return {
    routes,
    handlers: [],
    runnerHandlers: [logsRunnerHandler({ db, blobs, keys, news, clock, limits, targets, counts, failed })],
  };
}
