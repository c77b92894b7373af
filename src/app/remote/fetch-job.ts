// Brings a job of a server to this machine: its source, its inputs, its cache, and the job itself as a file that a run can
// take. Protected values do not come along: there is no way in which the server would tell them.

import { execFile } from "node:child_process";
import { mkdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { Readable } from "node:stream";
import { promisify } from "node:util";
import { createZstdDecompress } from "node:zlib";
import type { Client } from "../../client/client.ts";
import { SlipwayError } from "../../core/failure.ts";
import type { Job, StepSpec } from "../../core/job.ts";
import { unpackAtomically } from "../../lib/tar/unpack-atomically.ts";

export interface FetchedJob {
  /** The source, where the run goes on. */
  directory: string;
  /** For `slipway run --job`. */
  jobFile: string;
  pipeline: string;
  /** Names whose values have to come from somewhere else. */
  protectedNames: string[];
}

export interface FetchJobInput {
  client: Client;
  jobId: string;
  /** Emptied and filled. */
  target: string;
  /** Stop before this step (id or name), and open a shell there. */
  step?: string;
  say(text: string): Promise<void> | void;
  signal: AbortSignal;
}

const run = promisify(execFile);
const mostBytes = 50 * 2 ** 30;

/** Throws what the client throws; SlipwayError `replay-step` for a step that is not there, `replay-source`. */
export async function fetchJob(input: FetchJobInput): Promise<FetchedJob> {
  const { client, jobId, target, say, signal } = input;
  const replay = await client.getReplay({ params: { job: jobId }, signal });
  const spec = replay.spec as unknown as Job;
  const cut = input.step === undefined ? spec : stopBefore(spec, input.step);
  const job = withVariables(cut, replay.variables, replay.protectedNames);
  await rm(target, { recursive: true, force: true });
  const directory = path.join(target, "source");
  await mkdir(directory, { recursive: true });
  if (replay.source.kind === "sent") {
    await say("fetching the source that was sent");
    await unpack(client.stream("getReplaySource", { params: { job: jobId }, signal }), directory);
  }
  if (replay.source.kind === "git") {
    await say(`cloning ${replay.source.repository}`);
    await clone(replay.source.repository, replay.source.commit, directory);
  }
  for (const { directory: below, jobId: producer, artifact } of replay.inputs) {
    await say(`fetching the output of ${below === "" ? "the job before" : below}`);
    const place = below === "" ? directory : path.join(directory, below);
    await unpack(client.stream("getArtifact", { params: { job: producer, artifact }, signal }), place);
  }
  if (replay.hasCache) {
    await say("fetching the cache");
    const cache = client.stream("getReplayCache", { params: { job: jobId }, query: {}, signal });
    await unpack(cache, path.join(directory, ".slipway", "cache"));
  }
  const jobFile = path.join(target, "job.json");
  await writeFile(jobFile, `${JSON.stringify(job, undefined, 2)}\n`, { mode: 0o600 });
  return { directory, jobFile, pipeline: job.pipeline, protectedNames: replay.protectedNames };
}

async function unpack(answer: Promise<{ body: AsyncIterable<Uint8Array> }>, target: string): Promise<void> {
  const { body } = await answer;
  const archive = Readable.from(body, { objectMode: false }).pipe(createZstdDecompress());
  const unpacked = await unpackAtomically(target, archive, { maxTotalBytes: mostBytes });
  if (!unpacked.ok) throw new SlipwayError(unpacked.refusal.code, unpacked.refusal.message);
}

/** With the person's own git and rights. */
async function clone(repository: string, commit: string, directory: string): Promise<void> {
  try {
    await run("git", ["clone", "--quiet", "--no-checkout", "--", repository, directory]);
    await run("git", ["-C", directory, "checkout", "--quiet", "--detach", commit]);
  } catch (cause) {
    throw new SlipwayError("replay-source", `commit ${commit} of ${repository} could not be cloned`, {
      cause,
      hint: "check that you may read the repository from here, and that the commit is still there",
    });
  }
}

function withVariables(job: Job, variables: Record<string, string>, protectedNames: readonly string[]): Job {
  const added = Object.entries(variables).map(([name, value]) => ({ name, value }));
  const names = new Set(added.map(({ name }) => name));
  const known = new Set(job.secrets.map(({ name }) => name));
  const secrets = protectedNames.filter(name => !known.has(name)).map(name => ({ name, exported: true }));
  return {
    ...job,
    environment: [...job.environment.filter(({ name }) => !names.has(name)), ...added],
    secrets: [...job.secrets, ...secrets],
  };
}

/** The steps before, and in the place of the named one a shell, with all that the job has exported. */
function stopBefore(job: Job, name: string): Job {
  const at = job.steps.findIndex(step => step.id === name || step.displayName === name || step.name === name);
  if (at === -1) {
    const names = job.steps.map(step => step.displayName).join(", ");
    throw new SlipwayError("replay-step", `the job has no step "${name}"`, { hint: `there are: ${names}` });
  }
  const shell: StepSpec = {
    id: "internal-shell-replay",
    ref: "internal/shell",
    owner: "internal",
    name: "shell",
    displayName: `shell before ${job.steps[at]!.displayName}`,
    options: [],
    properties: [],
    source: { kind: "internal", action: "shell" },
  };
  return { ...job, steps: [...job.steps.slice(0, at), shell], afterSteps: [], artifacts: [] };
}
