// Ends of runners as a stream with one reader: nothing is lost while nobody reads, since there is at most one end a runner.

import type { LaunchEnd } from "../queue/queue.ts";

export interface RunnerEnded {
  attemptId: string;
  epoch: number;
  end: LaunchEnd;
}

export interface EndStream {
  push(ended: RunnerEnded): void;
  close(): void;
  readonly ends: AsyncIterable<RunnerEnded>;
}

export function createEndStream(): EndStream {
  const held: RunnerEnded[] = [];
  let closed = false;
  let wake: (() => void) | undefined;
  async function* read(): AsyncGenerator<RunnerEnded> {
    for (;;) {
      const next = held.shift();
      if (next !== undefined) yield next;
      else if (closed) return;
      else await new Promise<void>(resolve => (wake = resolve));
    }
  }
  return {
    push(ended) {
      held.push(ended);
      wake?.();
    },
    close() {
      closed = true;
      wake?.();
    },
    ends: read(),
  };
}
