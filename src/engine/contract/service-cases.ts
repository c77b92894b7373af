// Services beside a box. Part of the contract suite.

import { expect } from "vitest";
import { type Cases, reported } from "./context.ts";

export const serviceCases = {
  "a service is reached through its link variables": async context => {
    const { service, scripts } = context;
    const serving = context.container({ alias: "my-store", ...service.serving(8099, "served") });
    await using box = await context.start({
      services: [{ ...serving, ready: { port: 8099, timeoutMs: 20_000 } }],
    });
    const run = await box.run(service.read("$MY_STORE_PORT_8099_TCP_ADDR", "$MY_STORE_PORT_8099_TCP_PORT"));
    expect(run).toMatchObject({ status: 0, stdout: expect.stringContaining("served") });
    expect((await box.run(scripts.printVariable("MY_STORE_PORT"))).stdout).toMatch(/^tcp:\/\/[\d.]+:8099\n$/);
    expect((await box.run(scripts.printVariable("MY_STORE_PORT_8099_TCP_PROTO"))).stdout).toBe("tcp\n");
  },

  "a service is reached by its alias": async context => {
    const { service } = context;
    const serving = context.container({ alias: "store", ...service.serving(8098, "by name") });
    await using box = await context.start({
      services: [{ ...serving, ready: { port: 8098, timeoutMs: 20_000 } }],
    });
    const run = await box.run(service.read("store", "8098"));
    expect(run).toMatchObject({ status: 0, stdout: expect.stringContaining("by name") });
  },

  "a service that never gets ready is refused": async context => {
    const deaf = context.container({ alias: "deaf", ...context.service.deaf });
    const started = await context.engine.start(
      context.request({ services: [{ ...deaf, ready: { port: 8097, timeoutMs: 300 } }] }),
    );
    if (started.ok) await started.value[Symbol.asyncDispose]();
    expect(started).toMatchObject({ ok: false, refusal: { code: "service-not-ready" } });
    if (!started.ok) expect(started.refusal.message).toContain("deaf");
  },

  "a crashed service's last words are reported": async context => {
    const crashing = context.container({
      alias: "weak",
      ...context.service.crashing("last words", "and why"),
    });
    await using box = await context.start({ services: [crashing] });
    const name = crashing.shownImage;
    await reported(context, () => context.printed(`${name}-stdout`).includes("last words"));
    await reported(context, () => context.printed(`${name}-stderr`).includes("and why"));
    expect((await box.run(context.scripts.print("goes on", "", 0))).stdout).toBe("goes on\n");
  },
} satisfies Cases;
