// How fast a flood of output passes while twenty secrets are masked in it, and with how much memory.

import { type Figure, median } from "./figure.ts";
import { timedRun } from "./timed-process.ts";
import type { Workshop } from "./workshop.ts";

const megabytes = 200;
const rounds = 3;

export async function outputRate(workshop: Workshop): Promise<Figure[]> {
  const names = Array.from({ length: 20 }, (_, at) => `TOKEN_${at}`);
  const value = (name: string) => `s3cret-of-${name}-8c1f4e`;
  // One block of a megabyte that holds each secret once, printed as often as it takes.
  const script = [
    `{ for name in ${names.join(" ")}; do eval "echo line with \\$$name in it"; done`,
    '  yes "an ordinary line of output, as a compiler or a test runner prints it: s3cret-but-not-quite 12345"',
    "} 2>/dev/null | head -c 1000000 > /tmp/block",
    `i=0; while [ $i -lt ${megabytes} ]; do cat /tmp/block; i=$((i + 1)); done`,
  ];
  const code = script.map(line => `          ${line}\n`).join("");
  const file = `box: ${workshop.image}\nbuild:\n  steps:\n    - script:\n        name: flood\n        code: |\n${code}`;
  const home = await workshop.project("output-rate", { "slipway.yml": file });
  const secrets = Object.fromEntries(names.map(name => [`XXX_${name}`, value(name)]));
  const variables = names.flatMap(name => ["-e", `${name}=${value(name)}`]);
  const raw = workshop.docker(["run", "--rm", ...variables, workshop.image, "sh", "-c", script.join("\n")]);

  const rates = { raw: [] as number[], plain: [] as number[], json: [] as number[] };
  const peaks: number[] = [];
  for (let round = 0; round < rounds; round++) {
    rates.raw.push(rateOf(await timedRun(raw)));
    const plain = await timedRun(workshop.run(home, [], secrets));
    const json = await timedRun(workshop.run(home, ["--json"], secrets));
    rates.plain.push(rateOf(plain));
    rates.json.push(rateOf(json));
    peaks.push(plain.peakMegabytes, json.peakMegabytes);
  }
  const reference = median(rates.raw);
  const ratio = (values: number[]) => median(values) / reference;
  const bench = "output-rate";
  return [
    { bench, metric: "docker run > /dev/null", value: reference, unit: "MB/s", goal: "" },
    { bench, metric: "slipway run > /dev/null", value: median(rates.plain), unit: "MB/s", goal: "" },
    { bench, metric: "slipway run / docker run", value: ratio(rates.plain), unit: "times", goal: ">= 0.5" },
    {
      bench,
      metric: "slipway run --json / docker run",
      value: ratio(rates.json),
      unit: "times",
      goal: ">= 0.5",
    },
    { bench, metric: "most memory", value: Math.max(...peaks), unit: "MB", goal: "<= 200" },
  ];
}

function rateOf({ wallMs }: { wallMs: number }): number {
  return megabytes / (wallMs / 1000);
}
