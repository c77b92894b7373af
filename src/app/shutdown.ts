// Ctrl-C, SIGTERM, and errors that nobody caught. The first signal cancels the run, which then cleans up after itself;
// the second one leaves at once and says what remains. Installed by the command line only, for the time of one run.

import { Cancel } from "../core/cancel.ts";
import { messageOf } from "../core/failure.ts";

export interface Shutdown extends Disposable {
  /** Aborted with a `Cancel` by the first signal. */
  readonly signal: AbortSignal;
  /** Cancels as the first signal would, for other reasons. */
  cancel(message: string): void;
  /** Until it is disposed of, the next Ctrl-C aborts the signal it gives, and nothing else. */
  takeInterrupt(): Interrupt;
}

/** One Ctrl-C that belongs to whoever took it. */
export interface Interrupt extends Disposable {
  readonly signal: AbortSignal;
}

export interface ShutdownOptions {
  /** Told of the first signal. */
  onFirst(name: string): void;
  /** Told of the second one; the process ends when it returns, so it must write synchronously. */
  onSecond(name: string): void;
  /** Told of an error that nobody caught: the run is ended as broken, and cleans up. */
  onFault(error: unknown): void;
  /** Ends the process. */
  exit(code: number): never;
}

/** Listens for signals until it is disposed of. */
export function listenForShutdown(options: ShutdownOptions): Shutdown {
  const controller = new AbortController();
  let taken: AbortController | undefined;
  const onSignal = (name: NodeJS.Signals) => {
    if (name === "SIGINT" && taken !== undefined && !taken.signal.aborted) {
      taken.abort(new Cancel("canceled", "interrupted"));
      return;
    }
    if (controller.signal.aborted) {
      options.onSecond(name);
      options.exit(130);
    }
    options.onFirst(name);
    controller.abort(new Cancel("canceled", `canceled by ${name}`));
  };
  const onFault = (error: unknown) => {
    options.onFault(error);
    controller.abort(new Cancel("broken", `an error of our own: ${messageOf(error)}`));
  };
  process.on("uncaughtException", onFault);
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  process.on("SIGHUP", onSignal);
  return {
    signal: controller.signal,
    cancel(message) {
      controller.abort(new Cancel("canceled", message));
    },
    takeInterrupt() {
      const mine = new AbortController();
      taken = mine;
      return {
        signal: mine.signal,
        [Symbol.dispose]() {
          if (taken === mine) taken = undefined;
        },
      };
    },
    [Symbol.dispose]() {
      process.off("uncaughtException", onFault);
      process.off("SIGINT", onSignal);
      process.off("SIGTERM", onSignal);
      process.off("SIGHUP", onSignal);
    },
  };
}
