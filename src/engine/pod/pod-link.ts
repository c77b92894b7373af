// Orders to the box's supervisor and its answers. It tells the end of the box from a silence: the pipe of words ends when
// no process of the box is left, and a supervisor that lives answers.

import { SlipwayError } from "../../core/failure.ts";
import type { Clock } from "../../lib/clock.ts";
import { closerOf, readerOf, writerOf } from "./fifo-streams.ts";
import { createWordReader, type PodWord } from "./pod-words.ts";
import type { PodIo } from "./prepare-io.ts";

export type PodAnswer = Extract<PodWord, { id: number }>;

export interface PodLink {
  /** Resolves with the first word of the box's supervisor. */
  readonly hello: Promise<void>;
  /** Resolves where the box says instead that it cannot take the runner's tools. */
  readonly unfit: Promise<void>;
  /** Resolves, never rejects, when the box is gone for good, with how; `exitCode` where it was told to exit. */
  readonly ended: Promise<PodEnd>;
  /** Called with what is said of sessions. One listener. */
  onSession: (word: Extract<PodWord, { kind: "live" | "over" | "gone" }>) => void;
  /** Gives an order, without waiting for what comes of it. */
  order(verb: string, ...fields: (string | number)[]): Asked;
  /** Begins to look whether the supervisor answers. */
  watch(): void;
  close(): void;
}

export interface PodEnd {
  exitCode?: number;
  message: string;
}

/** An order that was given. */
export interface Asked {
  readonly id: number;
  /** The next answer to it. Rejects with SlipwayError `box-gone` when none will come. */
  answer(): Promise<PodAnswer>;
  /** No more answers are wanted. */
  forget(): void;
}

export interface PodLinkOptions {
  io: PodIo;
  nonce: string;
  clock: Clock;
}

/** Between two looks, and how long a look may stay unanswered. Milliseconds. */
const lookMs = 2_000;
const silenceMs = 30_000;
/** What a step may write into the supervisor's pipe before its box is given up. Bytes. */
const mostStrange = 1024 * 1024;

export function openPodLink({ io, nonce, clock }: PodLinkOptions): PodLink {
  const controlEnds = io.control.open();
  const wordEnds = io.word.open();
  // With our own reader gone, an order to a box that is gone is an error, and is not kept for nobody.
  const control = writerOf(controlEnds.writer);
  const closeControlKeeper = closerOf(controlEnds.reader);
  const closeWordKeeper = closerOf(wordEnds.writer);
  const word = readerOf(wordEnds.reader);
  const hello = Promise.withResolvers<void>();
  const unfit = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<PodEnd>();
  const waiting = new Map<number, Waiting>();
  const reader = createWordReader();
  let exitCode: number | undefined;
  let lastId = 0;
  let answered = clock.monotonic();
  let over = false;
  let stopLooking = () => {};

  const link: PodLink = {
    hello: hello.promise,
    unfit: unfit.promise,
    ended: ended.promise,
    onSession: () => {},
    order,
    watch() {
      answered = clock.monotonic();
      look();
    },
    close: () => end({ message: "the connection to the box was closed" }),
  };

  /** The box has come: from here on its own ends of the pipes tell. */
  function letGo(): void {
    closeControlKeeper();
    closeWordKeeper();
  }

  function end(how: PodEnd): void {
    if (over) return;
    over = true;
    stopLooking();
    letGo();
    control.destroy();
    word.destroy();
    ended.resolve(how);
    for (const each of waiting.values()) each.fail(how.message);
    waiting.clear();
  }

  function order(verb: string, ...fields: (string | number)[]): Asked {
    const id = ++lastId;
    const answers = new Waiting();
    if (over) answers.fail("it was given up");
    else {
      waiting.set(id, answers);
      control.write(`${[verb, id, ...fields].join(" ")}\n`);
    }
    return { id, answer: () => answers.next(), forget: () => void waiting.delete(id) };
  }

  function look(): void {
    if (over) return;
    if (clock.monotonic() - answered > silenceMs) {
      end({
        message: `its supervisor has not answered for ${silenceMs / 1000} s: a step may have stopped or killed it`,
      });
      return;
    }
    order("look").forget();
    stopLooking = clock.after(lookMs, look);
  }

  function take(said: PodWord): void {
    answered = clock.monotonic();
    if (said.kind === "hello") {
      if (said.nonce !== nonce) return;
      letGo();
      hello.resolve();
    } else if (said.kind === "unfit") {
      letGo();
      unfit.resolve();
    } else if (said.kind === "ended") exitCode = said.status;
    else if ("id" in said) waiting.get(said.id)?.push(said);
    else link.onSession(said);
  }

  word.on("data", (bytes: Buffer) => {
    for (const said of reader.push(bytes)) take(said);
    if (reader.strange > mostStrange)
      end({ message: "a process of the box has flooded the pipe of its supervisor" });
  });
  word.on("close", () => {
    const message = exitCode === undefined ? endedUnseen : `it was told to exit with ${exitCode}`;
    end({ message, ...(exitCode === undefined ? {} : { exitCode }) });
  });
  return link;
}

const endedUnseen =
  "its last process has ended without a word: the container was killed, for memory or with its Pod";

/** Answers that have come and those that are waited for. */
class Waiting {
  readonly #come: PodAnswer[] = [];
  #wanted: PromiseWithResolvers<PodAnswer> | undefined;
  #failed: SlipwayError | undefined;

  push(answer: PodAnswer): void {
    // More than a few is not ours.
    if (this.#wanted === undefined && this.#come.length < 4) this.#come.push(answer);
    this.#wanted?.resolve(answer);
    this.#wanted = undefined;
  }

  fail(message: string): void {
    this.#failed = new SlipwayError("box-gone", `the box of the Pod is gone: ${message}`);
    this.#wanted?.reject(this.#failed);
    this.#wanted = undefined;
  }

  next(): Promise<PodAnswer> {
    const come = this.#come.shift();
    if (come !== undefined) return Promise.resolve(come);
    if (this.#failed !== undefined) return Promise.reject(this.#failed);
    this.#wanted = Promise.withResolvers();
    this.#wanted.promise.catch(() => undefined);
    return this.#wanted.promise;
  }
}
