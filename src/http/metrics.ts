// Figures of one process in the form that Prometheus reads, at `/metrics`.

import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { Endpoint } from "../endpoints/endpoint.ts";
import type { RequestHandler } from "./handler.ts";

export interface Metrics {
  registry: Registry;
  handler: RequestHandler;
  /** For `RouterOptions.answered`. */
  answered(endpoint: Endpoint, status: number, seconds: number): void;
}

/** With what Node says of itself: event loop lag, heap, processor time. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: "slipway_" });
  const requests = new Histogram({
    name: "slipway_http_request_seconds",
    help: "Time of calls by endpoint and class of status",
    labelNames: ["endpoint", "status"],
    buckets: [0.005, 0.02, 0.05, 0.1, 0.3, 1, 3, 10, 30],
    registers: [registry],
  });
  return {
    registry,
    answered: ({ id }, status, seconds) =>
      requests.observe({ endpoint: id, status: `${Math.floor(status / 100)}xx` }, seconds),
    async handler(request, response) {
      if (request.url?.split("?", 1)[0] !== "/metrics" || request.method !== "GET") return false;
      const text = await registry.metrics();
      response
        .writeHead(200, { "content-type": registry.contentType, "cache-control": "no-store" })
        .end(text);
      return true;
    },
  };
}

/** A figure that is asked for when somebody reads it. */
export function askedGauge(
  { registry }: Metrics,
  name: string,
  help: string,
  labelNames: string[],
  ask: () => Promise<{ labels: Record<string, string>; value: number }[]>,
): void {
  new Gauge({
    name,
    help,
    labelNames,
    registers: [registry],
    async collect() {
      // A database that is away makes a gap, not an error of the whole page, and not a zero.
      const values = await ask().catch(() => []);
      this.reset();
      if (labelNames.length === 0) this.remove();
      for (const { labels, value } of values) this.set(labels, value);
    },
  });
}

export function counter(
  { registry }: Metrics,
  name: string,
  help: string,
  labelNames: string[] = [],
): Counter {
  return new Counter({ name, help, labelNames, registers: [registry] });
}

export function histogram({ registry }: Metrics, name: string, help: string, buckets: number[]): Histogram {
  return new Histogram({ name, help, buckets, registers: [registry] });
}
