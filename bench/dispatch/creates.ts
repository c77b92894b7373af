// How many Pods a worker creates in a second, beside a loop that does nothing but post Pods that are ready, in turn, against the
// same server: the same Pods, as many at once, through the same client, with the same answers. Whose processor time bounds each
// is told as well. Against the stand-in always, and against the API server of KUBECONFIG where one is named.

import { type Figure, median } from "../local/figure.ts";
import { openBenchNamespace } from "./bench-namespace.ts";
import { type OwnProcess, startProcess } from "./own-process.ts";
import type { Where } from "./worker-process.ts";

const rounds = 8;

type Way = "bare" | "launches";

interface Turn {
  /** Pods each second. */
  rate: number;
  /** Processor time for each Pod. Milliseconds. */
  client: number;
  server: number;
}

interface Target {
  bench: string;
  where: Where;
  /** Pods of a turn. */
  number: number;
  /** Takes them away. */
  empty(): Promise<unknown>;
  /** Processor time of the server so far, where it can be had. Milliseconds. */
  cpu?(): Promise<number>;
}

export async function creates(): Promise<Figure[]> {
  using cluster = startProcess("cluster-process.ts");
  return await measure({
    bench: "creates",
    where: await cluster.ask("where"),
    number: 300,
    empty: () => cluster.ask("empty"),
    cpu: () => cluster.ask("cpu"),
  });
}

/** Its Pods wait for a scheduler that there is not: no node gets any. */
export async function createsOnCluster(kubeconfig: string): Promise<Figure[]> {
  await using namespace = await openBenchNamespace(kubeconfig, "slipway-bench-creates");
  return await measure({
    bench: "creates-real",
    where: { kubeconfig, namespace: namespace.name },
    number: 80,
    empty: namespace.empty,
  });
}

async function measure(target: Target): Promise<Figure[]> {
  using worker = startProcess("worker-process.ts");
  const { bench, where, number } = target;
  const turns: Record<Way, Turn[]> = { bare: [], launches: [] };
  for (let round = 0; round <= rounds; round++) {
    // Which comes first takes turns too: a machine that has more and more to do, or less, favours neither.
    const order: Way[] = round % 2 === 0 ? ["bare", "launches"] : ["launches", "bare"];
    for (const way of order) {
      const turn = await timed(worker, target, () => worker.ask<number>(way, { where, number }));
      await target.empty();
      // The first one warms both up.
      if (round > 0) turns[way].push(turn);
    }
  }
  const [bare, launched] = [medianOf(turns.bare), medianOf(turns.launches)];
  const row = { bench, goal: "" };
  const share = median(turns.launches.map(({ rate }, at) => rate / turns.bare[at]!.rate)) * 100;
  const figures: Figure[] = [
    { ...row, metric: "a bare loop, 16 at once", value: bare.rate, unit: "Pods/s" },
    { ...row, metric: "a worker, 16 at once", value: launched.rate, unit: "Pods/s", goal: ">= 100" },
    { ...row, metric: "of the bare loop beside it", value: share, unit: "%", goal: ">= 90" },
    // What the machine does besides does not count here.
    { ...row, metric: "processor time of the bare loop for each", value: bare.client, unit: "ms" },
    { ...row, metric: "processor time of a worker for each", value: launched.client, unit: "ms" },
  ];
  if (target.cpu === undefined) return figures;
  return [
    ...figures,
    { ...row, metric: "the server's for each of the bare loop", value: bare.server, unit: "ms" },
    { ...row, metric: "the server's for each of a worker", value: launched.server, unit: "ms" },
  ];
}

async function timed(worker: OwnProcess, target: Target, work: () => Promise<number>): Promise<Turn> {
  const spent = async () => ({
    client: await worker.ask<number>("cpu"),
    server: (await target.cpu?.()) ?? 0,
  });
  const before = await spent();
  const rate = await work();
  const after = await spent();
  return {
    rate,
    client: (after.client - before.client) / target.number,
    server: (after.server - before.server) / target.number,
  };
}

function medianOf(turns: Turn[]): Turn {
  const of = (figure: keyof Turn) => median(turns.map(turn => turn[figure]));
  return { rate: of("rate"), client: of("client"), server: of("server") };
}
