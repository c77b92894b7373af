// A worker with 500 live jobs is killed: the next one has them within ten seconds, and no job, Pod or cluster notices.

import { expect, test, vi } from "vitest";
import { startProcess } from "../../bench/dispatch/own-process.ts";
import { openRealQueue } from "../../bench/dispatch/real-queue.ts";
import { place } from "../../src/launcher/kubernetes/fixtures/launches.ts";
import type { Pod } from "../../src/launcher/kubernetes/pod-launch.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { instant } from "../kubernetes/pod-script.ts";
import { startScriptedKubelet } from "../kubernetes/scripted-kubelet.ts";
import { startStandIn } from "../kubernetes/stand-in.ts";

vi.setConfig({ testTimeout: 240_000 });

const jobs = 500;

async function until(done: () => Promise<boolean> | boolean, what: string): Promise<void> {
  for (let tries = 0; !(await done()); tries++) {
    if (tries > 1200) throw new Error(`${what}: it takes too long`);
    await new Promise<void>(resolve => systemClock.after(100, resolve));
  }
}

test("500 live jobs of a worker that is killed are another's within ten seconds", async () => {
  await using standIn = await startStandIn({ namespaces: Object.values(place.namespaces) });
  using kubelet = startScriptedKubelet({ inside: standIn.inside, clock: systemClock, script: () => instant });
  await using queue = await openRealQueue();
  const where = { url: standIn.url, token: standIn.token };
  const { apiUrl, workerToken } = queue;
  const workOf = (name: string) => ({ where, apiUrl, workerToken, capacity: jobs, name });
  const running = () =>
    standIn.inside.list<Pod>("pods").filter(({ status }) => status?.phase === "Running").length;

  using first = startProcess("worker-process.ts");
  await first.ask("work", workOf("w-first"));
  await queue.put(jobs);
  await until(() => running() === jobs, "all Pods");
  // Each of them has been told by its name.
  await until(async () => (await queue.launched()) === jobs, "the launches in the queue");
  using second = startProcess("worker-process.ts");
  await second.ask("work", workOf("w-second"));
  standIn.forgetCalls();

  first.child.kill("SIGKILL");
  const killed = performance.now();
  await until(async () => (await second.ask<number>("held")) === jobs, "adoption");
  expect(performance.now() - killed).toBeLessThan(10_500);
  expect([running(), kubelet.starts()]).toEqual([jobs, jobs]);
  const changes = Object.keys(standIn.counts()).filter(call => !/^(list|watch)/.test(call));
  expect(changes).toEqual([]);
  expect(await queue.live()).toBe(jobs);
});
