// Named pipes as the box's standard streams. Node's own are sockets, and on Linux a script that opens /dev/stderr
// gets an error for a socket; in a container it is a pipe.

import { execFile } from "node:child_process";
import { chmodSync, closeSync, constants, openSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { Socket } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { SlipwayError } from "../../core/failure.ts";

export interface Pipes {
  /** The box's ends: stdin, stdout, stderr. Close them with `closeOuter` once the child has them. */
  outer: [number, number, number];
  closeOuter(): void;
  stdin: Socket;
  stdout: Socket;
  stderr: Socket;
}

/** Pipes that nobody uses yet; they keep nothing going. */
export interface PipeEnds {
  outer: [number, number, number];
  inner: [number, number, number];
}

/**
 * Makes three pipes in a directory that is not the box's and removes their names again: in the box's own a process of it
 * could put something else in their place before they are opened. Throws where the machine cannot.
 */
export async function makePipes(directory: string, searchPath: string): Promise<PipeEnds> {
  const place = await mkdtemp(join(directory, ".io-"));
  const names = ["in", "out", "err"].map(name => join(place, name)) as [string, string, string];
  const opened: number[] = [];
  try {
    await promisify(execFile)("mkfifo", names, { env: { PATH: searchPath } });
    // Whoever runs in the box may open its own standard streams again by name.
    for (const name of names) chmodSync(name, 0o666);
    const stdin = openBoth(names[0], "write", opened);
    const stdout = openBoth(names[1], "read", opened);
    const stderr = openBoth(names[2], "read", opened);
    return {
      outer: [stdin.outer, stdout.outer, stderr.outer],
      inner: [stdin.inner, stdout.inner, stderr.inner],
    };
  } catch (cause) {
    opened.forEach(closeSync);
    throw new SlipwayError("host-pipes", `cannot make named pipes in ${directory}`, {
      cause,
      hint: "choose a working directory on a local file system, and see that `mkfifo` is on PATH",
    });
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}

/** Takes the pipes into use. */
export function openPipes({ outer, inner }: PipeEnds): Pipes {
  const [stdin, stdout, stderr] = inner;
  return {
    outer,
    closeOuter: () => outer.forEach(closeSync),
    stdin: new Socket({ fd: stdin, readable: false, writable: true }),
    stdout: new Socket({ fd: stdout, readable: true, writable: false }),
    stderr: new Socket({ fd: stderr, readable: true, writable: false }),
  };
}

/** Opens both ends without waiting for a partner: ours never blocks, the box's does as usual. */
function openBoth(name: string, ours: "read" | "write", opened: number[]): { inner: number; outer: number } {
  const open = (flags: number) => {
    const fd = openSync(name, flags);
    opened.push(fd);
    return fd;
  };
  const { O_RDONLY, O_WRONLY, O_NONBLOCK } = constants;
  if (ours === "read") {
    const inner = open(O_RDONLY | O_NONBLOCK);
    return { inner, outer: open(O_WRONLY) };
  }
  // A writer may only be opened without blocking where a reader is; and the box's reader must block.
  const first = open(O_RDONLY | O_NONBLOCK);
  const inner = open(O_WRONLY | O_NONBLOCK);
  const outer = open(O_RDONLY);
  closeSync(first);
  opened.splice(opened.indexOf(first), 1);
  return { inner, outer };
}
