// What a server shows of itself to those who run it: health, figures, and its log.

import { describe, expect, test } from "vitest";
import { z } from "zod";
import { endpoint } from "../endpoints/endpoint.ts";
import { systemClock } from "../lib/clock.ts";
import type { RequestHandler } from "./handler.ts";
import { healthHandler } from "./health.ts";
import { openListener } from "./listener.ts";
import { askedGauge, counter, createMetrics } from "./metrics.ts";
import { hideTokens, openServerLog } from "./server-log.ts";

const quiet = () => undefined;
const log = { debug: quiet, info: quiet, warn: quiet, error: quiet };

async function asked(handler: RequestHandler, path: string): Promise<{ status: number; text: string }> {
  await using listener = await openListener({
    ...{ address: "127.0.0.1:0", handlers: [handler], log, clock: systemClock, graceMs: 50 },
  });
  const response = await fetch(`${listener.url}${path}`);
  return { status: response.status, text: await response.text() };
}

describe("health", () => {
  const checks = (database: () => Promise<boolean>) => healthHandler({ database, blobs: async () => true });

  test("a process that cannot do its work is alive and not ready, and says why", async () => {
    const handler = checks(() => Promise.reject(new Error("connection refused")));
    expect((await asked(handler, "/healthz")).status).toBe(200);
    const { status, text } = await asked(handler, "/readyz");
    expect([status, JSON.parse(text)]).toEqual([
      503,
      { status: "not ready", checks: { database: "connection refused", blobs: "ok" } },
    ]);
  });

  test("all checks good is ready; one that says no is not", async () => {
    expect(
      (
        await asked(
          checks(async () => true),
          "/readyz",
        )
      ).status,
    ).toBe(200);
    expect(
      (
        await asked(
          checks(async () => false),
          "/readyz?x=1",
        )
      ).status,
    ).toBe(503);
    expect(
      (
        await asked(
          checks(async () => true),
          "/readyzz",
        )
      ).status,
    ).toBe(404);
  });
});

test("figures tell calls by endpoint, the event loop's lag, and leave out what cannot be asked", async () => {
  const metrics = createMetrics();
  const made = endpoint({
    ...{ id: "getThing", method: "GET", path: "/x", summary: "", tag: "", access: { to: "anyone" } },
    ...{ params: z.object({}), query: z.object({}), body: z.undefined(), answer: z.undefined() },
  });
  metrics.answered(made, 404, 0.01);
  counter(metrics, "slipway_things_total", "Things").inc(3);
  askedGauge(metrics, "slipway_depth", "Depth", ["class"], async () => [
    { labels: { class: "a" }, value: 7 },
  ]);
  askedGauge(metrics, "slipway_away", "Away", [], () => Promise.reject(new Error("away")));
  const { status, text } = await asked(metrics.handler, "/metrics");
  expect(status).toBe(200);
  expect(text).toContain('slipway_http_request_seconds_count{endpoint="getThing",status="4xx"} 1');
  expect(text).toContain("slipway_nodejs_eventloop_lag_seconds");
  expect(text).toContain("slipway_things_total 3");
  expect(text).toContain('slipway_depth{class="a"} 7');
  expect(text).not.toMatch(/^slipway_away /m);
});

describe("the log", () => {
  const tokens = ["swp", "swt", "sww"].map(kind => `${kind}_${"aB3-_".repeat(9).slice(0, 43)}`);
  const runner = ["swc", "swk"].map(kind => `${kind}_0123456789abcdef01234567_${"x".repeat(43)}`);

  test("holds lines with fields, those of a child in each", () => {
    const lines: string[] = [];
    const top = openServerLog("info", line => void lines.push(line));
    top.child({ run: "r1", job: "j1", attempt: "a1" }).warn({ seconds: 3 }, "slow");
    top.debug({}, "not shown");
    expect(lines.map(line => JSON.parse(line))).toEqual([
      {
        level: "warn",
        time: expect.any(String),
        run: "r1",
        job: "j1",
        attempt: "a1",
        seconds: 3,
        msg: "slow",
      },
    ]);
  });

  test("never holds a token, wherever it stands", () => {
    const lines: string[] = [];
    const top = openServerLog("debug", line => void lines.push(line));
    for (const token of [...tokens, ...runner]) {
      top.info({ authorization: `Bearer ${token}`, deep: { list: [token] } }, `with ${token}.`);
      top.child({ token }).error({ error: new Error(token).stack, url: `/x?token=${token}` }, token);
      top.info({ [token]: 1, json: JSON.stringify({ token }) }, `a"${token}"`);
    }
    const text = lines.join("");
    for (const token of [...tokens, ...runner]) {
      expect(text).not.toContain(token);
      expect(text).not.toContain(token.slice(-20));
    }
    for (const line of lines) expect(() => JSON.parse(line)).not.toThrow();
  });

  test("hides passwords in addresses and leaves the rest alone", () => {
    expect(hideTokens("postgres://me:secret@host/db")).toBe("postgres://me:***@host/db");
    for (const text of ["https://host:8080/a@b", "swp_short", "answer_swp", "a:b@c", "http://[::1]:80/x"])
      expect(hideTokens(text)).toBe(text);
  });
});
