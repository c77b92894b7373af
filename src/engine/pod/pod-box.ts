// The box of a Pod as the runner sees it: one session after the other on the same pipes, signals and files by orders to
// its supervisor. That is never started again: when it is gone, so is the box.

import { SlipwayError } from "../../core/failure.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Box, BoxChannel, BoxEnd } from "../engine.ts";
import { mergeOutput } from "../host/box-output.ts";
import { closerOf, readerOf, writerOf } from "./fifo-streams.ts";
import { openPodFiles } from "./pod-files.ts";
import type { PodLink } from "./pod-link.ts";
import type { PodIo } from "./prepare-io.ts";

export interface SessionOptions {
  io: PodIo;
  link: PodLink;
  nonce: string;
  clock: Clock;
  /** Aborted when the workspace is disposed of. */
  life: AbortSignal;
}

export interface PodBoxOptions extends SessionOptions {
  shownImage: string;
  warn(message: string): void;
}

/** How long the box may take to start a session or to send a signal. Milliseconds. */
const answerMs = 30_000;

/** The box with a session that has been started already. */
export function openPodBox(options: PodBoxOptions, first: PodSession): Box {
  const { link, clock } = options;
  const files = openPodFiles(options);
  let session = first;
  return {
    get channel() {
      return session.channel;
    },
    put: (archive, at, signal) => files.put(archive, at, AbortSignal.any([signal, options.life])),
    get: (path, signal) => files.get(path, AbortSignal.any([signal, options.life])),
    async signalAll(name) {
      const asked = link.order("kill", name);
      try {
        await withinTime(clock, asked.answer(), "send a signal to its processes");
      } catch (error) {
        // Nobody is left to be signalled.
        if (!(error instanceof SlipwayError && error.code === "box-gone")) throw error;
      } finally {
        asked.forget();
      }
      if (name === "KILL") files.killed();
    },
    async restart(signal) {
      signal.throwIfAborted();
      session.giveUp();
      files.killed();
      session = await openSession(options);
      signal.throwIfAborted();
      return session.channel;
    },
  };
}

export interface PodSession {
  channel: BoxChannel;
  /** Ends it, read or not: the pipes are for the next one. */
  giveUp(): void;
}

/** Starts a session in place of the one before. Throws SlipwayError `box-gone` where the box has ended. */
export async function openSession({ io, link, nonce, clock, life }: SessionOptions): Promise<PodSession> {
  const [input, out, err] = [io.in.open(), io.out.open(), io.err.open()];
  // Sessions and shells come and go: none of it is an end of file to the others, until this one is over.
  const keepers = [input.reader, out.writer, err.writer].map(closerOf);
  const stdin = writerOf(input.writer);
  const streams = { stdout: readerOf(out.reader), stderr: readerOf(err.reader) };
  const closed = Promise.withResolvers<BoxEnd>();
  const live = Promise.withResolvers<void>();
  live.promise.catch(() => undefined);
  let over = false;
  let begun = false;
  const end = (how: BoxEnd) => {
    if (over) return;
    over = true;
    for (const close of keepers) close();
    stdin.destroy();
    life.removeEventListener("abort", onLife);
    closed.resolve(how);
    live.reject(
      new SlipwayError("box-gone", how.kind === "lost" ? how.message : "the box has ended at once"),
    );
  };
  const onLife = () => end({ kind: "lost", message: "the workspace was closed" });
  life.addEventListener("abort", onLife, { once: true });
  link.onSession = word => {
    if (word.kind === "live") {
      begun = true;
      live.resolve();
    } else if (!begun)
      return; // Of the one before.
    else if (word.kind === "over") end({ kind: "exited", exitCode: word.status, outOfMemory: false });
    else end({ kind: "exited", exitCode: 137, outOfMemory: false });
  };
  void link.ended.then(({ exitCode, message }) => {
    if (exitCode === undefined) end({ kind: "lost", message });
    else end({ kind: "exited", exitCode, outOfMemory: false });
  });
  const channel: BoxChannel = {
    nonce,
    output: mergeOutput(streams, closed.promise, clock),
    async write(text) {
      if (over) return;
      const written = new Promise<void>(resolve => stdin.write(text, () => resolve()));
      // What nobody reads any more is dropped: `closed` tells of the end.
      await Promise.race([written, closed.promise]);
    },
    closed: closed.promise,
  };
  const asked = link.order("open");
  asked.forget();
  const giveUp = () => {
    end({ kind: "lost", message: "the session was given up" });
    for (const stream of Object.values(streams)) stream.destroy();
  };
  try {
    await withinTime(clock, live.promise, "start its shell");
  } catch (error) {
    giveUp();
    throw error;
  }
  return { channel, giveUp };
}

async function withinTime<T>(clock: Clock, answer: Promise<T>, what: string): Promise<T> {
  const late = Promise.withResolvers<never>();
  late.promise.catch(() => undefined);
  const disarm = clock.after(answerMs, () =>
    late.reject(
      new SlipwayError("box-silent", `the box of the Pod did not ${what} within ${answerMs / 1000} s`, {
        hint: "a step may have stopped its supervisor, or the node has no time for it",
      }),
    ),
  );
  try {
    return await Promise.race([answer, late.promise]);
  } finally {
    disarm();
  }
}
