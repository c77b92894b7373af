// How many Pods a worker creates in a second, beside a loop that does nothing but create, in turn, against the same server:
// the same Pods, as many at once, through the same client. Whose processor time bounds each is told as well.

import { type Figure, median } from "../local/figure.ts";
import { type OwnProcess, startProcess } from "./own-process.ts";

const rounds = 5;
const number = 400;

type Way = "bare" | "launches";

interface Turn {
  /** Pods each second. */
  rate: number;
  /** Processor time for each Pod. Milliseconds. */
  client: number;
  server: number;
}

export async function creates(): Promise<Figure[]> {
  using cluster = startProcess("cluster-process.ts");
  using worker = startProcess("worker-process.ts");
  const where = await cluster.ask("where");
  const turns: Record<Way, Turn[]> = { bare: [], launches: [] };
  for (let round = 0; round <= rounds; round++) {
    for (const way of ["bare", "launches"] as const) {
      const turn = await timed(worker, cluster, () => worker.ask<number>(way, { where, number }));
      await cluster.ask("empty");
      // The first one warms both up.
      if (round > 0) turns[way].push(turn);
    }
  }
  const [bare, launched] = [medianOf(turns.bare), medianOf(turns.launches)];
  const row = { bench: "creates", goal: "" };
  return [
    { ...row, metric: "a bare loop, 16 at once", value: bare.rate, unit: "Pods/s" },
    { ...row, metric: "a worker, 16 at once", value: launched.rate, unit: "Pods/s", goal: ">= 100" },
    {
      ...row,
      metric: "of the bare loop's",
      value: (launched.rate / bare.rate) * 100,
      unit: "%",
      goal: ">= 90",
    },
    // What the machine does besides does not count here.
    { ...row, metric: "processor time of the bare loop for each", value: bare.client, unit: "ms" },
    { ...row, metric: "processor time of a worker for each", value: launched.client, unit: "ms" },
    { ...row, metric: "the server's for each of the bare loop", value: bare.server, unit: "ms" },
    { ...row, metric: "the server's for each of a worker", value: launched.server, unit: "ms" },
  ];
}

async function timed(worker: OwnProcess, cluster: OwnProcess, work: () => Promise<number>): Promise<Turn> {
  const spent = async () => ({
    client: await worker.ask<number>("cpu"),
    server: await cluster.ask<number>("cpu"),
  });
  const before = await spent();
  const rate = await work();
  const after = await spent();
  return {
    rate,
    client: (after.client - before.client) / number,
    server: (after.server - before.server) / number,
  };
}

function medianOf(turns: Turn[]): Turn {
  const of = (figure: keyof Turn) => median(turns.map(turn => turn[figure]));
  return { rate: of("rate"), client: of("client"), server: of("server") };
}
