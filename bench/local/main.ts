// `npm run bench:local [-- --json] [NAME...]`: the figures of running pipelines on one machine. Exits with 1 where a
// figure does not meet its goal.

import { type Figure, figureAsJson, figureAsText, isMet } from "./figure.ts";
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

async function main(args: string[]): Promise<number> {
  const json = args.includes("--json");
  const names = args.filter(arg => !arg.startsWith("-"));
  const unknown = names.find(name => benches[name] === undefined);
  if (unknown !== undefined) {
    console.error(`bench: there is no bench ${unknown}; there are ${Object.keys(benches).join(", ")}`);
    return 2;
  }
  await using workshop = await openWorkshop(text => console.error(`bench: ${text}`));
  let met = true;
  for (const name of names.length > 0 ? names : Object.keys(benches)) {
    for (const figure of await benches[name]!(workshop)) {
      console.log(json ? figureAsJson(figure) : figureAsText(figure));
      met &&= isMet(figure);
    }
  }
  return met ? 0 : 1;
}

/** Every message of an error, also of those that a failing clean-up pushed into the background. */
function messagesOf(error: unknown): string[] {
  if (error instanceof SuppressedError) return [...messagesOf(error.suppressed), ...messagesOf(error.error)];
  return [error instanceof Error ? error.message : String(error)];
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  for (const message of messagesOf(error)) console.error(`bench: ${message}`);
  process.exitCode = 3;
}
