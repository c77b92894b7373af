// What turns the events of runs into text for someone. Printers only read events; whatever they keep dies with them.

import type { EventSink, LogChunk } from "../../core/events.ts";

export type SayLevel = "debug" | "info" | "warning" | "error";

export interface Printer {
  /** A listener for the events of one run. `label` tells runs apart that go side by side. */
  open(label?: string): EventSink;
  /** Something of the program itself, outside every run. */
  say(level: SayLevel, message: string): void | Promise<void>;
  /** Redraws nothing from now on. */
  interactive(): Promise<void>;
  /** Prints what is still held back and gives the terminal back. May be called twice. */
  close(): Promise<void>;
}

/** The bytes or the text of a chunk, as they shall be written. */
export function chunkContent(chunk: LogChunk): string | Uint8Array {
  return chunk.text ?? Buffer.from(chunk.bytes ?? "", "base64");
}
