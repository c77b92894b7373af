// What a step costs beyond the commands in it: 200 steps of one `true` against one step of 200.

import { type Figure, median } from "./figure.ts";
import { wallTime } from "./timed-process.ts";
import type { Workshop } from "./workshop.ts";

const steps = 200;
const rounds = 5;

export async function stepOverhead(workshop: Workshop): Promise<Figure[]> {
  const one = (name: string, code: string) => `    - script: {name: ${name}, code: "${code}"}\n`;
  const head = `box: ${workshop.image}\nbuild:\n  steps:\n`;
  const list = Array.from({ length: steps }, (_, at) => one(`step ${at}`, "true"));
  const many = await workshop.project("many-steps", { "slipway.yml": head + list.join("") });
  const long = one("all", Array(steps).fill("true").join("\\n"));
  const single = await workshop.project("one-step", { "slipway.yml": head + long });
  const container = workshop.idle();

  const overheads: number[] = [];
  const execs: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const [all, alone] = [await wallTime(workshop.run(many)), await wallTime(workshop.run(single))];
    overheads.push((all - alone) / (steps - 1));
    for (let at = 0; at < 3; at++) execs.push(await wallTime(workshop.docker(["exec", container, "true"])));
  }
  const [overhead, exec] = [median(overheads), median(execs)];
  // Below a hundredth of a millisecond the difference is noise, and the ratio would be anything.
  const ratio = exec / Math.max(overhead, 0.01);
  return [
    { bench: "step-overhead", metric: "one more step", value: overhead, unit: "ms", goal: "<= 5" },
    { bench: "step-overhead", metric: "one docker exec", value: exec, unit: "ms", goal: "" },
    {
      bench: "step-overhead",
      metric: "docker exec / one more step",
      value: ratio,
      unit: "times",
      goal: ">= 10",
    },
  ];
}
