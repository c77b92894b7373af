// Files of a box that belongs to another user, moved by a process of that user. We may be root: what a box puts in the way
// while we look (a directory that becomes a link) would lead us to files that are not the box's to read or to write.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { SlipwayError } from "../../core/failure.ts";

export interface BoxUser {
  uid: number;
  gid: number;
}

const errorBytes = 2000;
const environment = { PATH: "/usr/local/bin:/usr/bin:/bin", LC_ALL: "C" };

/** `name` of the directory, as the user sees it, as a tar stream. Throws SlipwayError where it cannot be read. */
export async function* packAs(
  user: BoxUser,
  directory: string,
  name: string,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const child = start(["tar", "-cf", "-", `./${name}`], user, directory);
  using _end = child.endWith(signal);
  try {
    yield* child.stdout;
    const status = await child.ended;
    signal.throwIfAborted();
    // 1: a file has changed while it was read.
    if (status !== 0 && status !== 1) throw failed("packed", directory, child.said());
  } finally {
    child.kill();
    await child.ended;
  }
}

/** A process of the user that waits for one archive. */
export interface Unpacker extends Disposable {
  /** Unpacks into the directory; all of it becomes the user's. Throws SlipwayError where it cannot be written. */
  unpack(archive: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void>;
}

/** Starts it. One that is never used is to be disposed of; it keeps nothing going, and ends with this program. */
export function startUnpacker(user: BoxUser, directory: string): Unpacker {
  const child = start(["tar", "-xpf", "-"], user, directory);
  child.hold(false);
  return {
    async unpack(archive, signal) {
      child.hold(true);
      using _end = child.endWith(signal);
      try {
        for await (const part of archive) {
          if (!child.stdin.write(part)) {
            await Promise.race([once(child.stdin, "drain").catch(() => undefined), child.ended]);
          }
          if (child.stdin.destroyed) break;
        }
        child.stdin.end();
        const status = await child.ended;
        signal.throwIfAborted();
        if (status !== 0) throw failed("unpacked", directory, child.said());
      } finally {
        child.kill();
        await child.ended;
      }
    },
    [Symbol.dispose]: child.kill,
  };
}

/** Empties the directory as far as the user can. Throws nothing. */
export async function emptyAs(user: BoxUser, directory: string): Promise<void> {
  const remove = "rm -rf -- ./* ./.[!.]* ./..?* 2>/dev/null";
  // Only what may not be removed as it is has to be walked through before.
  const script = `${remove} || { chmod -R u+rwX . 2>/dev/null; ${remove}; }`;
  const child = start(["/bin/sh", "-c", script], user, directory);
  child.stdout.resume();
  await child.ended;
}

function start([program = "", ...args]: string[], user: BoxUser, directory: string) {
  const child = spawn(program, args, { cwd: directory, env: environment, stdio: "pipe", ...user });
  let said = "";
  child.stderr.on("data", (part: Buffer) => {
    said = (said + part.toString("utf8")).slice(-errorBytes);
  });
  // A write that comes too late is told by how it ended.
  child.stdin.on("error", () => undefined);
  const kill = () => void child.kill("SIGKILL");
  const ended = new Promise<number>(resolve => {
    child.once("error", error => {
      said += error.message;
      resolve(-1);
    });
    child.once("close", status => resolve(status ?? -1));
  });
  return {
    stdin: child.stdin,
    stdout: child.stdout,
    ended,
    said: () => said.trim(),
    kill,
    endWith(signal: AbortSignal): Disposable {
      if (signal.aborted) kill();
      signal.addEventListener("abort", kill, { once: true });
      return { [Symbol.dispose]: () => signal.removeEventListener("abort", kill) };
    },
    /** Whether this program stays for it. */
    hold(on: boolean) {
      // Pipes are sockets, whatever their types say.
      const parts = [child, child.stdin, child.stdout, child.stderr] as unknown as Record<
        "ref" | "unref",
        () => void
      >[];
      for (const part of parts) part[on ? "ref" : "unref"]();
    },
  };
}

function failed(what: string, directory: string, said: string): SlipwayError {
  const message = `${directory} cannot be ${what} by tar: ${said === "" ? "it was killed" : said}`;
  return new SlipwayError("host-files", message, {
    hint: "see that `tar` is on PATH, and that there is space",
  });
}
