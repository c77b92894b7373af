// The last lines of a step's output, as they left the runner (masked), for the message of a failure.

const maxBytes = 4096;
const maxLines = 10;
const maxLineLength = 300;

export interface OutputTail {
  push(text: string): void;
  lines(): string[];
}

export function createOutputTail(): OutputTail {
  let kept = "";
  return {
    push(text) {
      kept = (kept + text.slice(-maxBytes)).slice(-maxBytes);
    },
    lines() {
      return kept
        .split("\n")
        .map(line => line.trimEnd())
        .filter(line => line !== "")
        .slice(-maxLines)
        .map(line => (line.length > maxLineLength ? `${line.slice(0, maxLineLength)}…` : line));
    },
  };
}
