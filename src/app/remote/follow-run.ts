// Follows a run of a server as if it ran here: the events of its runners and the bytes of its logs, put together in the
// order in which they were made, go to the same printers.

import type { Client } from "../../client/client.ts";
import type { EventSink } from "../../core/events.ts";
import type { Outcome } from "../../core/outcome.ts";
import type { RunObserver } from "../run-observer.ts";
import { type AttemptEvent, followAttempt } from "./follow-attempt.ts";

export interface FollowedRun {
  outcome: Outcome;
  id: string;
  number: number;
}

interface RunNews {
  id: string;
  number: number;
  state: string;
  outcome: Outcome | null;
  detail: string;
}

interface JobNews {
  id: string;
  name: string;
  combination: string;
  state: string;
  outcome: Outcome | null;
  detail: string;
}

/** Resolves when the run is over and everything was told. Throws what the client throws, and the signal's reason. */
export async function followRun(
  client: Client,
  runId: string,
  observer: RunObserver,
  signal: AbortSignal,
): Promise<FollowedRun> {
  const attempts = new Map<string, { push(event: AttemptEvent): void; close(): void; done: Promise<void> }>();
  const jobs = new Map<string, JobNews>();
  const said = new Map<string, string>();
  let run: RunNews | undefined;
  const labelOf = (jobId: string) => {
    const job = jobs.get(jobId);
    if (job === undefined || jobs.size < 2) return undefined;
    return job.combination === "" ? job.name : `${job.name} ${job.combination}`;
  };
  const tell = async (job: JobNews) => {
    // What a job waits for is told when it changes, not each time it is looked at.
    const text = job.outcome === null ? job.detail : "";
    if (text !== "" && said.get(job.id) !== text) await observer.say("info", `${job.name}: ${text}`);
    said.set(job.id, text);
    if (job.outcome !== null && !hasRun(job) && job.outcome !== "skipped") {
      await observer.say(
        "warning",
        `${job.name}: ${job.outcome}${job.detail === "" ? "" : `: ${job.detail}`}`,
      );
    }
  };
  const ran = new Set<string>();
  const hasRun = (job: JobNews) => ran.has(job.id);
  for await (const { event, data } of client.events("followRun", { params: { run: runId }, signal })) {
    if (event === "run") run = JSON.parse(data) as RunNews;
    if (event === "job") {
      const job = JSON.parse(data) as JobNews;
      jobs.set(job.id, job);
      await tell(job);
    }
    if (event !== "event") continue;
    const {
      jobId,
      attemptId,
      event: news,
    } = JSON.parse(data) as { jobId: string; attemptId: string; event: AttemptEvent };
    ran.add(jobId);
    let attempt = attempts.get(attemptId);
    if (attempt === undefined) {
      const sink: EventSink = observer.open(labelOf(jobId));
      attempt = followAttempt({ client, jobId, attemptId, sink, signal });
      attempts.set(attemptId, attempt);
    }
    attempt.push(news);
  }
  for (const attempt of attempts.values()) attempt.close();
  await Promise.all([...attempts.values()].map(({ done }) => done));
  const end = run ?? (await client.getRun({ params: { run: runId }, signal }));
  const outcome = end.outcome ?? "broken";
  if (outcome !== "passed" && end.detail !== "")
    await observer.say(outcome === "skipped" ? "info" : "error", end.detail);
  return { outcome, id: end.id, number: end.number };
}
