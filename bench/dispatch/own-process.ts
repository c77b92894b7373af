// A process of a bench, so that what it takes is its own: told what to do by messages, one after the other.

import { type ChildProcess, fork } from "node:child_process";
import path from "node:path";

export interface OwnProcess extends Disposable {
  /** Rejects with what went wrong there. */
  ask<Answer>(call: string, value?: unknown): Promise<Answer>;
  /** What it says by itself. */
  onNews(hear: (news: unknown) => void): void;
  readonly child: ChildProcess;
}

interface Reply {
  id?: number;
  answer?: unknown;
  error?: string;
  news?: unknown;
}

/** `file` stands in this folder. */
export function startProcess(file: string, env: Record<string, string> = {}): OwnProcess {
  const child = fork(path.join(import.meta.dirname, file), {
    execArgv: ["--expose-gc", "--disable-warning=ExperimentalWarning"],
    env: { ...process.env, ...env },
    serialization: "advanced",
  });
  const waiting = new Map<number, (reply: Reply) => void>();
  const listeners: ((news: unknown) => void)[] = [];
  let count = 0;
  child.on("message", (reply: Reply) => {
    if (reply.id === undefined) for (const hear of listeners) hear(reply.news);
    else waiting.get(reply.id)?.(reply);
  });
  child.on("exit", code => {
    for (const wake of waiting.values()) wake({ error: `${file} ended with ${code}` });
  });
  return {
    child,
    ask<Answer>(call: string, value?: unknown) {
      const id = ++count;
      return new Promise<Answer>((resolve, reject) => {
        waiting.set(id, ({ answer, error }) => {
          waiting.delete(id);
          if (error === undefined) resolve(answer as Answer);
          else reject(new Error(error));
        });
        child.send({ id, call, value });
      });
    },
    onNews: hear => void listeners.push(hear),
    [Symbol.dispose]() {
      child.kill("SIGKILL");
    },
  };
}

/** The other side. Each answers `cpu` as well: its processor time so far, in milliseconds. */
export function serveCalls(own: Record<string, (value: never) => Promise<unknown>>): void {
  const cpu = async () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  };
  const calls: typeof own = { cpu, ...own };
  process.on("message", async ({ id, call, value }: { id: number; call: string; value: unknown }) => {
    try {
      process.send?.({ id, answer: await calls[call]!(value as never) });
    } catch (error) {
      process.send?.({ id, error: (error as Error).stack });
    }
  });
  process.on("disconnect", () => process.exit());
}

export function tellNews(news: unknown): void {
  process.send?.({ news });
}
