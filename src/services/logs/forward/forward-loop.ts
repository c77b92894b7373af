// Keeps one outside log service supplied, for as long as the server runs. While the service is away, it is asked again after
// growing pauses.

import type { Clock } from "../../../lib/clock.ts";
import { pause } from "../../../lib/pause.ts";
import { type ForwardOptions, forwardPass } from "./forward-pass.ts";
import type { Forwarder, ForwardTarget } from "./forwarder.ts";
import { createLokiForwarder } from "./loki.ts";
import { createNdjsonForwarder } from "./ndjson.ts";

/** Between looks that found nothing. Milliseconds. */
const everyMs = 1000;
const firstPauseMs = 1000;
const longestPauseMs = 60_000;

export interface ForwardLoopOptions extends ForwardOptions {
  /** From 0 to 1: pauses of several processes are not the same. */
  random(): number;
}

export async function forwardLoop(
  options: ForwardLoopOptions,
  target: ForwardTarget,
  signal: AbortSignal,
): Promise<void> {
  const { clock, failed, random } = options;
  const forwarder = createForwarder(target, clock);
  let failures = 0;
  while (!signal.aborted) {
    let waitMs = everyMs;
    try {
      const { more, later } = await forwardPass(options, target.name, forwarder, signal);
      if (later === undefined) {
        failures = 0;
        if (more) continue;
      } else {
        failures++;
        // Told once an outage.
        if (failures === 1) failed(`forward logs to ${target.name}`, new Error(later.reason));
        waitMs =
          later.afterMs ??
          Math.min(longestPauseMs, firstPauseMs * 2 ** (failures - 1)) * (0.75 + random() / 2);
      }
    } catch (error) {
      if (!signal.aborted) failed(`forward logs to ${target.name}`, error);
    }
    await pause(clock, waitMs, signal);
  }
}

function createForwarder(target: ForwardTarget, clock: Clock): Forwarder {
  return target.kind === "loki" ? createLokiForwarder(target, clock) : createNdjsonForwarder(target, clock);
}
