// The queue's port over HTTP: what workers use, on whatever machine, with a token and without a database.

import { SlipwayError } from "../../core/failure.ts";
import type { Clock } from "../../lib/clock.ts";
import type { AttemptState, Claim, Queue } from "../queue.ts";

export interface HttpQueueOptions {
  /** Of the platform: `https://ci.example.org`. */
  url: string;
  /** A worker's token. */
  token: string;
  clock: Clock;
  /** In place of the global one, such as one with its own certificates. */
  fetch?: typeof fetch;
}

/** An answer has to be there by then, but for a claim that waits. Milliseconds. */
const answerMs = 10_000;
/** The api lets nobody wait longer. Milliseconds. */
const longestWaitMs = 30_000;
const mostJobs = 1000;

/**
 * The queue. It has nothing of its own to close. Throws SlipwayError `api-unreachable` where the api is away, busy or
 * broken: what was asked for may have been done, and is to be asked for again; `api-refused` where the api says no.
 */
export function createHttpQueue(options: HttpQueueOptions): Queue {
  const post = poster(options);
  // The api wants to know from whom a word about an attempt is.
  const holders = new Map<string, string>();
  let latest = "";
  const hold = (workerId: string, attemptIds: readonly string[]) => {
    for (const attemptId of attemptIds) holders.set(attemptId, workerId);
  };
  const idsOf = (claims: readonly Claim[]) => claims.map(({ attemptId }) => attemptId);
  const about = (attemptId: string) => ({ workerId: holders.get(attemptId) ?? latest, attemptId });

  return {
    async renew({ id, name, version, classes, labels, capacity, draining }, held) {
      latest = id;
      const worker = { id, name, version, classes, labels, capacity: Math.max(1, capacity), draining };
      const sent = held.map(({ attemptId, epoch, alive }) => ({ attemptId, epoch, alive }));
      const { attempts } = await post<{ attempts: AttemptState[] }>("renew", { worker, held: sent });
      const live = attempts.filter(({ wanted }) => wanted !== "destroy").map(({ attemptId }) => attemptId);
      for (const { attemptId } of held) holders.delete(attemptId);
      hold(id, live);
      return attempts;
    },
    async claim(workerId, count, waitMs, signal) {
      if (signal.aborted) return [];
      const wait = Math.round(Math.min(waitMs, longestWaitMs));
      const body = { workerId, count: Math.min(count, mostJobs), waitMs: wait };
      const answer = await post<{ claims: Claim[] }>("claim", body, { waitMs: wait, signal });
      const claims = answer?.claims ?? [];
      hold(workerId, idsOf(claims));
      return claims;
    },
    async launched(attemptId, epoch, launcherRef) {
      const { answer } = await post<Heard>("launched", {
        ...about(attemptId),
        epoch,
        launcherRef: sendable(launcherRef, 512),
      });
      return answer;
    },
    async lost(attemptId, epoch, { reason, message, outcome, lastWords }) {
      const end = {
        ...{ reason: sendable(reason, 100), message: sendable(message, 4096), outcome },
        ...(lastWords === undefined ? {} : { lastWords: sendable(lastWords, 4096) }),
      };
      const { answer } = await post<Heard>("lost", { ...about(attemptId), epoch, end });
      holders.delete(attemptId);
      return answer;
    },
    async note(notes) {
      const sent = notes.map(({ attemptId, epoch, message }) => ({
        ...{ attemptId, epoch, message: sendable(message, 2048) },
        workerId: about(attemptId).workerId,
      }));
      for (const [workerId, each] of Map.groupBy(sent, note => note.workerId)) {
        await post("note", { workerId, notes: each.map(({ workerId: _, ...note }) => note) });
      }
    },
    async countCalls(workerId, spent) {
      if (spent.length > 0) await post("calls", { workerId, spent });
    },
    async adopt(workerId, count) {
      const body = { workerId, count: Math.min(count, mostJobs) };
      const { claims } = await post<{ claims: (Claim & { launcherRef: string | null })[] }>("adopt", body);
      hold(workerId, idsOf(claims));
      return claims;
    },
    async leave(workerId) {
      await post("leave", { workerId });
    },
  };
}

/** What a launcher saw may be anything; word of it must not be refused for its form. */
function sendable(text: string, max: number): string {
  return text.slice(0, max).replaceAll("\0", "\ufffd").toWellFormed();
}

interface Heard {
  answer: "ok" | "stale";
}

interface PostOptions {
  /** How long the answer may be waited for on purpose. Milliseconds. */
  waitMs: number;
  /** Ends the wait; the answer is then undefined. */
  signal: AbortSignal;
}

interface Post {
  <Answer>(call: string, body: unknown): Promise<Answer>;
  <Answer>(call: string, body: unknown, options: PostOptions): Promise<Answer | undefined>;
}

function poster({ url, token, clock, fetch = globalThis.fetch }: HttpQueueOptions): Post {
  const base = `${url.replace(/\/+$/, "")}/api/v1/worker/`;
  const unreachable = (what: string, cause?: unknown) =>
    new SlipwayError("api-unreachable", `the api at ${url} ${what}`, {
      cause,
      hint: "is the address right, and does the server run? The worker goes on trying",
    });

  return async <Answer>(call: string, body: unknown, options?: PostOptions) => {
    const abort = new AbortController();
    const onAbort = () => abort.abort();
    const stop = clock.after((options?.waitMs ?? 0) + answerMs, onAbort);
    options?.signal.addEventListener("abort", onAbort, { once: true });
    let response: Response;
    let text: string;
    try {
      response = await fetch(base + call, {
        method: "POST",
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        body: JSON.stringify(body),
        signal: abort.signal,
        redirect: "error",
      });
      // From here on somebody has been given something: a caller that loses interest must not lose it.
      options?.signal.removeEventListener("abort", onAbort);
      text = await response.text();
    } catch (cause) {
      if (options?.signal.aborted === true) return undefined as Answer;
      throw unreachable(abort.signal.aborted ? "did not answer in time" : "cannot be reached", cause);
    } finally {
      stop();
      options?.signal.removeEventListener("abort", onAbort);
    }
    if (response.status === 204) return undefined as Answer;
    const answer = parsed(text);
    if (response.ok && answer !== undefined) return answer as Answer;
    if (response.ok || response.status >= 500 || response.status === 429 || response.status === 408) {
      throw unreachable(`answered ${response.status}`);
    }
    const { detail, hint } = (answer ?? {}) as { detail?: string; hint?: string };
    const said = detail ?? (text.slice(0, 200) || "nothing");
    throw new SlipwayError(
      "api-refused",
      `the api at ${url} answered ${response.status} to ${call}: ${said}`,
      {
        hint: hint ?? "check the worker's token and the address",
      },
    );
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
