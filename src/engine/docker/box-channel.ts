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

/** Between two waits, when one was broken off and the box runs on. Milliseconds. */
const waitAgainMs = 500;

async function endOf(input: ChannelInput, connection: Duplex): Promise<BoxEnd> {
  for (;;) {
    const exitCode = await waitWhileConnected(input, connection);
    if (input.life.aborted) return lost("the workspace was closed");
    try {
      const state = await inspectContainer(input.client, input.id, AbortSignal.timeout(5_000));
      if (state === undefined) return lost("the box container was removed by someone else");
      const { Running, ExitCode, OOMKilled } = state.State;
      if (!Running) {
        return { kind: "exited", exitCode: exitCode ?? ExitCode, outOfMemory: OOMKilled === true };
      }
    } catch (error) {
      return lost(messageOf(error));
    }
    // Only the wait was broken off, by a proxy that has no patience: the streams are what counts.
    if (connection.destroyed) return lost("the connection to the box was cut while it ran");
    await new Promise<void>(resolve => input.clock.after(waitAgainMs, resolve));
  }
}

function lost(message: string): BoxEnd {
  return { kind: "lost", message };
}

/** The exit code, or undefined when the wait was broken off: then the container itself has to be looked at. */
async function waitWhileConnected(input: ChannelInput, connection: Duplex): Promise<number | undefined> {
  const cut = new AbortController();
  let forget = () => {};
  const onClose = () => {
    forget = input.clock.after(settleMs, () => cut.abort());
  };
  connection.once("close", onClose);
  try {
    return await waitForEnd(input.client, input.id, AbortSignal.any([input.life, cut.signal]));
  } catch {
    return undefined;
  } finally {
    connection.off("close", onClose);
    forget();
  }
}
