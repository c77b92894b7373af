// The box as the runner sees it: files through the daemon's archive calls, signals through a short command inside its
// PID namespace, its main process through the attached channel.

import { messageOf, SlipwayError } from "../../core/failure.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Box, BoxChannel } from "../engine.ts";
import { getArchive, putArchive } from "./box-archive.ts";
import { type ChannelInput, openChannel } from "./box-channel.ts";
import { execToEnd, inspectContainer } from "./container-calls.ts";
import { type DaemonClient, DaemonError } from "./daemon-client.ts";
import { openTerminal } from "./terminal.ts";

export interface BoxInput {
  client: DaemonClient;
  clock: Clock;
  id: string;
  channel: BoxChannel;
  shownImage: string;
  life: AbortSignal;
  report(level: "warning" | "debug", message: string): void;
}

export function dockerBox(input: BoxInput): Box {
  const { client, id, life } = input;
  const place = { client, id, shownImage: input.shownImage };
  let channel = input.channel;
  return {
    get channel() {
      return channel;
    },
    put: (archive, at, signal) => putArchive(place, archive, at, AbortSignal.any([signal, life])),
    get: (path, signal) => getArchive(place, path, AbortSignal.any([signal, life])),
    signalAll: name => signalAll(input, name),
    async restart(signal) {
      signal.throwIfAborted();
      await endIfRunning(client, id, signal);
      const opening: ChannelInput = { client, clock: input.clock, id, nonce: channel.nonce, life };
      channel = await openChannel(opening);
      return channel;
    },
    terminal: request => openTerminal(place, request),
  };
}

/** How long the command that sends the signal may take. Milliseconds. */
const signalLimitMs = 20_000;

async function signalAll(input: BoxInput, name: "TERM" | "KILL"): Promise<void> {
  const { client, id } = input;
  const limit = AbortSignal.any([AbortSignal.timeout(signalLimitMs), input.life]);
  try {
    // The kernel spares the first process and the sender itself.
    const command = ["/bin/sh", "-c", `kill -${name} -1`];
    await execToEnd(client, id, { command, user: "0" }, limit);
  } catch (error) {
    if (input.life.aborted) return;
    const state = await inspectContainer(client, id, limit);
    if (state === undefined || !state.State.Running) return;
    input.report(
      "debug",
      `could not signal the box from inside (${messageOf(error)}): signalling it as a whole`,
    );
    await endByDaemon(client, id, name, limit);
  }
}

/** The whole container: with KILL the supervisor goes too, and the box has to be restarted. */
async function endByDaemon(
  client: DaemonClient,
  id: string,
  name: "TERM" | "KILL",
  signal: AbortSignal,
): Promise<void> {
  try {
    await client.call({ method: "POST", path: `/containers/${id}/kill`, query: { signal: name }, signal });
  } catch (error) {
    // 409: it ended meanwhile.
    if (!(error instanceof DaemonError) || (error.status !== 404 && error.status !== 409)) throw error;
  }
}

async function endIfRunning(client: DaemonClient, id: string, signal: AbortSignal): Promise<void> {
  const state = await inspectContainer(client, id, signal);
  if (state === undefined) {
    throw new SlipwayError("box-gone", "the box container was removed by someone else");
  }
  if (!state.State.Running) return;
  await client.call({ method: "POST", path: `/containers/${id}/stop`, query: { t: 1 }, signal });
}
