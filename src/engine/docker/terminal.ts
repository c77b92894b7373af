// An interactive shell in the running box: an exec with a terminal of its own whose bytes pass through untouched.

import type { Duplex } from "node:stream";
import type { TerminalRequest } from "../engine.ts";
import type { DaemonClient } from "./daemon-client.ts";

const defaultShell = ["/bin/sh", "-c", "if [ -x /bin/bash ]; then exec /bin/bash; else exec /bin/sh; fi"];

/** Opens the shell and resolves when it has ended. A real terminal is in raw mode meanwhile. */
export async function openTerminal(
  client: DaemonClient,
  id: string,
  request: TerminalRequest,
): Promise<void> {
  const { signal } = request;
  signal.throwIfAborted();
  const { Id } = await client.call<{ Id: string }>({
    method: "POST",
    path: `/containers/${id}/exec`,
    json: {
      Cmd: request.command ?? defaultShell,
      Env: ["TERM=xterm-256color"],
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
      Tty: true,
    },
    signal,
  });
  const connection = await client.hijack({
    method: "POST",
    path: `/exec/${Id}/start`,
    json: { Detach: false, Tty: true },
    signal,
  });
  const resize = () => {
    const { columns, rows } = request.size();
    const query = { h: rows, w: columns };
    // A terminal of the wrong size is no reason to end the session.
    client.call({ method: "POST", path: `/exec/${Id}/resize`, query }).catch(() => {});
  };
  const stopResizing = request.onResize(resize);
  const { input } = request as { input: { isTTY?: boolean; setRawMode?: (on: boolean) => void } };
  const raw = (on: boolean) => {
    if (input.isTTY === true) input.setRawMode?.(on);
  };
  try {
    raw(true);
    resize();
    await converse(connection, request);
  } finally {
    raw(false);
    stopResizing();
  }
}

async function converse(connection: Duplex, request: TerminalRequest): Promise<void> {
  const { input, output, signal } = request;
  const typed = (bytes: Buffer | string) => {
    connection.write(bytes);
  };
  await new Promise<void>((resolve, reject) => {
    const abort = () => connection.destroy();
    signal.addEventListener("abort", abort, { once: true });
    connection.on("data", (bytes: Buffer) => {
      if (output.write(bytes)) return;
      connection.pause();
      output.once("drain", () => connection.resume());
    });
    connection.on("end", () => connection.destroy());
    connection.on("error", () => connection.destroy());
    connection.once("close", () => {
      signal.removeEventListener("abort", abort);
      input.off("data", typed);
      input.pause();
      if (signal.aborted) reject(signal.reason);
      else resolve();
    });
    if (signal.aborted) abort();
    if (request.prelude !== "") connection.write(request.prelude);
    input.on("data", typed);
    input.resume();
  });
}
