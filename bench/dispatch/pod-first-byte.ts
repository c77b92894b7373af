// On a real cluster, with its images present: how much later the first byte of a job's first step comes than that of a
// bare Pod of one container that prints at once. In turn, in one run; the platform is a stand-in in this process, and all
// kinds of first byte are timed by one clock, from the create call. A kubelet that finds a volume in a Pod looks for it
// again after 300 ms only, so both kinds of job have a bare Pod of their kind: one without a volume, for jobs of a class with
// `pod.volumes=false`, and one with a single empty volume, for those of all others. What a job of the usual kind takes
// beyond a bare Pod without any volume is told beside it.
//   KUBECONFIG   the cluster
//   SLIPWAY_BENCH_ADDRESS   of this machine, as Pods reach it
//   SLIPWAY_BENCH_RUNNER_IMAGE, SLIPWAY_BENCH_BOX_IMAGE   on the node; the box's has sh and wget

import { createServer, connect as dial, type Server } from "node:net";
import { accessFromKubeconfig } from "../../src/kubernetes/kubeconfig.ts";
import { type KubernetesApi, openKubernetesApi } from "../../src/kubernetes/kubernetes-api.ts";
import { podOf } from "../../src/launcher/kubernetes/pod.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { packEntries } from "../../src/lib/tar/pack-entries.ts";
import { claimAnswer, scriptStep } from "../../src/remote/fixtures/claim-answer.ts";
import { type StandInPlatform, startStandIn } from "../../src/remote/fixtures/stand-in-platform.ts";
import { compressed } from "../../src/remote/packed-archives.ts";
import { type Figure, median } from "../local/figure.ts";

const rounds = 5;
const namespace = "slipway-bench";

/** Pods with volumes, and without. */
const kinds = ["without", "with"] as const;
type Kind = (typeof kinds)[number];

export interface ClusterBench {
  address: string;
  runnerImage: string;
  boxImage: string;
  kubeconfig: string;
}

/** What the environment says of the cluster; undefined where it says nothing. */
export function clusterBenchOf(env: NodeJS.ProcessEnv): ClusterBench | undefined {
  const { KUBECONFIG: kubeconfig, SLIPWAY_BENCH_ADDRESS: address } = env;
  if (kubeconfig === undefined || address === undefined) return undefined;
  return {
    kubeconfig,
    address,
    runnerImage: env.SLIPWAY_BENCH_RUNNER_IMAGE ?? "slipway:latest",
    boxImage: env.SLIPWAY_BENCH_BOX_IMAGE ?? "docker.io/library/busybox:latest",
  };
}

export async function podFirstByte(bench: ClusterBench): Promise<Figure[]> {
  const access = await accessFromKubeconfig({
    files: [bench.kubeconfig],
    env: process.env,
    clock: systemClock,
  });
  using api = openKubernetesApi(access);
  await api.call("POST", "/api/v1/namespaces", {
    body: { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } },
  });
  const times: Record<"bare" | "job", Record<Kind, number[]>> = {
    bare: { without: [], with: [] },
    job: { without: [], with: [] },
  };
  const codes: number[] = [];
  try {
    await serviceAccount(api);
    for (let round = 0; round < rounds; round++) {
      for (const kind of kinds) {
        times.bare[kind].push(await bareFirstByte(api, bench, kind, round));
        const { first, code } = await jobFirstByte(api, bench, kind, round);
        times.job[kind].push(first);
        codes.push(code);
      }
    }
  } finally {
    await api.call("DELETE", `/api/v1/namespaces/${namespace}`);
  }
  return figuresOf(times.bare, times.job, codes);
}

function figuresOf(bare: Record<Kind, number[]>, job: Record<Kind, number[]>, codes: number[]): Figure[] {
  const row = { bench: "pod-first-byte", unit: "ms", goal: "" };
  const [bareMs, jobMs] = [median(bare.without), median(job.without)];
  const [mountedMs, usualMs] = [median(bare.with), median(job.with)];
  const passed = codes.filter(code => code === 0).length;
  return [
    { ...row, metric: "bare Pod", value: bareMs },
    { ...row, metric: "first step, pod.volumes=false", value: jobMs },
    { ...row, metric: "job after bare Pod", value: jobMs - bareMs, goal: "<= 300" },
    { ...row, metric: "bare Pod with a volume", value: mountedMs },
    { ...row, metric: "first step, usual class", value: usualMs },
    { ...row, metric: "the same after bare Pod with a volume", value: usualMs - mountedMs, goal: "<= 300" },
    { ...row, metric: "the same after bare Pod", value: usualMs - bareMs },
    { ...row, metric: "jobs that passed", value: passed, unit: "", goal: `>= ${codes.length}` },
  ];
}

/** Pods of a new namespace are refused until it has one. */
async function serviceAccount(api: KubernetesApi): Promise<void> {
  for (;;) {
    const answer = await api.call("GET", `/api/v1/namespaces/${namespace}/serviceaccounts/default`);
    if (answer.ok) return;
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}

async function create(api: KubernetesApi, pod: unknown): Promise<void> {
  const answer = await api.call("POST", `/api/v1/namespaces/${namespace}/pods`, { body: pod });
  if (!answer.ok) throw new Error(`the Pod was refused: ${JSON.stringify(answer)}`);
}

/** Deletes it, and waits until it is gone: the next one is timed on a node as idle. */
async function remove(api: KubernetesApi, name: string): Promise<void> {
  const path = `/api/v1/namespaces/${namespace}/pods/${name}`;
  await api.call("DELETE", path, { query: { gracePeriodSeconds: 2 } });
  while ((await api.call("GET", path)).ok) await new Promise(resolve => setTimeout(resolve, 100));
}

/** Milliseconds from the create call until a Pod of one container says something to this process. */
async function bareFirstByte(
  api: KubernetesApi,
  { address, boxImage }: ClusterBench,
  kind: Kind,
  round: number,
): Promise<number> {
  const said = Promise.withResolvers<void>();
  const server = createServer(socket => {
    socket.on("error", () => {});
    socket.once("data", () => {
      said.resolve();
      socket.end();
    });
  });
  const port = await listen(server, address);
  const name = `bare-${kind}-${round}`;
  const mounted = kind === "with";
  const began = performance.now();
  await create(api, {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace },
    spec: {
      restartPolicy: "Never",
      terminationGracePeriodSeconds: 2,
      automountServiceAccountToken: false,
      ...(mounted ? { volumes: [{ name: "empty", emptyDir: {} }] } : {}),
      containers: [
        {
          name: "box",
          image: boxImage,
          imagePullPolicy: "Never",
          ...(mounted ? { volumeMounts: [{ name: "empty", mountPath: "/empty" }] } : {}),
          command: ["/bin/sh", "-c", `echo first | nc ${address} ${port}`],
        },
      ],
    },
  });
  await said.promise;
  const took = performance.now() - began;
  server.close();
  await remove(api, name);
  return took;
}

async function jobFirstByte(
  api: KubernetesApi,
  bench: ClusterBench,
  kind: Kind,
  round: number,
): Promise<{ first: number; code: number }> {
  const answer = claimAnswer(
    { box: { id: bench.boxImage, env: [], ports: [], auth: {} }, steps: [scriptStep("first", "echo first")] },
    { source: { kind: "sent" } },
  );
  answer.class.engine = "docker";
  await using platform = await startStandIn(answer);
  const tar = packEntries([{ kind: "file", path: "README", content: "read me\n" }], {
    owner: { uid: 0, gid: 0 },
    mtime: 1e9,
  });
  platform.blobs.set("source", Buffer.concat(await Array.fromAsync(compressed(tar))));
  const door = await openDoor(platform, bench.address);
  const made = podOf({
    claim: {
      runId: "bench",
      jobId: "bench",
      attemptId: `bench-${kind}-${round}`,
      epoch: 1,
      project: "bench/bench",
      class: "default",
      claimToken: "the-claim-token",
      classSettings: kind === "with" ? {} : { pod: { volumes: false } },
      launch: {
        pipeline: "bench",
        box: bench.boxImage,
        services: [],
        trusted: true,
        timeoutMs: 600_000,
        containers: {
          box: { image: bench.boxImage, shownImage: bench.boxImage, alias: "", env: [], ports: [] },
          services: [],
        },
      },
    },
    place: {
      namespaces: { baseline: namespace, restricted: namespace },
      runnerImage: bench.runnerImage,
      runnerUrl: `http://${bench.address}:${door.port}`,
      worker: { id: "bench", name: "bench" },
      place: "bench",
      imagePullPolicy: "Never",
      runnerPullPolicy: "Never",
    },
  });
  if (!made.ok) throw new Error(made.refusal.message);
  const began = performance.now();
  await create(api, made.value.pod);
  await platform.until(() => platform.frames.length > 0);
  const first = performance.now() - began;
  await platform.until(() => platform.finished.length > 0);
  const code = platform.finished[0]?.exitCode ?? -1;
  await remove(api, made.value.pod.metadata?.name ?? "");
  door.server.close();
  return { first, code };
}

/** The stand-in listens on loopback only. */
async function openDoor(
  platform: StandInPlatform,
  address: string,
): Promise<{ server: Server; port: number }> {
  const { port } = new URL(platform.url);
  const server = createServer(socket => {
    const inner = dial(Number(port), "127.0.0.1");
    socket.on("error", () => inner.destroy());
    inner.on("error", () => socket.destroy());
    socket.pipe(inner).pipe(socket);
  });
  return { server, port: await listen(server, address) };
}

function listen(server: Server, address: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, address, () => resolve((server.address() as { port: number }).port));
  });
}
