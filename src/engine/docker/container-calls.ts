// The daemon's container calls that more than one file makes, each with its fixed parameters.

import type { Duplex } from "node:stream";
import type { CreateContainer } from "./container-spec.ts";
import { type DaemonClient, DaemonError } from "./daemon-client.ts";

/** What an inspection tells, as far as it is used. */
export interface ContainerState {
  Id: string;
  Name: string;
  State: { Status: string; Running: boolean; OOMKilled?: boolean; ExitCode: number; Error?: string };
  Config: {
    Image: string;
    Env?: string[] | null;
    ExposedPorts?: Record<string, unknown> | null;
    Labels?: Record<string, string> | null;
  };
  NetworkSettings?: { Networks?: Record<string, { IPAddress?: string }> | null };
}

export async function createContainer(
  client: DaemonClient,
  name: string,
  body: CreateContainer,
): Promise<string> {
  const created = await client.call<{ Id: string }>({
    method: "POST",
    path: "/containers/create",
    query: { name },
    json: body,
  });
  return created.Id;
}

export async function startContainer(client: DaemonClient, id: string): Promise<void> {
  await client.call({ method: "POST", path: `/containers/${id}/start` });
}

/** Standard input and framed output of the container's main process. Attach before the start: nothing is kept. */
export function attachContainer(client: DaemonClient, id: string): Promise<Duplex> {
  return client.hijack({
    method: "POST",
    path: `/containers/${id}/attach`,
    query: { stream: true, stdin: true, stdout: true, stderr: true },
  });
}

/** Undefined where there is no such container. */
export async function inspectContainer(
  client: DaemonClient,
  id: string,
  signal?: AbortSignal,
): Promise<ContainerState | undefined> {
  return await unlessGone(
    client.call<ContainerState>({
      method: "GET",
      path: `/containers/${id}/json`,
      ...(signal === undefined ? {} : { signal }),
    }),
  );
}

/** Waits for the end of the container. Undefined where there is no such container any more. */
export async function waitForEnd(
  client: DaemonClient,
  id: string,
  signal: AbortSignal,
): Promise<number | undefined> {
  const answer = await unlessGone(
    client.call<{ StatusCode: number }>({ method: "POST", path: `/containers/${id}/wait`, signal }),
  );
  return answer?.StatusCode;
}

/** Ends and removes, with the volumes it alone has. Fine when it is gone already. */
export async function removeContainer(
  client: DaemonClient,
  idOrName: string,
  signal: AbortSignal,
): Promise<void> {
  const call = { method: "DELETE", path: `/containers/${encodeURIComponent(idOrName)}`, signal } as const;
  await unlessGone(client.call({ ...call, query: { force: true, v: true } }));
}

export async function removeNetwork(client: DaemonClient, name: string, signal: AbortSignal): Promise<void> {
  await unlessGone(client.call({ method: "DELETE", path: `/networks/${encodeURIComponent(name)}`, signal }));
}

export interface ExecRequest {
  command: string[];
  user?: string;
  env?: string[];
}

/** Runs a command in a running container to its end. Its output is dropped. */
export async function execToEnd(
  client: DaemonClient,
  id: string,
  request: ExecRequest,
  signal: AbortSignal,
): Promise<{ exitCode: number }> {
  const { Id } = await client.call<{ Id: string }>({
    method: "POST",
    path: `/containers/${id}/exec`,
    json: {
      Cmd: request.command,
      AttachStdin: false,
      AttachStdout: true,
      AttachStderr: true,
      Tty: false,
      ...(request.user === undefined ? {} : { User: request.user }),
      ...(request.env === undefined ? {} : { Env: request.env }),
    },
    signal,
  });
  const connection = await client.hijack({
    method: "POST",
    path: `/exec/${Id}/start`,
    json: { Detach: false, Tty: false },
    signal,
  });
  await untilEnded(connection, signal);
  const { ExitCode } = await client.call<{ ExitCode: number | null }>({
    method: "GET",
    path: `/exec/${Id}/json`,
    signal,
  });
  return { exitCode: ExitCode ?? -1 };
}

/** Reads a connection to its end and drops what comes. */
async function untilEnded(connection: Duplex, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const abort = () => {
      connection.destroy();
      reject(signal.reason);
    };
    signal.addEventListener("abort", abort, { once: true });
    connection.once("close", () => {
      signal.removeEventListener("abort", abort);
      resolve();
    });
    connection.on("error", () => connection.destroy());
    connection.on("end", () => connection.destroy());
    connection.resume();
    if (signal.aborted) abort();
  });
}

/** The answer, or undefined where the daemon says that the thing is not there. */
export async function unlessGone<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof DaemonError && error.status === 404) return undefined;
    // Someone else is removing it this moment.
    if (error instanceof DaemonError && error.status === 409 && /already in progress/.test(error.text)) {
      return undefined;
    }
    throw error;
  }
}
