// Brings a job of a server to this machine: its source, its inputs, its cache, and the job itself as a file that a run can
// take. Protected values do not come along: there is no way in which the server would tell them.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { ApiProblem, type Client, type StreamAnswer } from "../../client/client.ts";
import { SlipwayError } from "../../core/failure.ts";
import type { Job, StepSpec } from "../../core/job.ts";
import { unpackAnswer } from "./unpack-answer.ts";

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
  /** That of the person, for git. */
  environment: Readonly<Record<string, string | undefined>>;
  signal: AbortSignal;
}

/** Throws what the client throws; SlipwayError `replay-step` for a step that is not there, `replay-source`, `git-missing`. */
export async function fetchJob(input: FetchJobInput): Promise<FetchedJob> {
  const { client, jobId, target, say, signal } = input;
  const replay = await client.getReplay({ params: { job: jobId }, signal });
  const spec = replay.spec as unknown as Job;
  const cut = input.step === undefined ? spec : stopBefore(spec, input.step);
  const job = withVariables(cut, replay.variables, replay.protectedNames);
  await rm(target, { recursive: true, force: true });
  const directory = path.join(target, "source");
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const unpack = async (answer: Promise<StreamAnswer>, place: string) =>
    unpackAnswer(await answer, place, signal);
  if (replay.source.kind === "sent") {
    await say("fetching the source that was sent");
    await unpack(client.stream("getReplaySource", { params: { job: jobId }, signal }), directory);
  }
  if (replay.source.kind === "git") {
    await say(`cloning ${replay.source.repository}`);
    await clone(replay.source, directory, input);
  }
  for (const { directory: below, jobId: producer, artifact } of replay.inputs) {
    await say(`fetching the output of ${below === "" ? "the job before" : below}`);
    const place = path.join(directory, below);
    if (place !== directory && !place.startsWith(directory + path.sep)) {
      throw new SlipwayError(
        "replay-source",
        `an input would lie outside the source: ${JSON.stringify(below)}`,
      );
    }
    await unpack(client.stream("getArtifact", { params: { job: producer, artifact }, signal }), place);
  }
  if (replay.hasCache) {
    await say("fetching the cache");
    const cache = client.stream("getReplayCache", { params: { job: jobId }, query: {}, signal });
    await unpackCache(cache, directory, signal);
  }
  const jobFile = path.join(target, "job.json");
  await writeFile(jobFile, `${JSON.stringify(job, undefined, 2)}\n`, { mode: 0o600 });
  return { directory, jobFile, pipeline: job.pipeline, protectedNames: replay.protectedNames };
}

/** A cache that has just expired is none. */
async function unpackCache(
  answer: Promise<StreamAnswer>,
  directory: string,
  signal: AbortSignal,
): Promise<void> {
  try {
    await unpackAnswer(await answer, path.join(directory, ".slipway", "cache"), signal);
  } catch (error) {
    if (!(error instanceof ApiProblem) || error.status !== 404) throw error;
  }
}

const address = /^(?:https?|ssh|git|file):\/\/|^[A-Za-z0-9_.-]+@[A-Za-z0-9.-]+:(?!\/\/)/;

/** With the person's own git and rights. What the server says of where is not believed to be an address. */
async function clone(
  { repository, commit }: { repository: string; commit: string },
  directory: string,
  input: FetchJobInput,
): Promise<void> {
  if (!address.test(repository) || !/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(commit)) {
    throw new SlipwayError(
      "replay-source",
      `the server names no commit of a repository: ${repository} ${commit}`,
    );
  }
  const cloned =
    (await git(["clone", "--quiet", "--no-checkout", "--", repository, directory], input)) &&
    (await git(["-C", directory, "checkout", "--quiet", "--detach", commit], input));
  if (cloned) return;
  throw new SlipwayError("replay-source", `commit ${commit} of ${repository} could not be cloned`, {
    hint: "check that you may read the repository from here, and that the commit is still there",
  });
}

/** What git says, and asks, is the person's to read. */
async function git(args: string[], { environment, signal }: FetchJobInput): Promise<boolean> {
  try {
    const child = spawn("git", args, { stdio: ["inherit", "ignore", "inherit"], env: environment, signal });
    const [code] = await once(child, "exit");
    return code === 0;
  } catch (cause) {
    signal.throwIfAborted();
    throw new SlipwayError("git-missing", "git cannot be started on this machine", {
      cause,
      hint: "install it: the source of this job is cloned with it",
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
