// How long a person waits for the first sign of the first step, against a raw `docker run` of the same image.

import { type Figure, median } from "./figure.ts";
import { timeUntil } from "./timed-process.ts";
import type { Workshop } from "./workshop.ts";

const rounds = 9;

export async function firstByte(workshop: Workshop): Promise<Figure[]> {
  const file = `box: ${workshop.image}\nbuild:\n  steps:\n    - script: {name: first, code: "echo here-it-is"}\n`;
  const home = await workshop.project("first-byte", { "slipway.yml": file });
  const seen = (text: string) => /here-it-is/.test(text);
  const ours: number[] = [];
  const raw: number[] = [];
  for (let round = 0; round < rounds; round++) {
    raw.push(await timeUntil(workshop.docker(["run", "--rm", workshop.image, "echo", "here-it-is"]), seen));
    ours.push(await timeUntil(workshop.run(home, ["--json"]), seen));
  }
  const differences = ours.map((value, at) => value - raw[at]!);
  return [
    { bench: "first-byte", metric: "docker run", value: median(raw), unit: "ms", goal: "" },
    { bench: "first-byte", metric: "slipway run", value: median(ours), unit: "ms", goal: "" },
    {
      bench: "first-byte",
      metric: "slipway run - docker run",
      value: median(differences),
      unit: "ms",
      goal: "<= 300",
    },
  ];
}
