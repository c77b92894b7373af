// The order in which a followed run is told, against a stand-in that sends events and log by their two ways.

import { expect, test } from "vitest";
import { followRun } from "../app/remote/follow-run.ts";
import { createClient } from "../client/client.ts";
import type { RunEvent } from "../core/events.ts";
import { idOf, sampleAttempt, sampleJob, sampleRun, summaryOf } from "./fixtures/sample-answers.ts";
import { Refused, type SentEvent, type StandInAnswers, startStandIn } from "./fixtures/stand-in-server.ts";

const [buildId, deployId] = [idOf(10), idOf(11)];
const never = new AbortController().signal;
const time = "2026-01-02T03:04:05.000Z";

const numbered = { runId: idOf(100), seq: 1, time };
const started = (step: string, afterChunk = 0) =>
  ({
    type: "step-started",
    step,
    name: step,
    phase: "main",
    order: 1,
    attempt: 1,
    afterChunk,
    ...numbered,
  }) as const;
const finished = (step: string, afterChunk: number, message = "") => ({
  ...{ type: "step-finished", step, name: step, phase: "main", outcome: "passed", exitCode: 0 },
  ...{ durationMs: 1, message, afterChunk, ...numbered },
});
const begin = {
  type: "run-started",
  pipeline: "build",
  project: "shop",
  engine: "host",
  steps: [],
  ...numbered,
};
const end = (afterChunk: number, outcome = "passed") => ({
  ...{ type: "run-finished", outcome, exitCode: 0, durationMs: 1, message: "", afterChunk, ...numbered },
});
const news = (event: object, jobId = buildId, attemptId = idOf(100)): SentEvent => ({
  event: "event",
  data: { jobId, attemptId, event },
});
const chunk = (seq: number, step: string, text: string): SentEvent => ({
  event: "chunk",
  id: String(seq),
  data: { seq, step, stream: "stdout", time, byte: 0, text },
});
const over: SentEvent = { event: "end", data: {} };

async function follow(answers: StandInAnswers, options = {}) {
  await using server = await startStandIn(answers);
  const client = createClient({ url: server.url, token: "t", retryMs: [] });
  const told: string[] = [];
  const observer = {
    open: (label?: string) => (event: RunEvent) => {
      const text = event.type === "log" ? `log ${event.text}` : event.type;
      const about = event.type === "log" ? event.offset : event.type === "step-finished" ? event.message : "";
      told.push(`${label === undefined ? "" : `[${label}] `}${text}${about === "" ? "" : ` ${about}`}`);
    },
    say: (level: string, message: string) => void told.push(`${level}: ${message}`),
  };
  const ended = await followRun(client, idOf(1), observer, never, options);
  return { told, ended };
}

const running = sampleRun({ state: "running", outcome: null, finishedAt: null });
const ending = (more: object = {}): SentEvent => ({ event: "run", data: summaryOf(sampleRun(more)) });

test("events and log come in the order in which the runner made them", async () => {
  const { told, ended } = await follow({
    getRun: () => running,
    followRun: () => ({
      events: [
        ...[begin, started("one"), finished("one", 2), started("two", 2), finished("two", 3), end(3)].map(
          each => news(each),
        ),
        ending(),
        over,
      ],
    }),
    followLog: () => ({ events: [chunk(1, "one", "a"), chunk(2, "one", "bc"), chunk(3, "two", "d"), over] }),
  });
  expect(told).toEqual([
    ...["run-started", "step-started", "log a 0", "log bc 1", "step-finished", "step-started"],
    ...["log d 0", "step-finished", "run-finished"],
  ]);
  expect(ended).toEqual({ id: idOf(1), number: 7, outcome: "passed" });
});

test("output of a step whose start was never told holds nothing up", async () => {
  const { told } = await follow({
    getRun: () => running,
    followRun: () => ({ events: [news(begin), news(end(1)), ending(), over] }),
    followLog: () => ({ events: [chunk(1, "service", "crash"), chunk(2, "service", "late"), over] }),
  });
  expect(told).toEqual(["run-started", "log crash 0", "run-finished", "log late 5"]);
});

test("what is over is told one job after the other, with the jobs' names", async () => {
  const jobs = [
    sampleJob(),
    sampleJob({ id: deployId, name: "deploy", attempts: [sampleAttempt({ id: idOf(101) })] }),
  ];
  const events = [
    ...[
      news(begin),
      news(begin, deployId, idOf(101)),
      news(started("s")),
      news(started("s"), deployId, idOf(101)),
    ],
    ...[news(end(1), deployId, idOf(101)), news(end(1)), ending(), over],
  ];
  const answers: StandInAnswers = {
    getRun: () => sampleRun({ jobs }),
    followRun: () => ({ events }),
    followLog: ({ params }) => ({ events: [chunk(1, "s", params.attempt === idOf(101) ? "D" : "B"), over] }),
  };
  const { told } = await follow(answers);
  expect(told).toEqual([
    ...["[build] run-started", "[build] step-started", "[build] log B 0", "[build] run-finished"],
    ...["[deploy] run-started", "[deploy] step-started", "[deploy] log D 0", "[deploy] run-finished"],
  ]);
  const one = await follow(answers, { jobId: deployId });
  expect(one.told).toEqual(["run-started", "step-started", "log D 0", "run-finished"]);
  expect(one.ended.outcome).toBe("passed");
});

test("why a job waits is told once, an end without a runner's word with its reason, and no text steers the terminal", async () => {
  const waiting = sampleJob({ state: "waiting", outcome: null, attempts: [], detail: "No worker\u001b[2J." });
  const lost = sampleJob({ outcome: "broken", detail: "the runner was lost" });
  const { told, ended } = await follow({
    getRun: () => ({ ...running, jobs: [waiting] }),
    followRun: () => ({
      events: [
        ...[waiting, waiting].map(data => ({ event: "job", data })),
        ...[
          news(begin),
          news(started("s")),
          news(finished("s", 0, "a\u001b[31mb")),
          { event: "job", data: lost },
        ],
        ...[ending({ outcome: "broken", detail: "build: the runner was lost" }), over],
      ],
    }),
    followLog: () => ({ events: [over] }),
  });
  expect(told).toEqual([
    "info: build: No worker\ufffd[2J.",
    ...["run-started", "step-started", "step-finished a\ufffd[31mb"],
    "warning: build: broken: the runner was lost",
  ]);
  expect(ended.outcome).toBe("broken");
});

test("a run that no job has explained says why itself; a log that is gone does not hide how it ended", async () => {
  const unplanned = await follow({
    getRun: () => ({ ...running, jobs: [] }),
    followRun: () => ({
      events: [ending({ outcome: "failed", detail: "there is no pipeline build" }), over],
    }),
  });
  expect(unplanned.told).toEqual(["error: there is no pipeline build"]);
  const gone = await follow({
    getRun: () => running,
    followRun: () => ({ events: [news(begin), news(end(5, "failed")), ending({ outcome: "failed" }), over] }),
    followLog: () => new Refused(410, { code: "expired", detail: "it was removed" }),
  });
  expect(gone.told.sort()).toEqual([
    "run-finished",
    "run-started",
    "warning: the log cannot be shown: it was removed",
  ]);
  expect(gone.ended.outcome).toBe("failed");
});

test("a stream that ends without an outcome is no green run", async () => {
  const { ended } = await follow({ getRun: () => running, followRun: () => ({ events: [over] }) });
  expect(ended.outcome).toBe("broken");
});
