// The part of a terminal that is redrawn, and the text that scrolls away above it. The line that output has begun and
// not ended is kept in the region too, so that progress bars that rewrite themselves stay one line.

import type { Clock } from "../../lib/clock.ts";
import type { Output } from "./output.ts";

export interface LiveRegion {
  /** Output as it comes; whole lines scroll by, the rest is shown in the region until it is ended. */
  scroll(content: string | Uint8Array): void | Promise<void>;
  /** Whole lines of our own; ends an unfinished line of output first. */
  scrollLines(text: string): void | Promise<void>;
  /** Draws soon. */
  redraw(): void;
  /** Takes the region away for good; what is unfinished becomes a line, and output goes straight through. */
  close(): Promise<void>;
}

/** Between two drawings. Milliseconds. */
const drawEvery = 100;
/** A line that grows longer than this without an end scrolls by in pieces. */
const longestKept = 16 * 1024;

/** `status` gives the lines below the output, drawn anew each time. */
export function openLiveRegion(out: Output, clock: Clock, status: () => string[]): LiveRegion {
  let unfinished = "";
  /** Lines of the region on the screen; the cursor stands at the start of the line below them. */
  let drawn = 0;
  let closed = false;
  let cancelTimer: (() => void) | undefined;
  const decoder = new TextDecoder();

  const erase = () => (drawn === 0 ? "" : `\x1b[${drawn}A\x1b[J`);

  function schedule(): void {
    if (closed || cancelTimer !== undefined) return;
    cancelTimer = clock.after(drawEvery, () => {
      cancelTimer = undefined;
      draw();
      schedule();
    });
  }

  function draw(): void {
    if (closed) return;
    const width = out.columns();
    const lines = status();
    if (unfinished !== "") lines.unshift(lastWritten(unfinished));
    const text = lines.map(line => `${fitTo(line, width)}\x1b[0m\n`).join("");
    const before = erase();
    drawn = lines.length;
    void out.write(before + text);
  }

  function emit(text: string): void | Promise<void> {
    const before = erase();
    drawn = 0;
    schedule();
    return out.write(before + text);
  }

  return {
    scroll(content) {
      if (closed) return out.write(content);
      const text = typeof content === "string" ? content : decoder.decode(content, { stream: true });
      const end = text.lastIndexOf("\n") + 1;
      if (end === 0) {
        unfinished += text;
        if (unfinished.length <= longestKept) return schedule();
        const long = unfinished;
        unfinished = "";
        return emit(`${long}\n`);
      }
      const whole = unfinished + text.slice(0, end);
      unfinished = text.slice(end);
      return emit(whole);
    },
    scrollLines(text) {
      const lead = unfinished === "" ? "" : `${unfinished}\n`;
      unfinished = "";
      return emit(lead + text);
    },
    redraw: schedule,
    async close() {
      if (closed) return;
      closed = true;
      cancelTimer?.();
      const rest = unfinished === "" ? "" : `${unfinished}\n`;
      await out.write(erase() + rest);
    },
  };
}

/** What a terminal would show of a line that rewrites itself. */
function lastWritten(line: string): string {
  return line.split("\r").findLast(part => part !== "") ?? "";
}

const escapes = /\x1b\[[0-9;]*m|\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07]*\x07|[\x00-\x1a\x1c-\x1f\x7f]/g;

/** Characters that take two columns: East Asian wide ones and pictures. */
const wide =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;

/** At most `width` columns of text that is seen; colours stay, every other control goes. */
export function fitTo(line: string, width: number): string {
  let seen = 0;
  let out = "";
  let from = 0;
  const take = (text: string) => {
    for (const character of text) {
      const columns = wide.test(character) ? 2 : 1;
      if (seen + columns > width) return;
      seen += columns;
      out += character;
    }
  };
  for (const match of line.matchAll(escapes)) {
    take(line.slice(from, match.index));
    if (match[0].startsWith("\x1b[") && match[0].endsWith("m")) out += match[0];
    from = match.index + match[0].length;
  }
  take(line.slice(from));
  return out;
}
