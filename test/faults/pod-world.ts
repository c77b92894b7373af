// What tests of faults of Pods start from: a whole platform on a stand-in cluster, whose Pods go through what a test plans for
// them by the name of their pipeline, with runners that only speak the protocol.

import { writeFileSync } from "node:fs";
import path from "node:path";
import type { Pod } from "kubernetes-types/core/v1.js";
import { expect } from "vitest";
import type { Client } from "../../src/client/client.ts";
import { systemClock } from "../../src/lib/clock.ts";
import type { PodHand } from "../kubernetes/pod-hand.ts";
import { instant, type PodScript } from "../kubernetes/pod-script.ts";
import { type ScriptedKubelet, startScriptedKubelet } from "../kubernetes/scripted-kubelet.ts";
import { type StandIn, startStandIn } from "../kubernetes/stand-in.ts";
import { startRun } from "../server/projects.ts";
import { eventually, type ServerProcess } from "../server/server-process.ts";
import { type FakeRunner, fakeRunner } from "./fake-runner.ts";
import { type FaultWorld, openFaultWorld } from "./fault-world.ts";

/** What becomes of one Pod. */
export interface PodPlan {
  script?: PodScript;
  /** Its runner claims the job and begins a step; `passes`: and ends it well, and itself. Without it, no runner speaks. */
  runner?: "begins" | "passes";
  /** When the containers run and the runner has done its part. */
  after?(hand: PodHand, runner: FakeRunner): void | Promise<void>;
}

export interface PodWorld extends AsyncDisposable {
  faults: FaultWorld;
  standIn: StandIn;
  kubelet: ScriptedKubelet;
  server: ServerProcess;
  client: Client;
  /** What went wrong in the runners' own parts. */
  troubles: string[];
  /** Runs a pipeline of the file; its Pods go through the plans, one a try, the last one again and again. */
  start(pipeline: string, plans: PodPlan[]): Promise<string>;
  /** Another worker of the same place. */
  worker(): Promise<ServerProcess>;
  pods(pipeline: string): Pod[];
  /** Of the newest Pod of a pipeline. */
  runnerOf(pipeline: string): FakeRunner;
  /** Asserts that neither cluster nor platform has anything left of any job. Waits for what is under way. */
  nothingLeft(): Promise<void>;
}

export interface PodWorldOptions {
  /** Text of the pipelines' file. */
  file: string;
  roles: string[];
}

export const namespaces = { baseline: "jobs", restricted: "jobs-restricted" };
const usual: PodPlan = { script: instant, runner: "passes" };

export async function openPodWorld({ file, roles }: PodWorldOptions): Promise<PodWorld> {
  await using stack = new AsyncDisposableStack();
  const faults = stack.use(await openFaultWorld());
  const standIn = stack.use(await startStandIn({ namespaces: Object.values(namespaces), unref: true }));
  const plans = new Map<string, PodPlan[]>();
  const planOf = new Map<string, PodPlan>();
  const runners = new Map<string, FakeRunner>();
  const troubles: string[] = [];
  const script = (pod: Pod): PodScript => {
    const planned = plans.get(pipelineOf(pod)) ?? [];
    const plan = (planned.length > 1 ? planned.shift() : planned[0]) ?? usual;
    planOf.set(pod.metadata!.uid!, plan);
    return { ...instant, ...plan.script };
  };
  const kubelet = startScriptedKubelet({ inside: standIn.inside, clock: systemClock, script });
  stack.defer(() => kubelet[Symbol.dispose]());
  const play = async (pod: Pod, plan: PodPlan) => {
    const hand = kubelet.pod(pod.metadata!.name!)!;
    const runner = fakeRunner(pod);
    runners.set(pipelineOf(pod), runner);
    if (plan.runner !== undefined) {
      await runner.claim();
      await runner.begin();
      await runner.log("a step has begun\n");
    }
    if (plan.runner === "passes") {
      await runner.finish("passed");
      hand.endAll({ box: { code: 0 }, runner: { code: 0 } });
    }
    await plan.after?.(hand, runner);
  };
  stack.defer(
    standIn.inside.watch(({ resource, object }) => {
      if (resource.plural !== "pods") return;
      const pod = object as Pod;
      const runner = pod.status?.containerStatuses?.find(({ name }) => name === "runner");
      const plan = planOf.get(pod.metadata!.uid!);
      if (runner?.state?.running === undefined || plan === undefined) return;
      planOf.delete(pod.metadata!.uid!);
      // Not in the kubelet's own turn.
      setImmediate(() => play(pod, plan).catch(error => troubles.push(`${pipelineOf(pod)}: ${error}`)));
    }),
  );
  const kubeconfig = path.join(faults.directory, "kubeconfig");
  writeFileSync(kubeconfig, standIn.kubeconfig(), { mode: 0o600 });
  const launcher = [
    ...["--launcher", "kubernetes", "--kubeconfig", kubeconfig, "--classes", "default,tight"],
    ...["--jobs-namespace", namespaces.baseline, "--restricted-namespace", namespaces.restricted],
    ...["--runner-image", "slipway:1", "--drain-seconds", "0"],
  ];
  const isWorker = roles.includes("worker");
  const server = await faults.start("main", roles, { flags: isWorker ? launcher : [] });
  const client = await faults.clientOf(server);
  await client.setClass({ params: { class: "tight" }, body: { pod: { security: "restricted" } } });
  await client.createProject({ params: { organisation: "main" }, body: { name: "app" } });
  const pods = (pipeline: string) =>
    standIn.inside.list<Pod>("pods").filter(pod => pipelineOf(pod) === pipeline);
  const all = stack.move();
  return {
    ...{ faults, standIn, kubelet, server, client, troubles, pods },
    start(pipeline, planned) {
      plans.set(pipeline, [...planned]);
      return startRun(client, file, { pipeline });
    },
    async worker() {
      const { secret } = await client.createWorkerToken({
        body: { name: "w", classes: ["default", "tight"] },
      });
      const where = ["--api-url", server.url, "--runner-url", server.runnerUrl];
      return faults.start(`worker-${Math.random()}`, ["worker"], {
        flags: [...launcher, ...where],
        env: { SLIPWAY_WORKER_TOKEN: secret },
      });
    },
    runnerOf(pipeline) {
      const runner = runners.get(pipeline);
      if (runner === undefined) throw new Error(`no Pod of ${pipeline} has run`);
      return runner;
    },
    async nothingLeft() {
      const left = () => ["pods", "secrets"].flatMap(kind => standIn.inside.list(kind));
      await eventually(async () => left().length === 0, "the end of all Pods and Secrets");
      await faults.nothingLeft();
      expect(troubles).toEqual([]);
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

function pipelineOf(pod: Pod): string {
  return pod.metadata?.annotations?.["slipway.dev/pipeline"] ?? "";
}
