// How many Pods a worker creates in a second, beside a loop that does nothing but create, in turn, against the same server.

import { type Figure, median } from "../local/figure.ts";
import { startProcess } from "./own-process.ts";

const rounds = 5;
const number = 400;

export async function creates(): Promise<Figure[]> {
  using cluster = startProcess("cluster-process.ts");
  using worker = startProcess("worker-process.ts");
  const where = await cluster.ask("where");
  const times: Record<"bare" | "launched" | "cpu", number[]> = { bare: [], launched: [], cpu: [] };
  for (let round = 0; round <= rounds; round++) {
    const bare = await worker.ask<number>("bare", { where, number });
    await cluster.ask("empty");
    const before = await worker.ask<number>("cpu");
    const launched = await worker.ask<number>("launches", { where, number });
    const spent = (await worker.ask<number>("cpu")) - before;
    await cluster.ask("empty");
    // The first one warms both up.
    if (round === 0) continue;
    times.bare.push(bare);
    times.launched.push(launched);
    times.cpu.push(spent / number);
  }
  const [bare, launched] = [median(times.bare), median(times.launched)];
  return [
    { bench: "creates", metric: "a bare loop, 16 at once", value: bare, unit: "Pods/s", goal: "" },
    { bench: "creates", metric: "a worker, 16 at once", value: launched, unit: "Pods/s", goal: ">= 100" },
    {
      bench: "creates",
      metric: "of the bare loop's",
      value: (launched / bare) * 100,
      unit: "%",
      goal: ">= 90",
    },
    // What the machine does besides does not count here.
    {
      bench: "creates",
      metric: "processor time of a worker for each",
      value: median(times.cpu),
      unit: "ms",
      goal: "",
    },
  ];
}
