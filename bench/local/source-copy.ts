// How long a source of 10,000 files takes to reach the box, against `docker cp` of the same directory.

import { rm } from "node:fs/promises";
import path from "node:path";
import { type Figure, median } from "./figure.ts";
import { timeUntil, wallTime } from "./timed-process.ts";
import type { Workshop } from "./workshop.ts";

const files = 10_000;
const rounds = 3;

export async function sourceCopy(workshop: Workshop): Promise<Figure[]> {
  const file = `box: ${workshop.image}\nbuild:\n  steps:\n    - script: {name: look, code: "echo here-it-is"}\n`;
  const small = await workshop.project("small-source", { "slipway.yml": file });
  const large = await workshop.project("large-source", { "slipway.yml": file, ...manyFiles() });
  const container = workshop.idle();
  const seen = (text: string) => text.includes("here-it-is");

  const ours: number[] = [];
  const theirs: number[] = [];
  for (let round = 0; round < rounds; round++) {
    theirs.push(await wallTime(workshop.docker(["cp", `${large}/.`, `${container}:/tmp/copy-${round}`])));
    // Until the first step runs: that is when all of it is there. What comes after is not the copy's.
    const all = await timeUntil(workshop.run(large, ["--json"]), seen);
    ours.push(all - (await timeUntil(workshop.run(small, ["--json"]), seen)));
    for (const home of [large, small])
      await rm(path.join(home, ".slipway"), { recursive: true, force: true });
  }
  const ratio = median(ours) / median(theirs);
  const bench = "source-copy";
  return [
    { bench, metric: "docker cp of 10,000 files", value: median(theirs), unit: "ms", goal: "" },
    { bench, metric: "slipway run, with them - without", value: median(ours), unit: "ms", goal: "" },
    { bench, metric: "slipway / docker cp", value: ratio, unit: "times", goal: "<= 1.1" },
  ];
}

/** Files of 1 to 20 kB in a hundred directories. */
function manyFiles(): Record<string, Uint8Array> {
  const names = Array.from({ length: files }, (_, at) => {
    const size = 1000 + ((at * 7919) % 19_000);
    return [
      `src/part-${at % 100}/file-${at}.txt`,
      Buffer.alloc(size, `line ${at} of a source file\n`),
    ] as const;
  });
  return Object.fromEntries(names);
}
