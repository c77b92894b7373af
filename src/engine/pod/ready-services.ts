// Whether the services of a Pod are ready. They share its network, so a connection from the runner tells; what a command
// tells only the kubelet can hear, and leaves a file.

import { lstat } from "node:fs/promises";
import { connect } from "node:net";
import { cancelOf } from "../../core/cancel.ts";
import type { Refusal } from "../../core/failure.ts";
import type { Clock } from "../../lib/clock.ts";
import { pause } from "../../lib/pause.ts";
import type { ContainerSpec } from "../engine.ts";

/** Where every container of a Pod reaches the others. */
export const podAddress = "127.0.0.1";

export interface ReadyPlace {
  clock: Clock;
  /** What is there when the `ready` command of a service has succeeded; it is never opened. */
  readyFile?(alias: string): string;
}

/** Between two probes: short at first, since most services are quick. Milliseconds. */
const pauses = [20, 50, 100, 200, 300, 500];

/**
 * Waits until a service is ready. The time begins with the call; an image that is still being pulled counts, since nobody
 * in the Pod can know. Throws the signal's reason.
 */
export async function waitUntilReady(
  spec: ContainerSpec,
  { clock, readyFile }: ReadyPlace,
  signal: AbortSignal,
): Promise<Refusal | undefined> {
  const { ready } = spec;
  const file = readyFile?.(spec.alias);
  if (ready === undefined || (ready.port === undefined && file === undefined)) return undefined;
  const probe = () => (ready.port === undefined ? exists(file ?? "") : listens(ready.port, signal));
  const began = clock.monotonic();
  for (let attempt = 0; ; attempt++) {
    if (await probe()) return undefined;
    if (signal.aborted) throw cancelOf(signal);
    const rest = ready.timeoutMs - (clock.monotonic() - began);
    if (rest <= 0) return notReady(spec);
    await pause(clock, Math.min(rest, pauses[attempt] ?? 500), signal);
  }
}

async function exists(file: string): Promise<boolean> {
  return (await lstat(file).catch(() => undefined)) !== undefined;
}

function listens(port: number, signal: AbortSignal): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ host: podAddress, port, signal });
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(1_000, () => end(false));
    socket.once("connect", () => end(true));
    socket.once("error", () => end(false));
  });
}

function notReady({ alias, shownImage, ready }: ContainerSpec): Refusal {
  return {
    code: "service-not-ready",
    message: `service ${alias} (image ${shownImage}) was not ready (${ready?.command ?? `port ${ready?.port}`}) within ${(ready?.timeoutMs ?? 0) / 1000} s`,
    hint: "look at the Pod's events, and at the service's env and its ready setting; a service that takes long to pull needs a longer timeout",
  };
}
