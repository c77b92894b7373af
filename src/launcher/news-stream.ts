// Why runners are not there yet, as a stream with one reader: of each attempt the newest word alone, since only that is
// true. "" takes it back.

import type { AttemptName } from "./launcher.ts";

export interface LaunchNews extends AttemptName {
  message: string;
}

export interface NewsStream {
  push(news: LaunchNews): void;
  close(): void;
  readonly news: AsyncIterable<readonly LaunchNews[]>;
}

const most = 500;

export function createNewsStream(): NewsStream {
  const held = new Map<string, LaunchNews>();
  let closed = false;
  let wake: (() => void) | undefined;
  async function* read(): AsyncGenerator<readonly LaunchNews[]> {
    for (;;) {
      if (closed) return;
      const next = [...held.values().take(most)];
      for (const { attemptId } of next) held.delete(attemptId);
      if (next.length > 0) yield next;
      else await new Promise<void>(resolve => (wake = resolve));
    }
  }
  return {
    push(news) {
      held.set(news.attemptId, news);
      wake?.();
    },
    close() {
      closed = true;
      wake?.();
    },
    news: read(),
  };
}
