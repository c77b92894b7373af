// Files into the box of a Pod and out of it: tar streams through a pipe, packed and unpacked by the box's own user with
// the busybox that the runner has laid. A step can write into the pipe, stop or kill what packs: that spoils its own job.

import { posix } from "node:path";
import { accept, type Result, refuse, SlipwayError } from "../../core/failure.ts";
import { abortable } from "../../lib/abortable.ts";
import type { Clock } from "../../lib/clock.ts";
import { encodePath } from "../../lib/path-bytes.ts";
import { pauseOrThrow } from "../../lib/pause.ts";
import { gnuArchive } from "../../lib/tar/gnu-archive.ts";
import { packEntries } from "../../lib/tar/pack-entries.ts";
import { closerOf, readerOf, writerOf } from "./fifo-streams.ts";
import type { Asked, PodAnswer, PodLink } from "./pod-link.ts";
import { orderField } from "./pod-supervisor.ts";
import type { PodIo } from "./prepare-io.ts";

export interface PodFilesOptions {
  io: PodIo;
  link: PodLink;
  clock: Clock;
  /** For messages. */
  shownImage: string;
  warn(message: string): void;
}

export interface PodFiles {
  put(archive: AsyncIterable<Uint8Array>, at: string, signal: AbortSignal): Promise<Result<void>>;
  get(path: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array> | undefined>;
  /** Every process of the box has been killed: what is under way is over. */
  killed(): void;
}

/** How long the box may take to begin, and to say how it went when all has been transferred. Milliseconds. */
const answerMs = 30_000;

/** After a KILL for all. Milliseconds. */
const killedMs = 1_000;

type Slot = PodIo["slots"][number];

interface Transfer {
  ends: { reader: number; writer: number };
  /** Aborted too when every process of the box is killed. */
  signal: AbortSignal;
  /** The next answer, in time. */
  answer(): Promise<PodAnswer>;
  end(): void;
}

export function openPodFiles(options: PodFilesOptions): PodFiles {
  const slots = createSlots(options.io.slots);
  let kill = new AbortController();
  // What has not answered once is not waited for again and again.
  let silent: unknown;

  async function begin(verb: string, fields: string[], signal: AbortSignal): Promise<Transfer> {
    if (silent !== undefined) throw silent;
    const slot = await slots.take(signal);
    let asked: Asked | undefined;
    try {
      const ends = slot.fifo.open();
      const given = options.link.order(verb, slot.name, ...fields);
      asked = given;
      const killing = kill.signal;
      const both = AbortSignal.any([signal, killing]);
      let settled = false;
      return {
        ends,
        signal: both,
        async answer() {
          const answer = await inTime(options.clock, given, both).catch(error => {
            if (error instanceof SlipwayError && error.code === "box-silent") silent = error;
            throw error;
          });
          settled = answer.kind !== "begun";
          return answer;
        },
        end() {
          void (settled ? Promise.resolve() : untilSettled(given, killing, options.clock)).then(() => {
            given.forget();
            slots.giveBack(slot);
          });
        },
      };
    } catch (error) {
      asked?.forget();
      slots.giveBack(slot);
      throw error;
    }
  }

  return {
    put: async (archive, at, signal) => {
      const transfer = await begin("put", [orderField(encodePath(at))], signal);
      try {
        return await put(options, transfer, archive, at);
      } finally {
        transfer.end();
      }
    },
    get: async (path, signal) => {
      const whole = posix.normalize(path).replace(/(.)\/$/, "$1");
      const fields = [posix.dirname(whole), posix.basename(whole) || "."];
      return get(
        options,
        await begin(
          "get",
          fields.map(field => orderField(encodePath(field))),
          signal,
        ),
        path,
      );
    },
    killed() {
      kill.abort(
        new SlipwayError("box-killed", "every process of the box was killed while files were transferred"),
      );
      kill = new AbortController();
    },
  };
}

/** Pipes that are free. One is given back only when nobody in the box has it open any more. */
function createSlots(all: readonly Slot[]): {
  take(signal: AbortSignal): Promise<Slot>;
  giveBack(slot: Slot): void;
} {
  const free = [...all];
  const wanted: ((slot: Slot) => void)[] = [];
  return {
    take(signal) {
      signal.throwIfAborted();
      const slot = free.pop();
      if (slot !== undefined) return Promise.resolve(slot);
      return new Promise((resolve, reject) => {
        const onAbort = () => {
          wanted.splice(wanted.indexOf(take), 1);
          reject(signal.reason);
        };
        const take = (given: Slot) => {
          signal.removeEventListener("abort", onAbort);
          resolve(given);
        };
        signal.addEventListener("abort", onAbort, { once: true });
        wanted.push(take);
      });
    },
    giveBack(slot) {
      const next = wanted.shift();
      if (next === undefined) free.push(slot);
      else next(slot);
    },
  };
}

/** A transfer that was broken off still has a process in the box, until that says that it has ended. Never rejects. */
async function untilSettled(asked: Asked, kill: AbortSignal, clock: Clock): Promise<void> {
  const said = (async () => {
    for (let kind = "begun"; kind === "begun"; ) ({ kind } = await asked.answer());
  })().catch(() => undefined);
  // What was killed says nothing, and is soon gone.
  const killed = new Promise<void>(resolve => {
    const late = () => clock.after(killedMs, resolve);
    if (kill.aborted) late();
    else kill.addEventListener("abort", late, { once: true });
  });
  await Promise.race([said, killed]);
}

async function inTime(clock: Clock, asked: Asked, signal: AbortSignal): Promise<PodAnswer> {
  const done = new AbortController();
  const late = pauseOrThrow(clock, answerMs, AbortSignal.any([signal, done.signal])).then(() => {
    throw new SlipwayError(
      "box-silent",
      `the box of the Pod did not transfer files within ${answerMs / 1000} s of being told to`,
      { hint: "a step may have removed or stopped what the runner needs in the box" },
    );
  });
  late.catch(() => undefined);
  try {
    return await Promise.race([asked.answer(), late]);
  } finally {
    done.abort();
  }
}

async function put(
  options: PodFilesOptions,
  transfer: Transfer,
  archive: AsyncIterable<Uint8Array>,
  at: string,
): Promise<Result<void>> {
  const { ends, signal } = transfer;
  const closeReader = closerOf(ends.reader);
  const writer = writerOf(ends.writer);
  try {
    const first = await transfer.answer();
    if (first.kind === "done") return refusalOf(options, first, at);
    // From here on the box's own end tells: when it is closed, writing fails.
    closeReader();
    let wake = () => {};
    for (const event of ["drain", "close"]) writer.on(event, () => wake());
    signal.addEventListener("abort", () => wake(), { once: true });
    for await (const bytes of abortable(gnuArchive(archive), signal)) {
      // What is unpacked to its end, or not to be unpacked, says so itself.
      if (writer.destroyed) break;
      if (!writer.write(bytes) && !signal.aborted) await new Promise<void>(resolve => (wake = resolve));
    }
    signal.throwIfAborted();
    writer.end();
    const last = await transfer.answer();
    return last.kind === "done" ? refusalOf(options, last, at) : accept(undefined);
  } finally {
    closeReader();
    writer.destroy();
  }
}

type Done = Extract<PodAnswer, { kind: "done" }>;

function refusalOf({ shownImage }: PodFilesOptions, { status, text }: Done, at: string): Result<void> {
  if (status === 0) return accept(undefined);
  if (status === "nodir") {
    return refuse(
      "no-such-directory",
      `the box has no directory ${at} to put files into`,
      "a step may have removed it",
    );
  }
  if (/no space left on device|disk quota exceeded/i.test(text)) {
    return refuse(
      "no-space",
      `there is no space left for files at ${at} of the box: ${text}`,
      "give the job's class more ephemeral storage, or the node more disk",
    );
  }
  if (/read-only file system/i.test(text)) {
    return refuse(
      "read-only-root",
      `the box cannot take files at ${at}: its root file system is read-only`,
      `image ${shownImage} has to run with a writable root, or with a writable volume at ${at}`,
    );
  }
  if (/permission denied|operation not permitted/i.test(text)) {
    return refuse(
      "box-permission",
      `the box's user may not write files at ${at}: ${text}`,
      `image ${shownImage} has to own that directory, or run as a user who may write there`,
    );
  }
  const how = status > 128 ? `was killed by signal ${status - 128}` : `ended with ${status}`;
  throw new SlipwayError("box-files", `unpacking files at ${at} of the box ${how}: ${text}`);
}

async function get(
  options: PodFilesOptions,
  transfer: Transfer,
  path: string,
): Promise<AsyncIterable<Uint8Array> | undefined> {
  const { ends, signal } = transfer;
  const closeWriter = closerOf(ends.writer);
  const reader = readerOf(ends.reader).pause();
  const end = () => {
    closeWriter();
    reader.destroy();
    transfer.end();
  };
  try {
    const first = await transfer.answer();
    if (first.kind === "none") {
      end();
      return undefined;
    }
    if (first.kind === "bare") {
      end();
      return emptyDirectory(path);
    }
    if (first.kind !== "begun") throw badPacking(path, first);
    closeWriter();
  } catch (error) {
    end();
    throw error;
  }
  const warn = (text: string) => options.warn(`not all of ${path} could be read in the box: ${text}`);
  async function* read(): AsyncGenerator<Uint8Array, void> {
    try {
      yield* abortable(reader as AsyncIterable<Uint8Array>, signal);
      const last = await transfer.answer();
      if (last.kind !== "done" || last.status === 0) return;
      if (last.status !== "nodir" && last.status > 125) throw badPacking(path, last);
      warn(last.text);
    } finally {
      end();
    }
  }
  return read();
}

function emptyDirectory(path: string): AsyncIterable<Uint8Array> {
  const name = posix.basename(posix.normalize(path)) || ".";
  return packEntries([{ kind: "directory", path: name }], { owner: { uid: 0, gid: 0 }, mtime: 0 });
}

function badPacking(path: string, answer: PodAnswer): SlipwayError {
  const said = answer.kind === "done" ? ` ended with ${answer.status}: ${answer.text}` : " was not begun";
  return new SlipwayError("box-files", `packing ${path} in the box${said}`);
}
