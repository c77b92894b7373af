// Named pipes that a stranger's processes can reach too. Each is opened once, before anything of the user's can run, as a
// name that holds the pipe itself (O_PATH); its ends are opened through that. What is put in its place on the volume
// later, a link into the runner's own files for one, is never looked at.

import { closeSync, constants, fstatSync, openSync } from "node:fs";
import { Socket } from "node:net";
import { SlipwayError } from "../../core/failure.ts";

/** Of Linux; Node does not name it. */
const O_PATH = 0o10000000;
const { O_DIRECTORY, O_RDONLY, O_WRONLY, O_NONBLOCK, O_NOFOLLOW } = constants;

/** A pipe without an end of it open. */
export interface Fifo extends Disposable {
  readonly path: string;
  /** Both ends, neither of which waits for a partner. */
  open(): FifoEnds;
}

/** Descriptors. Who holds both is told neither that the other side has come nor that it has gone. */
export interface FifoEnds {
  reader: number;
  writer: number;
}

/** Takes hold of a directory: `path` leads to what it is now, whatever comes in its place. Throws where it is a link. */
export function holdDirectory(path: string): { readonly path: string } & Disposable {
  const held = openSync(path, O_PATH | O_DIRECTORY | O_NOFOLLOW);
  return { path: `/proc/self/fd/${held}`, [Symbol.dispose]: once(() => closeSync(held)) };
}

/** Takes hold of a pipe. Throws where it is none. */
export function holdFifo(path: string): Fifo {
  const held = openSync(path, O_PATH | O_NOFOLLOW);
  if (!fstatSync(held).isFIFO()) {
    closeSync(held);
    throw new SlipwayError("pod-io", `${path} is not the named pipe that was made there`, {
      hint: "something else writes to the volume of the runner's pipes: a container that starts before the box",
    });
  }
  const name = `/proc/self/fd/${held}`;
  return {
    path,
    open() {
      // A writer may only be opened without waiting where a reader is.
      const reader = openSync(name, O_RDONLY | O_NONBLOCK);
      try {
        return { reader, writer: openSync(name, O_WRONLY | O_NONBLOCK) };
      } catch (error) {
        closeSync(reader);
        throw error;
      }
    },
    [Symbol.dispose]: once(() => closeSync(held)),
  };
}

/** A stream of what comes through the pipe. Its errors show as its end. */
export function readerOf(fd: number): Socket {
  const socket = new Socket({ fd, readable: true, writable: false });
  socket.on("error", () => {});
  return socket;
}

/** A stream into the pipe. A write that fails tells its caller; the event is for nobody. */
export function writerOf(fd: number): Socket {
  const socket = new Socket({ fd, readable: false, writable: true });
  socket.on("error", () => {});
  return socket;
}

/** A function that closes the descriptor the first time it is called. */
export function closerOf(fd: number): () => void {
  return once(() => closeSync(fd));
}

function once(run: () => void): () => void {
  let done = false;
  return () => {
    if (done) return;
    done = true;
    run();
  };
}
