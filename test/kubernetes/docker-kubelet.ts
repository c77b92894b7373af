// A scheduler and a kubelet for the stand-in that really run Pods, with a Docker daemon. Images must be on the daemon.
// Disposing it leaves no container, volume or file behind.

import { randomBytes } from "node:crypto";
import type { Container, Pod } from "kubernetes-types/core/v1.js";
import { execToEnd } from "../../src/engine/docker/container-calls.ts";
import type { DaemonClient } from "../../src/engine/docker/daemon-client.ts";
import { outputOf } from "../../src/engine/docker/output-frames.ts";
import type { Clock } from "../../src/lib/clock.ts";
import type { ApiObject } from "./api-object.ts";
import type { Sources } from "./container-body.ts";
import { DockerPod, makerLabel } from "./docker-pod.ts";
import type { Inside } from "./inside.ts";
import { finalPhase, type PodFacts, statusOf, statusUnknown } from "./pod-status.ts";
import { removeLabelled } from "./pod-volumes.ts";
import { boundPod } from "./subresources.ts";

export interface DockerKubeletOptions {
  /** `standIn.inside`. */
  inside: Inside;
  clock: Clock;
  client: DaemonClient;
  /** busybox with a shell, on the daemon: `testImages.sh`. */
  sandboxImage: string;
  nodeName?: string;
  /** Hears what went wrong in here; a test should fail then. */
  troubled(error: unknown): void;
}

export interface DockerKubelet extends AsyncDisposable {
  /** Address of this machine as Pods see it: what listens there can be reached from them. */
  readonly hostAddress: string;
  /** What a container has printed so far. */
  logs(pod: string, container: string): Promise<string>;
  /** Docker's id of a container. */
  id(pod: string, container: string): string | undefined;
  /** Pods whose containers were started. */
  starts(): number;
}

interface Held {
  pod: DockerPod;
  object: Pod;
  facts: PodFacts;
  started: boolean;
  terminating: boolean;
  gone: boolean;
  /** All work on one Pod is done one after the other. */
  work: Promise<void>;
  timers: (() => void)[];
}

export async function startDockerKubelet(options: DockerKubeletOptions): Promise<DockerKubelet> {
  const { inside, client, troubled, nodeName = "docker" } = options;
  const owner = `dev.slipway-test.kubelet-${randomBytes(6).toString("hex")}`;
  await sweepDead(client);
  const network = await createNetwork(client, owner);
  const { hostAddress } = network;
  const held = new Map<string, Held>();
  const removals: Promise<void>[] = [];
  const place: Place = { ...options, owner, hostAddress, network: network.id, nodeName, starts: 0 };
  inside.put("nodes", {
    kind: "Node",
    apiVersion: "v1",
    metadata: { name: nodeName, labels: { "kubernetes.io/hostname": nodeName } },
    status: { conditions: [{ type: "Ready", status: "True", reason: "KubeletReady" }] },
  });
  const queue = (one: Held, run: () => Promise<void>) => {
    one.work = one.work.then(run).catch(troubled);
  };
  const take = (object: Pod) => {
    const one = holdPod(place, object);
    held.set(object.metadata!.uid!, one);
    queue(one, () => begin(place, one));
  };
  const unwatch = inside.watch(({ type, resource, object }) => {
    if (resource.plural !== "pods") return;
    const one = held.get(object.metadata.uid);
    if (type === "ADDED") take(object as Pod);
    else if (one === undefined) return;
    else if (type === "DELETED") {
      one.gone = true;
      for (const cancel of one.timers) cancel();
      held.delete(object.metadata.uid);
      removals.push(one.work.then(() => one.pod.remove()).catch(troubled));
    } else if (object.metadata.deletionTimestamp !== undefined && !one.terminating) {
      const { deletionGracePeriodSeconds: seconds = 0 } = object.metadata;
      if (seconds === 0) return;
      one.terminating = true;
      queue(one, () => end(place, one, seconds));
    }
  });
  for (const pod of inside.list<Pod>("pods")) take(pod);
  const named = (name: string) => [...held.values()].find(each => each.object.metadata?.name === name);
  return {
    hostAddress,
    starts: () => place.starts,
    id: (pod, container) => named(pod)?.pod.id(container),
    async logs(pod, container) {
      const id = named(pod)?.pod.id(container);
      return id === undefined ? "" : await logsOf(client, id);
    },
    async [Symbol.asyncDispose]() {
      unwatch();
      const all = [...held.values()];
      for (const one of all) {
        one.gone = true;
        for (const cancel of one.timers) cancel();
        one.work = one.work.then(() => one.pod.remove());
      }
      await Promise.all([...all.map(one => one.work), ...removals]);
      await removeLabelled(client, owner);
    },
  };
}

interface Place extends DockerKubeletOptions {
  owner: string;
  hostAddress: string;
  network: string;
  nodeName: string;
  starts: number;
}

function holdPod(place: Place, object: Pod): Held {
  const { client, owner, sandboxImage, clock, hostAddress, network } = place;
  const facts: PodFacts = {
    startTime: 0,
    hostIP: hostAddress,
    podIP: undefined,
    sandbox: false,
    containers: new Map(),
  };
  const one: Held = {
    object,
    facts,
    started: false,
    terminating: false,
    gone: false,
    work: Promise.resolve(),
    timers: [],
    pod: new DockerPod({
      client,
      pod: object,
      owner,
      sandboxImage,
      network,
      sources: podIP => sourcesOf(place, object, podIP),
      now: () => clock.now(),
      changed(container, state) {
        facts.containers.set(container, state);
        // As a kubelet: the containers of the first pass are shown together.
        if (one.started) settle(place, one);
      },
    }),
  };
  return one;
}

function sourcesOf({ inside }: Place, pod: Pod, podIP: string): Sources {
  const namespace = pod.metadata?.namespace;
  return {
    podIP,
    values(kind, name) {
      const found = inside.get<{ data?: Record<string, string>; binaryData?: Record<string, string> }>(
        `${kind}s`,
        namespace,
        name,
      );
      if (found === undefined) return undefined;
      const plain = Object.entries(found.data ?? {}).map(([key, value]) => [
        key,
        Buffer.from(value, kind === "secret" ? "base64" : "utf8"),
      ]);
      const binary = Object.entries(found.binaryData ?? {}).map(([key, value]) => [
        key,
        Buffer.from(value, "base64"),
      ]);
      return Object.fromEntries([...plain, ...binary]) as Record<string, Buffer>;
    },
  };
}

function write(place: Place, one: Held): void {
  const { namespace, name = "", uid } = one.object.metadata ?? {};
  const pod = place.inside.get<Pod>("pods", namespace, name);
  if (one.gone || pod?.metadata?.uid !== uid) return;
  place.inside.setStatus("pods", namespace, name, statusOf(pod!, one.facts, place.clock.now()));
}

function settle(place: Place, one: Held): void {
  if (one.terminating || one.facts.failing === true) return;
  const phase = finalPhase(one.facts.containers);
  if (phase !== undefined) {
    one.facts.over ??= { phase };
    one.facts.sandbox = false;
  }
  write(place, one);
}

/** How often a Pod that waits for something is looked at again. */
const againMs = 1000;

async function begin(place: Place, one: Held): Promise<void> {
  const { inside, clock, nodeName } = place;
  const { namespace, name = "" } = one.object.metadata ?? {};
  const current = inside.get<ApiObject>("pods", namespace, name);
  if (current === undefined || one.terminating || one.gone) return;
  if (one.object.spec?.nodeName === undefined) inside.put("pods", boundPod(current, nodeName, clock.now()));
  const containers = one.object.spec?.containers ?? [];
  one.facts.startTime = clock.now();
  for (const each of containers) {
    one.facts.containers.set(each.name, { is: "waiting", reason: "ContainerCreating" });
  }
  write(place, one);
  deadline(place, one);
  await run(place, one);
}

async function run(place: Place, one: Held): Promise<void> {
  if (one.terminating || one.gone) return;
  const { missing } = await one.pod.prepare();
  if (missing !== undefined) {
    const { namespace, name = "" } = one.object.metadata ?? {};
    const pod = place.inside.get<ApiObject>("pods", namespace, name);
    if (pod !== undefined) {
      place.inside.event(pod, {
        type: "Warning",
        reason: "FailedMount",
        message: missing,
        component: "kubelet",
      });
    }
    later(place, one, () => run(place, one));
    return;
  }
  one.facts.podIP = one.pod.podIP;
  one.facts.sandbox = true;
  await one.pod.start();
  one.started = true;
  place.starts += 1;
  settle(place, one);
  for (const container of one.object.spec?.containers ?? []) {
    retry(place, one, container);
    probe(place, one, container);
  }
}

function later(place: Place, one: Held, run: () => Promise<void>, ms = againMs): void {
  one.timers.push(
    place.clock.after(ms, () => {
      one.work = one.work.then(run).catch(place.troubled);
    }),
  );
}

/** What waits for a Secret or an image may heal. */
function retry(place: Place, one: Held, container: Container): void {
  const state = one.facts.containers.get(container.name);
  if (state?.is !== "waiting" || one.terminating || one.gone) return;
  later(place, one, async () => {
    if (one.terminating || one.gone) return;
    await one.pod.startOne(container);
    retry(place, one, container);
  });
}

/** Only what tests need of probes: a command that is asked until it succeeds. */
function probe(place: Place, one: Held, container: Container): void {
  const { exec, periodSeconds = 10 } = container.startupProbe ?? container.readinessProbe ?? {};
  const command = exec?.command;
  if (command === undefined) return;
  const state = one.facts.containers.get(container.name);
  if (state?.is !== "running") return;
  one.facts.containers.set(container.name, { ...state, ready: false });
  write(place, one);
  const ask = async () => {
    const id = one.pod.id(container.name);
    if (one.terminating || one.gone || id === undefined) return;
    const now = one.facts.containers.get(container.name);
    if (now?.is !== "running") return;
    const plain = command.map(each => each.replaceAll("$$", "$"));
    const { exitCode } = await execToEnd(place.client, id, { command: plain }, AbortSignal.timeout(30_000));
    if (exitCode !== 0) return later(place, one, ask, periodSeconds * 1000);
    one.facts.containers.set(container.name, { is: "running", startedAt: now.startedAt });
    settle(place, one);
  };
  later(place, one, ask, 0);
}

function deadline(place: Place, one: Held): void {
  const { activeDeadlineSeconds, terminationGracePeriodSeconds = 30 } = one.object.spec ?? {};
  if (activeDeadlineSeconds === undefined) return;
  const stop = async () => {
    if (one.terminating || one.gone || one.facts.over !== undefined) return;
    one.facts.failing = true;
    write(place, one);
    await one.pod.stop(terminationGracePeriodSeconds);
    const message = "Pod was active on the node longer than the specified deadline";
    one.facts.over = { phase: "Failed", reason: "DeadlineExceeded", message };
    one.facts.sandbox = false;
    write(place, one);
  };
  later(place, one, stop, activeDeadlineSeconds * 1000);
}

/** TERM, the grace, the last status, and the object goes. */
async function end(place: Place, one: Held, graceSeconds: number): Promise<void> {
  if (one.gone) return;
  await one.pod.stop(graceSeconds);
  for (const { name } of one.object.spec?.containers ?? []) {
    const state = one.facts.containers.get(name);
    if (state === undefined || state.is === "waiting") one.facts.containers.set(name, statusUnknown());
  }
  one.facts.sandbox = false;
  one.facts.over ??= { phase: finalPhase(one.facts.containers) ?? "Failed" };
  write(place, one);
  await one.pod.remove();
  const { namespace, name = "", uid } = one.object.metadata ?? {};
  const left = place.inside.get<Pod>("pods", namespace, name);
  if (left?.metadata?.uid === uid) place.inside.delete("pods", namespace, name, { gracePeriodSeconds: 0 });
}

/** Of test processes that were killed. */
async function sweepDead(client: DaemonClient): Promise<void> {
  const query = { all: true, filters: JSON.stringify({ label: [makerLabel] }) };
  const all = ["/containers/json", "/networks"].map(path =>
    client.call<{ Labels: Record<string, string> }[]>({ method: "GET", path, query }),
  );
  const found = (await Promise.all(all)).flat();
  const makers = new Set(found.map(each => each.Labels[makerLabel] ?? ""));
  for (const maker of makers)
    if (!isAlive(Number(maker))) await removeLabelled(client, `${makerLabel}=${maker}`);
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as { code?: string }).code === "EPERM";
  }
}

/**
 * A network of its own. The daemon's common bridge may have the hardware address of whichever container is on it: when a
 * stranger's goes, every other one sends into the void for half a minute.
 */
async function createNetwork(
  client: DaemonClient,
  owner: string,
): Promise<{ id: string; hostAddress: string }> {
  const { Id: id } = await client.call<{ Id: string }>({
    method: "POST",
    path: "/networks/create",
    json: {
      Name: owner,
      Driver: "bridge",
      CheckDuplicate: true,
      Labels: { [owner]: "1", [makerLabel]: String(process.pid) },
    },
  });
  const network = await client.call<{ IPAM: { Config: { Gateway?: string }[] | null } }>({
    method: "GET",
    path: `/networks/${id}`,
  });
  const hostAddress = network.IPAM.Config?.[0]?.Gateway;
  if (hostAddress === undefined) throw new Error("the daemon's network has no address of this machine");
  return { id, hostAddress };
}

async function logsOf(client: DaemonClient, id: string): Promise<string> {
  const path = `/containers/${id}/logs`;
  const answer = await client.open({ method: "GET", path, query: { stdout: true, stderr: true } });
  const chunks: Uint8Array[] = [];
  for await (const output of outputOf(answer.body)) chunks.push(output.bytes);
  return Buffer.concat(chunks).toString("utf8");
}
