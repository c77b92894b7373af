// The first thing that the runner of a Pod does, before it claims its job: the tools and the named pipes that the box's
// supervisor waits for. It appears as a whole or not at all, and believes nothing that it finds there.

import { execFile } from "node:child_process";
import { rmSync } from "node:fs";
import { chmod, copyFile, mkdir, rename, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { SlipwayError } from "../../core/failure.ts";
import { type Fifo, holdFifo } from "./fifo-streams.ts";
import { podBinDirectory, podIoDirectory } from "./pod-supervisor.ts";

export interface PrepareIoOptions {
  /** A busybox that needs no other file. */
  busybox: string;
  /** `podIoDirectory` unless told. */
  io?: string;
  /** `podBinDirectory` unless told. */
  bin?: string;
}

/** The pipes to the box's supervisor, held. Disposing lets go of them, and takes their names away. */
export interface PodIo extends Disposable {
  readonly control: Fifo;
  readonly word: Fifo;
  readonly in: Fifo;
  readonly out: Fifo;
  readonly err: Fifo;
  /** For files, one transfer each at a time. */
  readonly slots: readonly { name: string; fifo: Fifo }[];
}

const streams = ["control", "word", "in", "out", "err"] as const;
const slotNames = ["t0", "t1", "t2", "t3", "t4", "t5", "t6", "t7"];
/** For whoever works in the box with no tools of the image; the supervisor itself calls `busybox`. */
const links = ["tar", "cat", "mkfifo", "env", "id", "sleep", "sh"];

/** Lays tools and pipes. Throws where the volumes cannot take them. */
export async function prepareIo(options: PrepareIoOptions): Promise<PodIo> {
  const { busybox, io = podIoDirectory, bin = podBinDirectory } = options;
  const place = join(io, ".box");
  const fifos: Fifo[] = [];
  try {
    // A restarted runner finds what the first one has left: nobody speaks through that any more.
    for (const old of [place, join(io, "box")]) await rm(old, { recursive: true, force: true });
    const names = [...streams, ...slotNames];
    const tools = layTools(busybox, bin);
    await mkdir(place, { mode: 0o755 });
    await promisify(execFile)(busybox, ["mkfifo", "-m", "666", ...names.map(name => join(place, name))]);
    const held = new Map(names.map(name => [name, holdFifo(join(place, name))]));
    fifos.push(...held.values());
    await tools;
    await rename(place, join(io, "box"));
    const of = (name: string) => held.get(name) as Fifo;
    return {
      control: of("control"),
      word: of("word"),
      in: of("in"),
      out: of("out"),
      err: of("err"),
      slots: slotNames.map(name => ({ name, fifo: of(name) })),
      [Symbol.dispose]() {
        for (const fifo of fifos) fifo[Symbol.dispose]();
        rmSync(join(io, "box"), { recursive: true, force: true });
      },
    };
  } catch (cause) {
    for (const fifo of fifos) fifo[Symbol.dispose]();
    if (cause instanceof SlipwayError) throw cause;
    throw new SlipwayError("pod-io", `cannot lay the pipes of the box in ${io}: ${cause}`, {
      cause,
      hint: "the Pod needs its volumes at /.slipway/io and /.slipway/bin, writable for the runner, and a static busybox in the runner's image (SLIPWAY_BUSYBOX)",
    });
  }
}

async function layTools(busybox: string, bin: string): Promise<void> {
  await mkdir(bin, { recursive: true });
  const target = join(bin, "busybox");
  await copyFile(busybox, `${target}.new`);
  await chmod(`${target}.new`, 0o755);
  await rename(`${target}.new`, target);
  for (const link of links) {
    await symlink("busybox", join(bin, link)).catch(error => {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    });
  }
}
