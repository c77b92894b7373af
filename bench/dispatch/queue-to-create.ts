// From a job in the queue to the create of its Pod, on a platform that has nothing else to do: database, api over HTTP,
// worker and API server are processes of their own.

import { type Figure, median } from "../local/figure.ts";
import { startProcess } from "./own-process.ts";
import { openRealQueue } from "./real-queue.ts";

const jobs = 60;
const betweenMs = 100;

export async function queueToCreate(): Promise<Figure[]> {
  await using queue = await openRealQueue();
  using cluster = startProcess("cluster-process.ts");
  using worker = startProcess("worker-process.ts");
  const created = new Map<string, number>();
  cluster.onNews(news => {
    const { job, at } = news as { job: string; at: number };
    created.set(job, at);
  });
  const { apiUrl, workerToken } = queue;
  await worker.ask("work", { where: await cluster.ask("where"), apiUrl, workerToken, capacity: 200 });
  const times: number[] = [];
  for (let turn = 0; turn < jobs + 5; turn++) {
    const began = performance.timeOrigin + performance.now();
    const [job] = await queue.put(1);
    const queued = performance.timeOrigin + performance.now();
    while (!created.has(job!)) await pause(2);
    // The first ones warm all up. What is written is counted from its commit, which lies between the two.
    if (turn >= 5) times.push(created.get(job!)! - (began + queued) / 2);
    await pause(betweenMs);
  }
  const sorted = times.toSorted((one, other) => one - other);
  return [
    { bench: "queue", metric: "queue to create, p50", value: median(times), unit: "ms", goal: "<= 25" },
    {
      bench: "queue",
      metric: "queue to create, p90",
      value: sorted[Math.floor(jobs * 0.9)]!,
      unit: "ms",
      goal: "",
    },
  ];
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms));
}
