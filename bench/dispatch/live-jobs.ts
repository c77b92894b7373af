// What 2,000 live jobs cost a worker: its memory, and the heap that each of them takes.

import type { Figure } from "../local/figure.ts";
import { startProcess } from "./own-process.ts";
import { openRealQueue } from "./real-queue.ts";

const jobs = 2000;

interface Memory {
  rss: number;
  heapUsed: number;
  held: number;
}

export async function liveJobs(): Promise<Figure[]> {
  await using queue = await openRealQueue();
  using cluster = startProcess("cluster-process.ts");
  using worker = startProcess("worker-process.ts");
  await cluster.ask("run");
  const { apiUrl, workerToken } = queue;
  await worker.ask("work", { where: await cluster.ask("where"), apiUrl, workerToken, capacity: jobs });
  await until(async () => (await worker.ask<Memory>("memory")).rss > 0);
  await pause(3000);
  const idle = await worker.ask<Memory>("memory");
  const began = performance.now();
  for (let at = 0; at < jobs; at += 100) await queue.put(100);
  await until(async () => (await cluster.ask<number>("running")) === jobs);
  const seconds = (performance.now() - began) / 1000;
  // Some renewals with all of them.
  await pause(10_000);
  const busy = await worker.ask<Memory>("memory");
  if (busy.held !== jobs) throw new Error(`the worker holds ${busy.held} jobs`);
  return [
    {
      bench: "live",
      metric: "2,000 jobs from queue to running",
      value: jobs / seconds,
      unit: "jobs/s",
      goal: "",
    },
    {
      bench: "live",
      metric: "worker with 2,000 live jobs (RSS)",
      value: busy.rss / 1e6,
      unit: "MB",
      goal: "<= 180",
    },
    {
      ...{ bench: "live", metric: "heap of each live job", unit: "KB", goal: "<= 30" },
      value: (busy.heapUsed - idle.heapUsed) / jobs / 1000,
    },
  ];
}

async function until(done: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await done()); tries++) {
    if (tries > 600) throw new Error("it takes too long");
    await pause(200);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms));
}
