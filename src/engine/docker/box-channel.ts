// The three streams of the box's main process over an attached connection, and the truth about its end: an exit is
// what the daemon says of the container, never merely that a connection closed.

import type { Duplex } from "node:stream";
import { messageOf } from "../../core/failure.ts";
import type { Clock } from "../../lib/clock.ts";
import type { BoxChannel, BoxEnd } from "../engine.ts";
import { attachContainer, inspectContainer, startContainer, waitForEnd } from "./container-calls.ts";
import type { DaemonClient } from "./daemon-client.ts";
import { outputOf } from "./output-frames.ts";

export interface ChannelInput {
  client: DaemonClient;
  clock: Clock;
  id: string;
  nonce: string;
  /** Ends when the workspace is disposed of: nothing is asked of the daemon afterwards. */
  life: AbortSignal;
}

/** Attaches to the created or stopped container and starts it. Throws where the daemon refuses the start. */
export async function openChannel(input: ChannelInput): Promise<BoxChannel> {
  const { client, id } = input;
  const connection = await attachContainer(client, id);
  // Its errors show as the end of the output and in `closed`.
  connection.on("error", () => {});
  try {
    await startContainer(client, id);
  } catch (error) {
    connection.destroy();
    throw error;
  }
  const closed = endOf(input, connection);
  const close = () => connection.destroy();
  input.life.addEventListener("abort", close, { once: true });
  void closed.then(end => {
    input.life.removeEventListener("abort", close);
    // The daemon closes the stream of an ended container itself, after its last output.
    if (end.kind === "lost") close();
  });
  return {
    nonce: input.nonce,
    output: outputOf(connection),
    write: text => write(connection, text),
    closed,
  };
}

/** Text that can no longer be delivered is dropped: `closed` tells of the end. */
function write(connection: Duplex, text: string): Promise<void> {
  if (connection.destroyed || connection.writableEnded) return Promise.resolve();
  return new Promise(resolve => {
    connection.write(text, () => resolve());
  });
}

/** How long a cut connection may come before the news that the container ended. Milliseconds. */
const settleMs = 2_000;

async function endOf(input: ChannelInput, connection: Duplex): Promise<BoxEnd> {
  const { client, id, life } = input;
  const cut = new AbortController();
  let forgetCut = () => {};
  connection.once("close", () => {
    forgetCut = input.clock.after(settleMs, () => cut.abort());
  });
  try {
    const exitCode = await waitForEnd(client, id, AbortSignal.any([life, cut.signal]));
    return await exited(input, exitCode);
  } catch {
    // The wait was broken off; what the container does now decides.
  } finally {
    forgetCut();
  }
  if (life.aborted) return { kind: "lost", message: "the workspace was closed" };
  try {
    const state = await inspectContainer(client, id, AbortSignal.timeout(5_000));
    if (state === undefined)
      return { kind: "lost", message: "the box container was removed by someone else" };
    if (!state.State.Running) return exitOf(state.State.ExitCode, state.State.OOMKilled);
    return { kind: "lost", message: "the connection to the box was cut while it ran" };
  } catch (error) {
    return { kind: "lost", message: messageOf(error) };
  }
}

async function exited(input: ChannelInput, exitCode: number | undefined): Promise<BoxEnd> {
  const { client, id } = input;
  const state = await inspectContainer(client, id, AbortSignal.timeout(5_000));
  if (exitCode === undefined) {
    return { kind: "lost", message: "the box container was removed by someone else" };
  }
  return exitOf(exitCode, state?.State.OOMKilled);
}

function exitOf(exitCode: number, oomKilled: boolean | undefined): BoxEnd {
  return { kind: "exited", exitCode, outOfMemory: oomKilled === true };
}
