// An interactive shell in the running box: an exec with a terminal of its own whose bytes pass through untouched. What
// is typed first for the person goes in as the shell's start-up file: a terminal would echo it, and it holds secrets.

import type { Duplex } from "node:stream";
import { SlipwayError } from "../../core/failure.ts";
import { packEntries } from "../../lib/tar/pack-entries.ts";
import type { TerminalRequest } from "../engine.ts";
import { type ArchivePlace, putArchive } from "./box-archive.ts";
import { execToEnd } from "./container-calls.ts";
import type { DaemonClient } from "./daemon-client.ts";

const startUp = ".slipway-terminal";
const interactive = `if [ -x /bin/bash ]; then exec /bin/bash --rcfile /${startUp}; else ENV=/${startUp} exec /bin/sh; fi`;
const withCommand = `. /${startUp}; exec "$@"`;
/** How long removing the start-up file may take. Milliseconds. */
const removeLimitMs = 10_000;

/** Opens the shell and resolves when it has ended. A real terminal is in raw mode meanwhile. */
export async function openTerminal(place: ArchivePlace, request: TerminalRequest): Promise<void> {
  const { client, id } = place;
  const { signal } = request;
  signal.throwIfAborted();
  const file = { kind: "file" as const, path: startUp, mode: 0o644, content: request.prelude };
  const put = await putArchive(
    place,
    packEntries([file], { owner: { uid: 0, gid: 0 }, mtime: 0 }),
    "/",
    signal,
  );
  if (!put.ok) throw new SlipwayError(put.refusal.code, put.refusal.message);
  try {
    await openShell(client, id, request);
  } finally {
    const limit = AbortSignal.timeout(removeLimitMs);
    // A box that has ended meanwhile takes the file with it.
    await execToEnd(client, id, { command: ["rm", "-f", `/${startUp}`], user: "0" }, limit).catch(() => {});
  }
}

async function openShell(client: DaemonClient, id: string, request: TerminalRequest): Promise<void> {
  const { signal, command } = request;
  const { Id } = await client.call<{ Id: string }>({
    method: "POST",
    path: `/containers/${id}/exec`,
    json: {
      Cmd: ["/bin/sh", "-c", ...(command === undefined ? [interactive] : [withCommand, "sh", ...command])],
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
  // One after the other, or an older size could arrive last.
  let resizing: Promise<unknown> = Promise.resolve();
  const resize = () => {
    resizing = resizing.then(() => {
      const { columns, rows } = request.size();
      const query = { h: rows, w: columns };
      // A terminal of the wrong size is no reason to end the session.
      return client.call({ method: "POST", path: `/exec/${Id}/resize`, query }).catch(() => {});
    });
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
    input.on("data", typed);
    input.resume();
  });
}
