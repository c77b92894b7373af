// Whatever ends a Pod before its job: a whole platform says what happened, in the cluster's own words, tries again only where
// no step had begun, calls nothing green, and leaves nothing.

import { afterAll, beforeAll, expect, test, vi } from "vitest";
import {
  configError,
  imageNameInvalid,
  imageNeverPulled,
  imageNotFound,
  imageRefused,
  instant,
  type PodScript,
} from "../kubernetes/pod-script.ts";
import { endOf } from "../server/projects.ts";
import { eventually } from "../server/server-process.ts";
import { namespaces, openPodWorld, type PodPlan, type PodWorld } from "./pod-world.ts";

vi.setConfig({ testTimeout: 90_000, hookTimeout: 120_000 });

const image = "registry.example.org/team/app:1";
const evictedFor = "The node was low on resource: memory. Threshold quantity: 100Mi, available: 90Mi.";
const noNode = "0/3 nodes are available: 3 Insufficient cpu. preemption: 0/3 nodes are available.";
const notExecutable =
  'exec: "/no/such/entrypoint": stat /no/such/entrypoint: no such file or directory: unknown';
const noRoot = "container has runAsNonRoot and image will run as root";
/** What a runner would leave; whoever else has written it has no key to sign with. */
const forgedWords = JSON.stringify({
  ...{ attempt: "x", outcome: "passed", reason: "finished", message: "", events: 0, chunks: 0 },
  signature: "0".repeat(64),
});

interface Case {
  plans: PodPlan[];
  outcome: string;
  reason: string;
  /** Of the cluster. */
  words: string | RegExp;
  /** Ends of the tries before the last one. */
  before?: string[];
}

const waiting = (script: PodScript, reason: string, words: string): Case => ({
  plans: [{ script }],
  outcome: "failed",
  ...{ reason, words },
});
/** Ends while a step is under way: the one try there is. */
const amidStep = (
  reason: string,
  words: string | RegExp,
  after: PodPlan["after"],
  outcome = "broken",
): Case => ({
  plans: [{ runner: "begins", ...(after === undefined ? {} : { after }) }],
  ...{ outcome, reason, words },
});
/** Ends before the runner has spoken: another Pod does it. */
const beforeStep = (reason: string, words: string | RegExp, plan: PodPlan): Case => ({
  plans: [plan, { runner: "passes" }],
  outcome: "passed",
  reason: "",
  words,
  before: [reason],
});

const cases: Record<string, Case> = {
  "image-not-found": waiting(imageNotFound("box", image), "image-refused", `"${image}": ${image}: not found`),
  "image-refused": waiting(imageRefused("box", image), "image-refused", "authorization failed"),
  "service-image-refused": waiting(imageRefused("svc-web", image), "image-refused", "pull access denied"),
  "image-name-invalid": waiting(
    imageNameInvalid("box", image),
    "image-name-invalid",
    "invalid reference format",
  ),
  "image-never-pulled": waiting(imageNeverPulled("box", image), "image-missing", "pull policy of Never"),
  "image-of-root": waiting(configError("box", noRoot), "config-error", noRoot),
  "start-error": waiting(
    { containers: { box: { cannotStart: notExecutable } } },
    "start-error",
    notExecutable,
  ),
  "runner-image-refused": beforeStep("runner-image-refused", "authorization failed", {
    script: imageRefused("runner", "slipway:1"),
  }),
  evicted: amidStep("evicted", evictedFor, hand => hand.evict(evictedFor)),
  "evicted-and-unknown": amidStep("evicted", evictedFor, hand => hand.evict(evictedFor, "all-unknown")),
  "evicted-unnoticed": amidStep("runner-gone", "exit code 0", hand => hand.evict(evictedFor, "unnoticed")),
  "evicted-before": beforeStep("evicted", evictedFor, { after: hand => hand.evict(evictedFor) }),
  preempted: amidStep("preempted", "higher priority pod", hand => hand.preempt()),
  "preempted-before": beforeStep("preempted", "higher priority pod", { after: hand => hand.preempt() }),
  "node-left": amidStep("node-lost", "deleting due to NoExecute taint", hand => hand.evictByTaint()),
  "box-out-of-memory": amidStep(
    "out-of-memory",
    /the box was killed for its memory/,
    hand => hand.end("box", { code: 137, reason: "OOMKilled" }),
    "failed",
  ),
  "runner-out-of-memory": amidStep("runner-out-of-memory", /the runner was killed for its memory/, hand =>
    hand.end("runner", { code: 137, reason: "OOMKilled" }),
  ),
  "step-out-of-memory": amidStep(
    "step",
    "killed by the kernel",
    async (hand, runner) => {
      await runner.finish("failed", "work: killed by the kernel for its memory (exit code 137)");
      hand.endAll({ box: { code: 1 }, runner: { code: 1 } });
    },
    "failed",
  ),
  deadline: amidStep(
    "deadline",
    "longer than the specified deadline",
    hand => hand.passDeadline(),
    "timed-out",
  ),
  "deleted-amid": amidStep("pod-deleted", "was deleted by somebody else", hand =>
    world.standIn.inside.delete("pods", hand.namespace, hand.name),
  ),
  "deleted-at-once": amidStep("pod-deleted", "was deleted by somebody else", hand =>
    world.standIn.inside.delete("pods", hand.namespace, hand.name, { gracePeriodSeconds: 0 }),
  ),
  "deleted-before": beforeStep("pod-deleted", "was deleted by somebody else", {
    after: hand => world.standIn.inside.delete("pods", hand.namespace, hand.name),
  }),
  "ended-with-zero": amidStep("runner-gone", "exit code 0", hand =>
    hand.endAll({ box: { code: 0 }, runner: { code: 0 } }),
  ),
  "forged-words": amidStep("runner-gone", "exit code 0", hand =>
    hand.endAll({ box: { code: 0 }, runner: { code: 0, message: forgedWords } }),
  ),
};

const pipeline = (name: string, box: string, more = "") => `
${name}:
  ${box}${more}
  steps:
    - script: { name: work, code: "true" }`;
const plain = "box: alpine:3.20";
const secretBox = `box: { id: ${image}, username: somebody, password: a-password }`;
const service = "\n  services: [{ id: alpine:3.20, name: web }]";
const boxes: Record<string, string> = { "image-refused": secretBox, evicted: secretBox };
const file = [
  ...Object.keys(cases).map(name =>
    pipeline(name, boxes[name] ?? plain, name.startsWith("service") ? service : ""),
  ),
  ...["admission", "node-lost", "unschedulable"].map(name => pipeline(name, plain)),
  ...["", "-fails", "-late"].map(end => pipeline(`service-out-of-memory${end}`, plain, service)),
  ...["quota-first", "quota-second"].map(name => pipeline(name, `class: tight\n  ${plain}`)),
].join("\n");

let world: PodWorld;
const runs = new Map<string, string>();
beforeAll(async () => {
  world = await openPodWorld({ file, roles: ["api", "logs", "reporter", "worker"] });
});
afterAll(() => world[Symbol.asyncDispose]());

const jobOf = async (run: string) => (await world.client.getRun({ params: { run } })).jobs[0];
const inView = async (run: string) => {
  const { items } = await world.client.listQueue({ query: {} });
  return items.find(({ runId }) => runId === run);
};
/** Its words while it waits, in the run and in the queue. */
async function shownWaiting(run: string, words: string): Promise<void> {
  await eventually(async () => (await jobOf(run))?.detail.includes(words), `"${words}" of the run`);
  expect((await jobOf(run))?.state).toBe("claimed");
  expect(await inView(run)).toMatchObject({ state: "claimed", detail: expect.stringContaining(words) });
}

test("a namespace that takes no such Pod", async () => {
  const enforce = (level: string) =>
    world.standIn.inside.change<{ metadata: { labels: Record<string, string> } }>(
      ...(["namespaces", undefined, namespaces.baseline] as const),
      ({ metadata }) => Object.assign(metadata.labels, { "pod-security.kubernetes.io/enforce": level }),
    );
  enforce("restricted");
  const id = await world.start("admission", [{ runner: "passes" }]);
  await eventually(async () => (await jobOf(id))?.attempts[0]?.state === "finished", "the first refusal");
  enforce("baseline");
  const run = await endOf(world.client, id);
  expect(run.outcome).toBe("passed");
  const [first, ...others] = run.jobs[0]!.attempts;
  expect(first).toMatchObject({ outcome: "broken", reason: "admission-refused" });
  expect(first!.detail).toContain('violates PodSecurity "restricted:latest"');
  expect(others.at(-1)).toMatchObject({ outcome: "passed" });
  await Promise.all(
    Object.entries(cases).map(async ([name, { plans }]) => runs.set(name, await world.start(name, plans))),
  );
});

test.each(Object.entries(cases))("%s", async (name, { outcome, reason, words, before = [] }) => {
  const run = await endOf(world.client, runs.get(name)!);
  const job = run.jobs[0]!;
  expect([job.outcome, job.reason]).toEqual([outcome, reason]);
  expect(run.outcome).toBe(outcome);
  expect(job.attempts.map(each => each.reason)).toEqual([...before, reason]);
  expect(job.attempts.slice(0, -1).map(each => each.outcome)).toEqual(before.map(() => "broken"));
  const told = before.length > 0 ? job.attempts[0]!.detail : job.detail;
  if (typeof words === "string") expect(told).toContain(words);
  else expect(told).toMatch(words);
});

test("no node fits: shown while it waits, then it runs", async () => {
  const script = { ...instant, unschedulable: { message: noNode, forMs: 3000 } };
  const id = await world.start("unschedulable", [{ script, runner: "passes" }]);
  await shownWaiting(id, noNode);
  const run = await endOf(world.client, id);
  expect(run.jobs[0]).toMatchObject({ outcome: "passed", detail: "", attempts: [{ outcome: "passed" }] });
});

test("no room in the quota: shown while it waits, and it goes on when there is some", async () => {
  const spec = { hard: { pods: "1" } };
  const metadata = { name: "few", namespace: namespaces.restricted };
  world.standIn.inside.put("resourcequotas", {
    apiVersion: "v1",
    kind: "ResourceQuota",
    metadata,
    spec,
    status: {},
  });
  const first = await world.start("quota-first", [{ runner: "begins" }]);
  await eventually(async () => (await jobOf(first))?.state === "running", "the first job");
  const second = await world.start("quota-second", [{ runner: "passes" }]);
  await shownWaiting(second, "exceeded quota: few");
  expect(world.pods("quota-second")).toEqual([]);
  await world.runnerOf("quota-first").finish("passed");
  const run = await endOf(world.client, second);
  expect(run.jobs[0]).toMatchObject({ outcome: "passed", detail: "", attempts: [{ outcome: "passed" }] });
});

const killedService = "Meanwhile in the Pod: the service web was killed for its memory (exit code 137)";
const killed = { code: 137, reason: "OOMKilled" };

test("a service that is killed for its memory is told to the runner, and named where the job fails then", async () => {
  const id = await world.start("service-out-of-memory-fails", [
    {
      runner: "begins",
      async after(hand, runner) {
        hand.end("svc-web", killed);
        const isTold = async () => (await runner.waited()).includes(killedService);
        await eventually(isTold, "word of the service");
        await runner.finish("failed", "work: exit code 1");
      },
    },
  ]);
  const [job] = (await endOf(world.client, id)).jobs;
  expect(job).toMatchObject({ outcome: "failed", reason: "step" });
  expect(job!.detail).toBe(`work: exit code 1\n${killedService}`);
});

test("it is named too where the cluster says so only after the job", async () => {
  const id = await world.start("service-out-of-memory-late", [
    {
      runner: "begins",
      async after(hand, runner) {
        await runner.finish("failed", "work: exit code 1");
        hand.endAll({ "svc-web": killed, runner: { code: 1 } });
      },
    },
  ]);
  await endOf(world.client, id);
  await eventually(async () => (await jobOf(id))?.detail.includes(killedService), "the cause");
  expect(await jobOf(id)).toMatchObject({
    ...{ outcome: "failed", reason: "step", detail: `work: exit code 1\n${killedService}` },
    attempts: [{ detail: `work: exit code 1\n${killedService}` }],
  });
});

test("a service that is killed for its memory ends nothing by itself", async () => {
  const id = await world.start("service-out-of-memory", [
    {
      runner: "begins",
      async after(hand, runner) {
        hand.end("svc-web", { code: 137, reason: "OOMKilled" });
        await runner.finish("failed", "work: exit code 7");
        hand.endAll({ box: { code: 1 }, runner: { code: 1 } });
      },
    },
  ]);
  const run = await endOf(world.client, id);
  expect(run.jobs[0]).toMatchObject({ outcome: "failed", attempts: [{ outcome: "failed" }] });
  expect(run.jobs[0]!.detail).toContain("exit code 7");
});

test("a node that nobody hears: its job is broken, and what still runs there can write nothing and goes when it is back", async () => {
  const id = await world.start("node-lost", [{ runner: "begins" }]);
  const hand = await eventually(async () => {
    const [pod] = world.pods("node-lost");
    const begun = (await jobOf(id))?.state === "running";
    return begun && pod !== undefined ? world.kubelet.pod(pod.metadata!.name!) : undefined;
  }, "its step");
  const zombie = world.runnerOf("node-lost");
  // The platform may know of its claim before it has its answer.
  await eventually(async () => (await zombie.write()) === 200, "its key");
  world.kubelet.lose();
  hand.nodeNotReady();
  hand.evictByTaint();
  const run = await endOf(world.client, id);
  expect(run.jobs[0]).toMatchObject({ outcome: "broken", reason: "node-lost" });
  expect(run.jobs[0]!.attempts).toHaveLength(1);
  expect(run.jobs[0]!.detail).toContain("node-1");
  for (const call of [
    zombie.write,
    zombie.heartbeat,
    () => zombie.log("more\n"),
    () => zombie.finish("passed"),
  ])
    expect(await call()).toBe(409);
  expect(await endOf(world.client, id)).toEqual(run);
  expect(world.pods("node-lost")).toHaveLength(1);
  world.kubelet.comeBack();
});

test("nothing is left of any of them", async () => {
  await world.nothingLeft();
});
