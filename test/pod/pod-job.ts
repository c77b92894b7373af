// A whole job in the box of a Pod: the runner in this process, a platform that keeps what it is told, the box a container.

import type { Job, StepSpec } from "../../src/core/job.ts";
import type { DaemonClient } from "../../src/engine/docker/daemon-client.ts";
import { packEntries } from "../../src/lib/tar/pack-entries.ts";
import { claimAnswer, scriptStep } from "../../src/remote/fixtures/claim-answer.ts";
import { type RunnerHere, runHere } from "../../src/remote/fixtures/run-here.ts";
import { type StandInPlatform, startStandIn } from "../../src/remote/fixtures/stand-in-platform.ts";
import { compressed } from "../../src/remote/packed-archives.ts";
import type { RunnerEnd } from "../../src/remote/termination-message.ts";
import { type TestPod, type TestPodOptions, testPod } from "../containers/pod-box.ts";
import { testImages } from "../containers/test-images.ts";

export interface PodJob extends AsyncDisposable {
  platform: StandInPlatform;
  pod: TestPod;
  runner: RunnerHere;
  /** What it says when it ends. */
  lastWords: RunnerEnd[];
  /** Outcome of a step by its name. */
  outcomeOf(step: string): string | undefined;
  messageOf(step: string): string | undefined;
  log(stream?: string): string;
}

export interface PodJobOptions extends TestPodOptions {
  image?: string;
  entrypoint?: string[];
  job?: Partial<Job>;
}

let jobs = 0;

/** Runs the steps. Its runner ends the box, as in a Pod. */
export async function runInPod(
  client: DaemonClient,
  steps: Record<string, string> | StepSpec[],
  options: PodJobOptions = {},
): Promise<PodJob> {
  const image = options.image ?? testImages.sh;
  const list = Array.isArray(steps)
    ? steps
    : Object.entries(steps).map(([name, code]) => scriptStep(name, code));
  const answer = claimAnswer(
    {
      box: { id: image, env: [], ports: [], auth: {} },
      runId: `pod-${process.pid}-${++jobs}`,
      steps: list,
      ...options.job,
    },
    { source: { kind: "sent" } },
  );
  answer.class.engine = "docker";
  const platform = await startStandIn(answer);
  const tar = packEntries([{ kind: "file", path: "README", content: "read me\n" }], {
    owner: { uid: 0, gid: 0 },
    mtime: 1e9,
  });
  platform.blobs.set("source", Buffer.concat(await Array.fromAsync(compressed(tar))));
  const pod = await testPod(client, options);
  const lastWords: RunnerEnd[] = [];
  const runner = await runHere(
    platform,
    { engine: "pod", pod: { nonce: pod.nonce } },
    {
      openEngine: async () => pod.engine,
      async ended(end, exitCode) {
        lastWords.push(end);
        await pod.engine.end(exitCode);
      },
    },
  );
  await pod.startBox({
    image,
    shownImage: image,
    alias: "",
    env: [],
    ports: [],
    volumes: [],
    ...(options.entrypoint === undefined ? {} : { entrypoint: options.entrypoint }),
  });
  const finished = (step: string) =>
    platform.events.find(event => event.type === "step-finished" && event.step === `${step}-1`) as
      | { outcome: string; message: string }
      | undefined;
  return {
    platform,
    pod,
    runner,
    lastWords,
    outcomeOf: step => finished(step)?.outcome,
    messageOf: step => finished(step)?.message,
    log: (stream = "stdout") =>
      Buffer.concat(
        platform.frames.filter(frame => frame.stream === stream).map(frame => frame.data),
      ).toString(),
    async [Symbol.asyncDispose]() {
      await runner[Symbol.asyncDispose]();
      await pod[Symbol.asyncDispose]();
      await platform[Symbol.asyncDispose]();
    },
  };
}
