// The platform as a whole: how soon it is up, what it takes while nothing happens, how soon a job's first step runs, and
// how soon a cancel is felt. The server is the built program; jobs run on the host engine.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { sendTree } from "../../src/app/remote/send-tree.ts";
import type { Figure } from "../local/figure.ts";
import { type OwnServer, startOwnServer } from "./own-server.ts";

const runs = 20;
/** Between two jobs. Milliseconds. */
const restMs = 1500;
const cancels = 20;
const idleMs = 10_000;
const project = { organisation: "main", project: "bench" };
const never = new AbortController().signal;

export async function platform(): Promise<Figure[]> {
  const first = await startOwnServer();
  await using server = await first.again();
  const figures: Figure[] = [
    { bench: "platform", metric: "start to ready", value: server.readyMs, unit: "ms", goal: "<= 2000" },
  ];
  await pause(idleMs);
  figures.push({
    bench: "platform",
    metric: "idle, all roles and database (PSS)",
    value: server.pss() / 1e6,
    unit: "MB",
    goal: "<= 250",
  });
  const directory = mkdtempSync(path.join(os.tmpdir(), "slipway-bench-project-"));
  try {
    await server.client.setClass({ params: { class: "default" }, body: { engine: "host" } });
    await server.client.createProject({ params: { organisation: "main" }, body: { name: "bench" } });
    figures.push(...(await firstSteps(server, directory)), ...(await cancelTimes(server, directory)));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
  return figures;
}

async function send(server: OwnServer, directory: string, code: string): Promise<string> {
  writeFileSync(
    path.join(directory, "slipway.yml"),
    `build:\n  steps:\n    - script:\n        code: ${JSON.stringify(code)}\n`,
  );
  return sendTree({ client: server.client, project, directory, signal: never });
}

async function firstSteps(server: OwnServer, directory: string): Promise<Figure[]> {
  const source = await send(server, directory, "true");
  const whole: number[] = [];
  const own: number[] = [];
  for (let at = 0; at < runs; at++) {
    const bare = nodeMs();
    const run = await ended(
      server,
      (await server.client.createRun({ params: project, body: { source, pipeline: "build" } })).id,
    );
    const [job] = run.jobs;
    const { items } = await server.client.listEvents({ params: { job: job!.id }, query: {} });
    const begun = items.find(({ event }) => event.type === "step-started" && event.phase === "main");
    const launched = server.lines().find(line => line.job === job!.id && line.msg === "runner launched");
    const [queued, spawned, step] = [
      job!.queuedAt!,
      launched!.time as string,
      begun!.event.time as string,
    ].map(Date.parse) as [number, number, number];
    whole.push(step - queued);
    // Of one that was started ahead no start of Node is in the job's wait.
    const nodes = startedAt(launched!.reference as string) < queued ? 0 : bare;
    own.push(spawned - queued + Math.max(0, step - spawned - nodes));
    // The next one comes to a server that is idle again.
    await pause(restMs);
  }
  return [
    {
      bench: "platform",
      metric: "queue to first step, p50",
      value: quantile(whole, 0.5),
      unit: "ms",
      goal: "<= 400",
    },
    {
      bench: "platform",
      metric: "of it the platform's own, p50",
      value: quantile(own, 0.5),
      unit: "ms",
      goal: "<= 60",
    },
  ];
}

/** When the process of a runner was started: its reference has that in hundredths of a second since the boot. Linux. */
function startedAt(reference: string): number {
  const upSeconds = Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]);
  return Date.now() - upSeconds * 1000 + Number(reference.split(":")[2]) * 10;
}

async function cancelTimes(server: OwnServer, directory: string): Promise<Figure[]> {
  const marks = mkdtempSync(path.join(os.tmpdir(), "slipway-bench-marks-"));
  // Whoever the step runs as has to be able to leave its mark.
  spawnSync("chmod", ["1777", marks]);
  const code = `trap 'date +%s%N > ${marks}/'$WERCKER_RUN_ID'; exit 143' TERM; echo waiting; while :; do sleep 0.02; done`;
  const source = await send(server, directory, code);
  const signalled: number[] = [];
  const shown: number[] = [];
  try {
    for (let at = 0; at < cancels; at++) {
      const { id } = await server.client.createRun({ params: project, body: { source, pipeline: "build" } });
      await until(async () => {
        const { jobs } = await server.client.getRun({ params: { run: id } });
        const attempt = jobs[0]?.attempts[0];
        if (jobs[0] === undefined || attempt === undefined) return false;
        const log = await server.client
          .stream("getLog", { params: { job: jobs[0].id, attempt: attempt.id }, query: {} })
          .catch(() => undefined);
        let text = "";
        for await (const part of log?.body ?? []) text += Buffer.from(part).toString();
        return text.includes("waiting");
      });
      const asked = Date.now();
      await server.client.cancelRun({ params: { run: id }, body: {} });
      const run = await ended(server, id);
      shown.push(Date.now() - asked);
      signalled.push(
        Number(BigInt(readFileSync(path.join(marks, run.jobs[0]!.id), "utf8").trim()) / 1_000_000n) - asked,
      );
    }
  } finally {
    rmSync(marks, { recursive: true, force: true });
  }
  return [
    {
      bench: "platform",
      metric: "cancel to signal of the step, p95",
      value: quantile(signalled, 0.95),
      unit: "ms",
      goal: "<= 1000",
    },
    {
      bench: "platform",
      metric: "cancel to run shown canceled, p95",
      value: quantile(shown, 0.95),
      unit: "ms",
      goal: "<= 2000",
    },
  ];
}

async function ended(server: OwnServer, id: string) {
  let run = await server.client.getRun({ params: { run: id } });
  await until(async () => {
    run = await server.client.getRun({ params: { run: id } });
    return run.state === "finished";
  });
  return run;
}

async function until(done: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await done()); tries++) {
    if (tries > 3000) throw new Error("it takes too long");
    await pause(20);
  }
}

function nodeMs(): number {
  const began = performance.now();
  spawnSync(process.execPath, ["-e", "0"]);
  return performance.now() - began;
}

function quantile(values: number[], share: number): number {
  return values.toSorted((one, other) => one - other)[
    Math.min(values.length - 1, Math.floor(values.length * share))
  ]!;
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms));
}
