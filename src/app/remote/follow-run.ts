// Follows a run of a server as if it ran here: the events of its runners and the bytes of its logs, put together in the
// order in which they were made, go to the same printers.

import type { Client } from "../../client/client.ts";
import type { RunEvent } from "../../core/events.ts";
import type { Outcome } from "../../core/outcome.ts";
import { plainText } from "../../lib/plain-text.ts";
import type { RunObserver } from "../run-observer.ts";
import { type AttemptEvent, type FollowedAttempt, followAttempt } from "./follow-attempt.ts";

export interface FollowedRun {
  outcome: Outcome;
  id: string;
  number: number;
}

export interface FollowOptions {
  /** One job alone. */
  jobId?: string;
}

type Run = Awaited<ReturnType<Client["getRun"]>>;
type JobNews = Pick<Run["jobs"][number], "id" | "name" | "combination" | "outcome" | "detail" | "attempts">;
type RunNews = Pick<Run, "id" | "number" | "outcome" | "detail">;

interface EventNews {
  jobId: string;
  attemptId: string;
  event: AttemptEvent;
}

/** Resolves when the run is over and everything was told. Throws what the client throws, and the signal's reason. */
export async function followRun(
  client: Client,
  runId: string,
  observer: RunObserver,
  signal: AbortSignal,
  { jobId: only }: FollowOptions = {},
): Promise<FollowedRun> {
  const before = await client.getRun({ params: { run: runId }, signal });
  const jobs = jobTeller(observer, only);
  for (const job of before.jobs) jobs.know(job);
  const attempts = new Map<string, EventNews[]>();
  const following = new Map<string, FollowedAttempt>();
  // What is over is told one job after the other, what goes on side by side.
  const over = before.state === "finished";
  const nameOfRun = `${before.organisation}/${before.project}#${before.number}`;
  const follow = ({ jobId, attemptId }: EventNews) => {
    const sink = observer.open(jobs.labelOf(jobId));
    const noLog = (why: string) => observer.say("warning", `the log cannot be shown: ${plainText(why)}`);
    const placed = (event: RunEvent) => sink(withPlace(event, nameOfRun));
    return followAttempt({ client, jobId, attemptId, sink: placed, noLog, signal });
  };
  let run: RunNews = before;
  for await (const { event, data } of client.events("followRun", { params: { run: runId }, signal })) {
    if (event === "run") run = JSON.parse(data) as RunNews;
    if (event === "job") await jobs.tell(JSON.parse(data) as JobNews);
    if (event !== "event") continue;
    const news = JSON.parse(data) as EventNews;
    if (only !== undefined && news.jobId !== only) continue;
    if (news.event.type === "run-started") jobs.began(news.jobId);
    if (news.event.type === "run-finished") jobs.ended(news.jobId);
    const { attemptId } = news;
    if (over) {
      attempts.set(attemptId, [...(attempts.get(attemptId) ?? []), news]);
      continue;
    }
    if (!following.has(attemptId)) following.set(attemptId, follow(news));
    following.get(attemptId)!.push(news.event);
  }
  for (const news of attempts.values()) await replayed(follow(news[0]!), news);
  for (const attempt of following.values()) attempt.close();
  await Promise.all([...following.values()].map(({ done }) => done));
  await jobs.close();
  const ofJob = jobs.outcomeOf(only);
  if (ofJob !== undefined) return { id: run.id, number: run.number, outcome: ofJob };
  // The server ends the stream when the run is over; an end without an outcome is no evidence.
  const outcome = run.outcome ?? "broken";
  if (outcome !== "passed" && run.detail !== "" && !jobs.hasTold(outcome)) {
    await observer.say(outcome === "skipped" ? "info" : "error", plainText(run.detail));
  }
  return { id: run.id, number: run.number, outcome };
}

async function replayed(attempt: FollowedAttempt, news: EventNews[]): Promise<void> {
  for (const { event } of news) attempt.push(event);
  attempt.close();
  await attempt.done;
}

/** What a blob is called on the server means nothing here. */
function withPlace(event: RunEvent, run: string): RunEvent {
  if (event.type === "artifact-stored") return { ...event, location: run };
  if (event.type === "cache-stored") return { ...event, location: `the cache of ${run.replace(/#.*/, "")}` };
  return event;
}

/** Tells what jobs wait for, and how those ended of which no runner has told it. */
function jobTeller(observer: RunObserver, only: string | undefined) {
  const jobs = new Map<string, JobNews>();
  const said = new Map<string, string>();
  const ended = new Set<string>();
  const nameOf = (job: JobNews) =>
    plainText(job.combination === "" ? job.name : `${job.name} ${job.combination}`);
  const tellEnd = async (job: JobNews) => {
    if (job.outcome === null || ended.has(job.id)) return;
    ended.add(job.id);
    if (job.outcome === "passed") return;
    const why = job.detail === "" ? "" : `: ${plainText(job.detail)}`;
    const level = job.outcome === "skipped" ? "info" : "warning";
    await observer.say(level, `${nameOf(job)}: ${job.outcome}${why}`);
  };
  return {
    know: (job: JobNews) => void jobs.set(job.id, job),
    began: (jobId: string) => void ended.delete(jobId),
    ended: (jobId: string) => void ended.add(jobId),
    outcomeOf: (jobId: string | undefined) =>
      jobId === undefined ? undefined : (jobs.get(jobId)?.outcome ?? undefined),
    /** Whether a job that was told of ended the same way, and has said why. */
    hasTold: (outcome: Outcome) => jobs.values().some(job => job.outcome === outcome && ended.has(job.id)),
    labelOf(jobId: string): string | undefined {
      const job = jobs.get(jobId);
      return job === undefined || jobs.size < 2 || only !== undefined ? undefined : nameOf(job);
    },
    async tell(job: JobNews): Promise<void> {
      jobs.set(job.id, job);
      if (only !== undefined && job.id !== only) return;
      // What a job waits for is told when it changes, not each time it is looked at.
      const text = job.outcome === null ? plainText(job.detail) : "";
      if (text !== "" && said.get(job.id) !== text) await observer.say("info", `${nameOf(job)}: ${text}`);
      said.set(job.id, text);
      // Of what a runner had begun, the runner's own word comes later and says more.
      if (job.attempts.length === 0) await tellEnd(job);
    },
    async close(): Promise<void> {
      for (const job of jobs.values()) {
        if (only === undefined || job.id === only) await tellEnd(job);
      }
    },
  };
}
