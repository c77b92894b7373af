// What `slipway --version` takes beyond starting Node at all: a program that loads everything first is slow at
// everything.

import { type Figure, median } from "./figure.ts";
import { wallTime } from "./timed-process.ts";
import type { Workshop } from "./workshop.ts";

const rounds = 21;

export async function versionTime(workshop: Workshop): Promise<Figure[]> {
  const ours: number[] = [];
  const bare: number[] = [];
  for (let round = 0; round < rounds; round++) {
    bare.push(await wallTime({ program: process.execPath, args: ["-e", "0"] }));
    ours.push(await wallTime(workshop.slipway(["--version"])));
  }
  const difference = median(ours) - median(bare);
  return [
    { bench: "version", metric: "node -e 0", value: median(bare), unit: "ms", goal: "" },
    {
      bench: "version",
      metric: "slipway --version - node -e 0",
      value: difference,
      unit: "ms",
      goal: "<= 60",
    },
  ];
}
