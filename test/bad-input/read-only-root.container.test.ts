// A box whose root cannot be written, as hardened classes have it. No flag asks for that: the job goes to the runner
// directly, as whoever runs it for a class does.

import { readFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import type { RunEvent } from "../../src/core/events.ts";
import type { Job } from "../../src/core/job.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { runJob } from "../../src/runner/run-job.ts";
import { createLocalStorage } from "../../src/storage/local/local-storage.ts";
import { sourceDirectory } from "../../src/storage/local/source-directory.ts";
import { testDaemon } from "../containers/docker-daemon.ts";
import { testEngine } from "../containers/test-engine.ts";
import { buildTestImages, testImages } from "../containers/test-images.ts";
import { badProject } from "./bad-project.ts";
import { pipelineText } from "./pipeline-text.ts";

test("a box with a read-only root is told, with what it needs", async () => {
  const daemon = await testDaemon();
  await buildTestImages(daemon);
  const text = pipelineText({ hello: "echo unheard" }, {}, { box: testImages.sh });
  await using project = await badProject({ "slipway.yml": text }, daemon);
  expect(await project.call(["run", "--dump-job", "job.json"])).toMatchObject({ code: 0 });
  const job = JSON.parse(await readFile(path.join(project.dir, "job.json"), "utf8")) as Job;
  const events: RunEvent[] = [];
  let random = 0;
  const result = await runJob({
    job,
    secrets: new Map(),
    source: sourceDirectory({ root: project.dir }),
    storage: createLocalStorage({ workingDir: project.home, runDir: path.join(project.home, "run") }),
    engine: testEngine(daemon),
    stepFiles: async () => [],
    settings: {
      pull: "never",
      artifacts: false,
      dns: [],
      exposePorts: false,
      enableVolumes: false,
      keepContainers: false,
      devSteps: false,
      cleanupImages: false,
      graceMs: 1_000,
      greetingMs: 10_000,
      readOnlyRoot: true,
    },
    sink: event => {
      events.push(event);
    },
    clock: systemClock,
    random: () => String(++random).padStart(32, "0"),
    signal: new AbortController().signal,
  });
  expect(result).toMatchObject({ outcome: "failed", failedStep: "setup environment" });
  expect(result.message).toMatch(/its root file system is read-only\n.*slipway-test\/sh.* writable/);
  expect(events.filter(event => event.type === "log")).toEqual([]);
  expect(await project.left([job.runId])).toEqual([]);
});
