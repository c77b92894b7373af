// A stream to write to with back-pressure, that outlives its reader: when the other end is gone (`slipway run | head`)
// writing goes on into nothing, so that the run can end in good order.

import type { Writable } from "node:stream";

export interface Output {
  /** Resolves, or returns at once, when more can be taken. Never rejects. */
  write(chunk: string | Uint8Array): void | Promise<void>;
  /** Resolves when everything written has left. */
  flush(): Promise<void>;
  /** Width in characters; 80 where it is not known. */
  columns(): number;
  readonly isTerminal: boolean;
  readonly gone: boolean;
  onGone(listener: () => void): void;
}

/** An `Output` on a stream of the process, or on any other. */
export function streamOutput(stream: Writable): Output {
  const terminal = stream as Writable & { isTTY?: boolean; columns?: number };
  const listeners: (() => void)[] = [];
  let gone = false;
  let waiting: (() => void) | undefined;
  let drained: Promise<void> | undefined;
  const release = () => {
    waiting?.();
    waiting = undefined;
    drained = undefined;
  };
  stream.on("drain", release);
  stream.on("error", () => {
    if (gone) return;
    gone = true;
    release();
    for (const listener of listeners) listener();
  });
  return {
    write(chunk) {
      if (gone) return;
      if (stream.write(chunk)) return;
      drained ??= new Promise(resolve => {
        waiting = resolve;
      });
      return drained;
    },
    async flush() {
      if (gone) return;
      await new Promise<void>(resolve => {
        onceGone(resolve);
        stream.write("", () => resolve());
      });
    },
    columns: () => terminal.columns || 80,
    isTerminal: terminal.isTTY === true,
    get gone() {
      return gone;
    },
    onGone: onceGone,
  };

  function onceGone(listener: () => void): void {
    listeners.push(listener);
  }
}
