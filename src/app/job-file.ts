// Jobs as files: `--dump-job` writes one, `--job` reads it again. Secret values are never in them; who runs the job hands
// them over by environment variables `XXX_NAME`.

import { readFile, rename, writeFile } from "node:fs/promises";
import path from "node:path";
import { accept, messageOf, type Result, refuse } from "../core/failure.ts";
import type { EnvEntry, Job } from "../core/job.ts";
import { Secret } from "../core/secret.ts";
import type { PreparedJob } from "./prepare-jobs.ts";

const mostBytes = 64 * 1024 * 1024;

/** Writes the job, whole or not at all. */
export async function writeJobFile(file: string, job: Job): Promise<void> {
  const fresh = path.join(path.dirname(file), `.${path.basename(file)}.${process.pid}`);
  await writeFile(fresh, `${JSON.stringify(job, undefined, 2)}\n`, { mode: 0o600 });
  await rename(fresh, file);
}

/** Reads a job and takes its secrets from the environment. Refuses what is no job. */
export async function readJobFile(
  file: string,
  environment: readonly EnvEntry[],
): Promise<Result<PreparedJob>> {
  let text: string;
  try {
    const bytes = await readFile(file);
    if (bytes.length > mostBytes) return refuse("job-file", `${file} is larger than 64 MiB`);
    text = bytes.toString("utf8");
  } catch (error) {
    return refuse(
      "job-file",
      `cannot read the job ${file}: ${messageOf(error)}`,
      "write one with --dump-job",
    );
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return refuse("job-file", `${file} is no JSON: ${messageOf(error)}`, "write one with --dump-job");
  }
  const { parseJob } = await import("./job-schema.ts");
  const parsed = parseJob(value);
  if (!parsed.ok) {
    return refuse(
      "job-file",
      `${file} is no job of this version: ${parsed.problem}`,
      "write it again with --dump-job",
    );
  }
  const values = new Map(environment.map(({ name, value: each }) => [name, each]));
  const secrets = new Map<string, Secret>();
  for (const { name } of parsed.job.secrets) {
    const secret = values.get(`XXX_${name}`);
    if (secret !== undefined) secrets.set(name, new Secret(secret));
  }
  return accept({ job: parsed.job, secrets });
}
