// `npm run bench:local [-- --json] [NAME...]`: the figures of running pipelines on one machine. Exits with 1 where a
// figure does not meet its goal.

import { runBenches } from "../run-benches.ts";
import type { Figure } from "./figure.ts";
import { firstByte } from "./first-byte.ts";
import { outputRate } from "./output-rate.ts";
import { sourceCopy } from "./source-copy.ts";
import { stepOverhead } from "./step-overhead.ts";
import { unharmedOutput } from "./unharmed-output.ts";
import { versionTime } from "./version-time.ts";
import { openWorkshop, type Workshop } from "./workshop.ts";

const benches: Record<string, (workshop: Workshop) => Promise<Figure[]>> = {
  version: versionTime,
  "step-overhead": stepOverhead,
  "first-byte": firstByte,
  "source-copy": sourceCopy,
  "output-rate": outputRate,
  unharmed: unharmedOutput,
};

/** Every message of an error, also of those that a failing clean-up pushed into the background. */
function messagesOf(error: unknown): string[] {
  if (error instanceof SuppressedError) return [...messagesOf(error.suppressed), ...messagesOf(error.error)];
  return [error instanceof Error ? error.message : String(error)];
}

try {
  process.exitCode = await runBenches(benches, process.argv.slice(2), () =>
    openWorkshop(text => console.error(`bench: ${text}`)),
  );
} catch (error) {
  for (const message of messagesOf(error)) console.error(`bench: ${message}`);
  process.exitCode = 3;
}
