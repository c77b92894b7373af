// Who watches runs: the printer of the command line, or a program that uses the package.

import type { Problem } from "../config/pipeline-file.ts";
import type { EventSink } from "../core/events.ts";

export interface RunObserver {
  /** A listener for the events of one run. `label` tells runs apart that go side by side. */
  open(label?: string): EventSink;
  /** A remark that belongs to no run. */
  say(level: "debug" | "info" | "warning" | "error", message: string): void | Promise<void>;
  /** From now on a person may sit in a shell: nothing on the screen may be redrawn any more. */
  interactive?(): void | Promise<void>;
  /** Warnings about a file, with its text for code frames. */
  problems?(problems: FileProblems): void | Promise<void>;
}

export interface FileProblems {
  name: string;
  text: string;
  problems: readonly Problem[];
}
