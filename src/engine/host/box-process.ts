// The main process of a host box: the supervisor in a session of its own, and its channel. When it ends, everything
// it started ends with it, as in a container.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:os";
import { dirname } from "node:path";
import { SlipwayError } from "../../core/failure.ts";
import type { Clock } from "../../lib/clock.ts";
import type { BoxChannel, BoxEnd } from "../engine.ts";
import { supervisorCommand } from "../supervisor.ts";
import { mergeOutput } from "./box-output.ts";
import { makePipes, openPipes, type PipeEnds, type Pipes } from "./fifo.ts";
import { cookieName, sendSignal, signalMembers } from "./processes.ts";

export interface BoxProcessOptions {
  /** Private directory of the box; also where its shell starts. */
  directory: string;
  /** Everything that the processes see, and nothing else. */
  environment: Record<string, string>;
  cookie: string;
  nonce: string;
  /** Session shell; empty: bash where there is one, else sh. */
  shell: string[];
  spawnAs?: { uid: number; gid: number };
  /** Made before; absent: it makes its own. */
  pipes?: Promise<PipeEnds>;
  /** It may come to be of no use: this program does not stay for it until `hold`. */
  idle?: boolean;
  clock: Clock;
}

export interface BoxProcess {
  channel: BoxChannel;
  /** Process id of the supervisor, undefined when it has ended. */
  leader(): number | undefined;
  /** From here on this program stays as long as the box. */
  hold(): void;
  /** Ends the supervisor by KILL, all it started, and the output. Fine when they are gone. */
  end(): Promise<void>;
}

/** Starts the supervisor. Throws where the machine cannot run it. */
export async function startBoxProcess(options: BoxProcessOptions): Promise<BoxProcess> {
  const { directory, environment, cookie, nonce, clock } = options;
  const made = options.pipes ?? makePipes(dirname(directory), environment.PATH ?? "");
  const pipes = openPipes(await made);
  const [file = "", ...args] = supervisorCommand(nonce, options.shell);
  const child = spawn(file, args, {
    cwd: directory,
    env: { ...environment, [cookieName]: cookie },
    detached: true,
    stdio: pipes.outer,
    ...options.spawnAs,
  });
  try {
    await once(child, "spawn");
  } catch (cause) {
    closeAll(pipes);
    throw new SlipwayError("host-shell", `cannot start ${file} in ${directory}`, { cause });
  } finally {
    pipes.closeOuter();
  }
  // A write that fails tells its caller; the event is for nobody.
  pipes.stdin.on("error", () => {});
  const pid = child.pid as number;
  let leader: number | undefined = pid;
  const closed = new Promise<BoxEnd>(resolve => {
    child.once("exit", (code, signal) => {
      const exitCode = code ?? 128 + constants.signals[signal ?? "SIGKILL"];
      const members = signalMembers({ cookie, leader: pid }, "KILL", clock);
      leader = undefined;
      void members
        .catch(() => undefined)
        .then(() => {
          pipes.stdin.destroy();
          resolve({ kind: "exited", exitCode, outOfMemory: false });
        });
    });
  });
  const parts = [child, pipes.stdin, pipes.stdout, pipes.stderr];
  if (options.idle === true) for (const part of parts) part.unref();
  return {
    hold() {
      for (const part of parts) part.ref();
    },
    channel: {
      nonce,
      output: mergeOutput(pipes, closed, clock),
      write: text => write(pipes, closed, text),
      closed,
    },
    leader: () => leader,
    end: async () => {
      if (leader !== undefined) sendSignal(leader, "KILL");
      await closed;
      closeAll(pipes);
    },
  };
}

async function write(pipes: Pipes, closed: Promise<BoxEnd>, text: string): Promise<void> {
  const written = Promise.withResolvers<void>();
  pipes.stdin.write(text, error => (error ? written.reject(error) : written.resolve()));
  // A daemon may keep the pipe open after the box's end and never read it.
  const gone = closed.then(() => {
    throw new SlipwayError("box-ended", "the box has ended and takes no more commands");
  });
  gone.catch(() => undefined);
  await Promise.race([written.promise, gone]);
}

function closeAll(pipes: Pipes): void {
  for (const socket of [pipes.stdin, pipes.stdout, pipes.stderr]) socket.destroy();
}
