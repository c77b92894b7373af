// Hands what a log gains to all that follow it in this process. One look at the database and one encoding serve all of
// them; the newest of it stays in memory for a moment. Whoever is slower reads for himself, at his own pace.

import type { Clock } from "../../../lib/clock.ts";
import type { Nudges } from "../../../queue/postgres/nudges.ts";
import type { LogNews } from "../log-news.ts";
import type { LogPieces } from "../read/log-pieces.ts";
import { type ChunkEvents, chunkEvents } from "./chunk-events.ts";

export interface LogFeeds extends AsyncDisposable {
  /** Aborted when the feeds are disposed of: those who follow go elsewhere. */
  readonly closing: AbortSignal;
  /** What follows byte `from`, until the log is complete and all of it was given. Throws the signal's reason when aborted. */
  follow(attemptId: string, from: number, signal: AbortSignal): AsyncGenerator<ChunkEvents>;
}

export interface LogFeedsOptions {
  pieces: LogPieces;
  news: LogNews;
  /** Of attempts: one that has ended says nothing more. */
  nudges: Nudges;
  clock: Clock;
}

interface Feed {
  followers: number;
  /** The newest events, in order. */
  ring: ChunkEvents[];
  /** Where the newest events end; -1 before the first look. */
  head: number;
  complete: boolean;
  /** The look under way. */
  looking?: Promise<void> | undefined;
  /** When the last look took something in, on the monotonic clock. */
  tookAt: number;
  /** Aborted when the last follower has gone. */
  left: AbortController;
}

/** Newest events that are kept for a log, as they are sent; and how much of it one look takes in. Bytes. */
const ringBytes = 1024 * 1024;
const lookBytes = 512 * 1024;
/** When nobody told us anything. */
const pollMs = 2000;
/** A log that grows all the time is looked at so often, and not at each of its lines. */
const gatherMs = 20;

export function openLogFeeds(options: LogFeedsOptions): LogFeeds {
  const feeds = new Map<string, Feed>();
  const closing = new AbortController();
  const looks = new Set<Promise<void>>();

  /** One look serves all that wait for it. */
  const lookFor = (attemptId: string, feed: Feed): Promise<void> => {
    if (feed.looking !== undefined) return feed.looking;
    const looking = look(options, attemptId, feed).finally(() => {
      feed.looking = undefined;
      looks.delete(looking);
    });
    // Those who wait for it hear of it; there may be nobody left.
    looking.catch(() => undefined);
    looks.add(looking);
    feed.looking = looking;
    return looking;
  };

  async function* follow(attemptId: string, from: number, signal: AbortSignal): AsyncGenerator<ChunkEvents> {
    let feed = feeds.get(attemptId);
    if (feed === undefined) {
      feed = { followers: 0, ring: [], head: -1, complete: false, tookAt: 0, left: new AbortController() };
      feeds.set(attemptId, feed);
    }
    feed.followers++;
    try {
      const either = AbortSignal.any([signal, closing.signal]);
      yield* followFeed(options.pieces, attemptId, feed, from, lookFor, either);
    } finally {
      feed.followers--;
      if (feed.followers === 0) {
        feed.left.abort();
        feeds.delete(attemptId);
      }
    }
  }
  return {
    closing: closing.signal,
    follow,
    async [Symbol.asyncDispose]() {
      closing.abort(new Error("the server stops"));
      for (const { left } of feeds.values()) left.abort();
      await Promise.allSettled(looks);
    },
  };
}

async function* followFeed(
  pieces: LogPieces,
  attemptId: string,
  feed: Feed,
  from: number,
  lookFor: (attemptId: string, feed: Feed) => Promise<void>,
  signal: AbortSignal,
): AsyncGenerator<ChunkEvents> {
  let at = from;
  for (;;) {
    signal.throwIfAborted();
    const kept = feed.ring.findLast(({ start }) => start === at);
    if (kept !== undefined) {
      yield kept;
      at = kept.end;
    } else if (at < feed.head) {
      // Too slow for the ring, or from a place within an event: up to where the ring may go on.
      const to = feed.ring.find(({ start }) => start > at)?.start ?? feed.head;
      for await (const piece of pieces.read({ attemptId, from: at, to, signal })) {
        for (const events of chunkEvents(piece)) {
          yield events;
          at = events.end;
        }
      }
    } else if (feed.complete) {
      return;
    } else {
      await untilAborted(lookFor(attemptId, feed), signal);
    }
  }
}

/** Waits until there is more than the feed has, or the log is complete, and takes it in. Ends when nobody follows any more. */
async function look(
  { pieces, news, nudges, clock }: LogFeedsOptions,
  attemptId: string,
  feed: Feed,
): Promise<void> {
  let heard = false;
  let wake: (() => void) | undefined;
  const hear = () => {
    heard = true;
    wake?.();
  };
  const offNews = news.on(attemptId, hear);
  const offNudges = nudges.on("attempts", payload => {
    if (payload === attemptId) hear();
  });
  feed.left.signal.addEventListener("abort", hear);
  try {
    const early = feed.tookAt + gatherMs - clock.monotonic();
    if (early > 0) await new Promise<void>(resolve => clock.after(early, resolve));
    while (!feed.left.signal.aborted) {
      heard = false;
      const state = await pieces.state(attemptId);
      const bytes = state?.bytes ?? 0;
      // What there is of a log that is still short is shared as well.
      if (feed.head < 0) feed.head = bytes <= lookBytes ? 0 : bytes;
      if (bytes > feed.head) {
        await takeIn(pieces, attemptId, feed, bytes);
        // What is far behind the log's end goes on at once.
        feed.tookAt = feed.head < bytes ? 0 : clock.monotonic();
        return;
      }
      // What was deleted says nothing more either.
      feed.complete = state?.complete ?? true;
      if (feed.complete) return;
      await new Promise<void>(resolve => {
        const cancel = clock.after(pollMs, resolve);
        wake = () => {
          cancel();
          resolve();
        };
        if (heard) wake();
      });
    }
  } finally {
    offNews();
    offNudges();
    feed.left.signal.removeEventListener("abort", hear);
  }
}

const never = new AbortController().signal;

async function takeIn(pieces: LogPieces, attemptId: string, feed: Feed, to: number): Promise<void> {
  let taken = 0;
  for await (const piece of pieces.read({ attemptId, from: feed.head, to, signal: never })) {
    for (const events of chunkEvents(piece)) {
      feed.ring.push(events);
      feed.head = events.end;
      taken += events.text.length;
      let kept = feed.ring.reduce((sum, { text }) => sum + text.length, 0);
      while (kept > ringBytes && feed.ring.length > 1) kept -= feed.ring.shift()!.text.length;
      if (taken >= lookBytes) return;
    }
  }
}

function untilAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  const aborted = Promise.withResolvers<void>();
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  return Promise.race([promise, aborted.promise]).finally(() => signal.removeEventListener("abort", abort));
}
