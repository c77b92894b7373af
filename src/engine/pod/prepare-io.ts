// The first thing that the runner of a Pod does, before it claims its job: the tools and the named pipes that the box's
// supervisor waits for. It appears as a whole or not at all, and believes nothing that it finds there.

import { execFile } from "node:child_process";
import { renameSync, rmSync, symlinkSync } from "node:fs";
import { chmod, copyFile, mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { SlipwayError } from "../../core/failure.ts";
import { type Fifo, holdDirectory, holdFifo } from "./fifo-streams.ts";
import { slotNames, streamNames, unheldName } from "./lay-pipes.ts";
import { podBinDirectory, podIoDirectory } from "./pod-supervisor.ts";

export interface PrepareIoOptions {
  /** A busybox that needs no other file. */
  busybox: string;
  /** `podIoDirectory` unless told. */
  io?: string;
  /** `podBinDirectory` unless told. */
  bin?: string;
  /** By the shell of `layingCommand`. */
  laid?: boolean;
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

const names = [...streamNames, ...slotNames];
/** For whoever works in the box with no tools of the image; the supervisor itself calls `busybox`. */
const links = ["tar", "cat", "mkfifo", "env", "id", "sleep", "sh"];

/** Lays tools and pipes. Throws where the volumes cannot take them. */
export async function prepareIo(options: PrepareIoOptions): Promise<PodIo> {
  const { busybox, io = podIoDirectory, bin = podBinDirectory, laid = false } = options;
  using stack = new DisposableStack();
  try {
    if (!laid) await Promise.all([layTools(busybox, bin), layPipes(busybox, io)]);
    const { path: top } = stack.use(holdDirectory(io));
    const fifos = names.map(name => stack.use(holdFifo(join(top, unheldName, name))));
    linkTools(bin);
    // It appears as a whole, and only when nobody can put anything in its place any more.
    renameSync(join(top, unheldName), join(top, "box"));
    stack.defer(() => rmSync(join(top, "box"), { recursive: true, force: true }));
    const held = new Map(fifos.map((fifo, index) => [names[index] as string, fifo]));
    const of = (name: string) => held.get(name) as Fifo;
    const all = stack.move();
    return {
      control: of("control"),
      word: of("word"),
      in: of("in"),
      out: of("out"),
      err: of("err"),
      slots: slotNames.map(name => ({ name, fifo: of(name) })),
      [Symbol.dispose]: () => all.dispose(),
    };
  } catch (cause) {
    if (cause instanceof SlipwayError) throw cause;
    throw new SlipwayError("pod-io", `cannot lay the pipes of the box in ${io}: ${cause}`, {
      cause,
      hint: "the Pod needs its volumes at /.slipway/io and /.slipway/bin, writable for the runner, and a static busybox in the runner's image (SLIPWAY_BUSYBOX)",
    });
  }
}

async function layPipes(busybox: string, io: string): Promise<void> {
  // A restarted runner finds what the first one has left: nobody speaks through that any more.
  for (const old of [unheldName, "box"]) await rm(join(io, old), { recursive: true, force: true });
  const place = join(io, unheldName);
  await mkdir(place, { mode: 0o755, recursive: true });
  await promisify(execFile)(busybox, ["mkfifo", "-m", "666", ...names.map(name => join(place, name))]);
}

async function layTools(busybox: string, bin: string): Promise<void> {
  await mkdir(bin, { recursive: true });
  const target = join(bin, "busybox");
  await copyFile(busybox, `${target}.new`);
  await chmod(`${target}.new`, 0o755);
  await rename(`${target}.new`, target);
}

function linkTools(bin: string): void {
  for (const link of links) {
    try {
      symlinkSync("busybox", join(bin, link));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  }
}
