// Figures of queue and runs, asked of the database when somebody reads them.

import { askedGauge } from "../../http/metrics.ts";
import type { Platform } from "./platform.ts";

/** Waiting jobs are few beside all there were: both statements walk along the partial indexes of what has not ended. */
export function queueFigures({ db, metrics }: Platform): void {
  askedGauge(
    metrics,
    "slipway_queue_jobs",
    "Jobs that have not ended, by class and state",
    ["class", "state"],
    async () => {
      const rows = await db.query<{ class: string; state: string; count: number }>(
        "select class, state, count(*) as count from jobs where state <> 'finished' group by class, state",
      );
      return rows.map(({ count, ...labels }) => ({ labels, value: count }));
    },
  );
  askedGauge(
    metrics,
    "slipway_queue_oldest_seconds",
    "Age of the oldest queued job, by class",
    ["class"],
    async () => {
      const rows = await db.query<{ class: string; age: number }>(
        `select class, extract(epoch from now() - min(queued_at))::float8 as age from jobs where state = 'queued' group by class`,
      );
      return rows.map(({ age, class: name }) => ({ labels: { class: name }, value: age }));
    },
  );
  askedGauge(
    metrics,
    "slipway_workers",
    "Workers whose lease is good, by whether they drain",
    ["draining"],
    async () => {
      const rows = await db.query<{ draining: boolean; count: number }>(
        "select draining, count(*) as count from workers where lease_until > now() group by draining",
      );
      return rows.map(({ draining, count }) => ({ labels: { draining: String(draining) }, value: count }));
    },
  );
  askedGauge(
    metrics,
    "slipway_runs_recent",
    "Runs that ended within the last hour, by outcome and reason",
    ["outcome", "reason"],
    async () => {
      const rows = await db.query<{ outcome: string; reason: string; count: number }>(
        `select outcome, reason, count(*) as count from runs
       where state = 'finished' and finished_at > now() - interval '1 hour' group by outcome, reason`,
      );
      return rows.map(({ count, ...labels }) => ({ labels, value: count }));
    },
  );
}
