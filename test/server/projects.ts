// Projects whose sources are sent, for tests of a whole server.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { sendTree } from "../../src/app/remote/send-tree.ts";
import type { Client } from "../../src/client/client.ts";
import { eventually } from "./server-process.ts";

const project = { organisation: "main", project: "app" };
const { signal } = new AbortController();

/** Makes the project and lets the default class use the host engine. */
export async function makeProject(client: Client, name = "app"): Promise<void> {
  await client.setClass({ params: { class: "default" }, body: { engine: "host" } });
  await client.createProject({ params: { organisation: "main" }, body: { name } });
}

/** Starts a run of a file; answers the run's id. */
export async function startRun(
  client: Client,
  file: string,
  what: { pipeline?: string; workflow?: string } = { pipeline: "build" },
): Promise<string> {
  const directory = mkdtempSync(path.join(os.tmpdir(), "slipway-tree-"));
  try {
    writeFileSync(path.join(directory, "slipway.yml"), file);
    const source = await sendTree({ client, project, directory, signal });
    return (await client.createRun({ params: project, body: { source, ...what } })).id;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

export type Run = Awaited<ReturnType<Client["getRun"]>>;

/** The run when it has ended. A server that is away meanwhile is asked again. */
export function endOf(client: Client, id: string, ms?: number): Promise<Run> {
  return eventually(
    async () => {
      const run = await client.getRun({ params: { run: id } }).catch(() => undefined);
      return run?.state === "finished" ? run : undefined;
    },
    `the end of run ${id}`,
    ms,
  );
}

/** The whole log of the last try of a job. */
export async function logOf(client: Client, job: Run["jobs"][number]): Promise<string> {
  const attempt = job.attempts.at(-1)!.id;
  const { body } = await client.stream("getLog", { params: { job: job.id, attempt }, query: {} });
  const parts: Uint8Array[] = [];
  for await (const part of body) parts.push(part);
  return Buffer.concat(parts).toString("utf8");
}

/** The log as soon as it holds a text. */
export function logWith(client: Client, id: string, text: string): Promise<string> {
  return eventually(async () => {
    const { jobs } = await client.getRun({ params: { run: id } });
    const job = jobs.find(each => each.attempts.length > 0);
    const log = job === undefined ? "" : await logOf(client, job).catch(() => "");
    return log.includes(text) ? log : undefined;
  }, `"${text}" in the log of run ${id}`);
}
