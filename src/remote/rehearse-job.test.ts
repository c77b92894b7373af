import { existsSync, readdirSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createHostEngine } from "../engine/host/host-engine.ts";
import { systemClock } from "../lib/clock.ts";
import { rehearseJob } from "./rehearse-job.ts";
import type { RemoteJobOptions } from "./run-remote-job.ts";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), "rehearsal-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const random = () => crypto.randomUUID().replaceAll("-", "");
const environment = { PATH: process.env.PATH };

const optionsFor = (said: string[], onUrl: (url: string) => void = () => undefined) => {
  return (url: string): Omit<RemoteJobOptions, "signal"> => {
    onUrl(url);
    return {
      ...{ version: "0.0.0-test", environment, clock: systemClock, random },
      input: { url, claimToken: "t", attemptId: "rehearsal", epoch: 1, engine: "host", directory },
      openEngine: async () =>
        createHostEngine({ root: path.join(directory, "box"), environment, clock: systemClock, random }),
      steps: { bundledDir: directory, fetch, git: () => Promise.reject(new Error("no git here")) },
      say: line => said.push(line),
    };
  };
};

const boxes = () => (existsSync(path.join(directory, "box")) ? readdirSync(path.join(directory, "box")) : []);

test("goes through a whole job to its accepted end, and leaves no box and nobody who listens", async () => {
  const said: string[] = [];
  const urls: string[] = [];
  const code = await rehearseJob(
    optionsFor(said, url => urls.push(url)),
    new AbortController().signal,
  );
  expect({ code, said, boxes: boxes() }).toEqual({ code: 0, said: [], boxes: [] });
  await expect(fetch(urls[0]!)).rejects.toThrow();
});

test("ends early when there is work", async () => {
  const work = new AbortController();
  const rehearsing = rehearseJob(url => {
    const options = optionsFor([])(url);
    const openEngine = () => {
      work.abort();
      return options.openEngine();
    };
    return { ...options, openEngine };
  }, work.signal);
  expect(await rehearsing).not.toBe(0);
  expect(boxes()).toEqual([]);
});
