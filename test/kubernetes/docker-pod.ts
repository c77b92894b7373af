// One Pod that really runs, as containers of a Docker daemon around a sandbox whose network they share. It writes no
// status: its owner is told of each change and writes it.

import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Container, Pod } from "kubernetes-types/core/v1.js";
import {
  createContainer,
  inspectContainer,
  startContainer,
  waitForEnd,
} from "../../src/engine/docker/container-calls.ts";
import { type DaemonClient, DaemonError } from "../../src/engine/docker/daemon-client.ts";
import { imagePath } from "../../src/engine/docker/image-calls.ts";
import { CannotStart, containerBody, type Sources } from "./container-body.ts";
import type { ContainerState, Terminated } from "./pod-status.ts";
import {
  createVolumes,
  fillVolumes,
  mountsOf,
  openVolumesScript,
  type PodVolumes,
  removeLabelled,
} from "./pod-volumes.ts";

export interface DockerPodOptions {
  client: DaemonClient;
  pod: Pod;
  /** Label of everything that the kubelet makes. */
  owner: string;
  /** Id of the network that its sandbox is on. */
  network: string;
  /** busybox; runs the sandbox. */
  sandboxImage: string;
  sources(podIP: string): Sources;
  now(): number;
  /** A container has changed. */
  changed(container: string, state: ContainerState): void;
}

export const podLabel = "dev.slipway-test.pod-uid";
/** Process that made it. */
export const makerLabel = "dev.slipway-test.pod-maker";
const mostMessageBytes = 4096;

/** Made by `start`; `remove` leaves nothing of it. */
export class DockerPod {
  readonly #options: DockerPodOptions;
  readonly #labels: Record<string, string>;
  readonly #ids = new Map<string, string>();
  readonly #starts = new Map<string, number>();
  readonly #ended = new Map<string, Promise<void>>();
  readonly #gone = new AbortController();
  #removed: Promise<void> | undefined;
  #directory = "";
  #sandbox = "";
  #volumes: PodVolumes = { names: new Map(), binds: [] };
  podIP = "";

  constructor(options: DockerPodOptions) {
    this.#options = options;
    this.#labels = {
      [options.owner]: "1",
      [makerLabel]: String(process.pid),
      [podLabel]: options.pod.metadata?.uid ?? "",
    };
  }

  /** The sandbox and its volumes. False names a volume that cannot be filled yet; calling again is right then. */
  async prepare(): Promise<{ missing?: string }> {
    const { client, pod, sandboxImage } = this.#options;
    if (this.#sandbox === "") {
      this.#directory = await mkdtemp(path.join(tmpdir(), "slipway-pod-"));
      this.#volumes = await createVolumes(client, pod, this.#labels);
      this.#sandbox = await this.#createSandbox(sandboxImage);
      await startContainer(client, this.#sandbox);
      const state = await inspectContainer(client, this.#sandbox);
      const [network] = Object.values(state?.NetworkSettings?.Networks ?? {});
      this.podIP = network?.IPAddress ?? "";
    }
    return fillVolumes(client, pod, this.#sandbox, this.#options.sources(this.podIP));
  }

  #createSandbox(image: string): Promise<string> {
    const { client, pod, network } = this.#options;
    const { name = "", uid } = pod.metadata ?? {};
    const hosts = (pod.spec?.hostAliases ?? []).flatMap(({ ip, hostnames = [] }) =>
      hostnames.map(each => `${each}:${ip}`),
    );
    const script = `${openVolumesScript}; trap 'exit 0' TERM; touch /ready; while :; do sleep 3600 & wait $!; done`;
    return createContainer(client, `slipway-pod-${uid}`, {
      Image: image,
      Hostname: name.slice(0, 63).replace(/[.-]+$/, ""),
      Entrypoint: ["/bin/sh", "-c", script],
      User: "0",
      Labels: this.#labels,
      HostConfig: {
        NetworkMode: network,
        // Containers of a Pod share `/dev/shm`.
        IpcMode: "shareable",
        Binds: this.#volumes.binds,
        ExtraHosts: hosts,
        Init: true,
      },
    } as never);
  }

  /** Whether the sandbox has opened the volumes for all. */
  async #volumesAreOpen(): Promise<void> {
    const { client } = this.#options;
    for (let tries = 0; tries < 500; tries++) {
      const path = `/containers/${this.#sandbox}/archive`;
      const found = await client.call({ method: "HEAD", path, query: { path: "/ready" } }).then(
        () => true,
        () => false,
      );
      if (found) return;
    }
    throw new Error("the sandbox of the Pod did not become ready");
  }

  /** All containers, one after the other, in the order of the spec. */
  async start(): Promise<void> {
    await this.#volumesAreOpen();
    for (const container of this.#options.pod.spec?.containers ?? []) {
      if (this.#gone.signal.aborted) return;
      await this.startOne(container);
    }
  }

  /** Tells what became of it. May be repeated for one that could not start. */
  async startOne(container: Container): Promise<void> {
    const { client, changed, now } = this.#options;
    try {
      const id = await this.#create(container);
      this.#ids.set(container.name, id);
      await startContainer(client, id);
      this.#starts.set(container.name, now());
      changed(container.name, { is: "running", startedAt: now() });
      this.#ended.set(container.name, this.#follow(container, id));
    } catch (error) {
      if (error instanceof CannotStart) {
        changed(container.name, { is: "waiting", reason: error.reason, message: error.message });
      } else if (error instanceof DaemonError) changed(container.name, startError(error.text, now()));
      else throw error;
    }
  }

  async #create(container: Container): Promise<string> {
    const { client, pod, sources } = this.#options;
    const imageUser = await this.#imageUser(container);
    const file = path.join(this.#directory, `message-${container.name}`);
    await writeFile(file, "");
    await chmod(file, 0o666);
    const target = container.terminationMessagePath ?? "/dev/termination-log";
    const mounts = [...mountsOf(this.#volumes, container), { source: file, target, readOnly: false }];
    const body = containerBody({
      pod,
      container,
      sources: sources(this.podIP),
      mounts,
      sandbox: this.#sandbox,
      labels: this.#labels,
      imageUser,
    });
    return await createContainer(client, `slipway-pod-${pod.metadata?.uid}-${container.name}`, body as never);
  }

  /** Images must be there: nothing is pulled. Throws CannotStart as a kubelet that could not pull. */
  async #imageUser({ image = "", imagePullPolicy }: Container): Promise<string> {
    if (
      !/^[a-z0-9]([\w.-]|:\d+\/)*(\/[a-z0-9][\w.-]*)*(:[\w][\w.-]{0,127})?(@sha256:[0-9a-f]{64})?$/.test(
        image,
      )
    ) {
      const why = `couldn't parse image name "${image}": invalid reference format`;
      throw new CannotStart("InvalidImageName", `Failed to apply default image tag "${image}": ${why}`);
    }
    const call = { method: "GET", path: `/images/${imagePath(image)}/json` } as const;
    try {
      const found = await this.#options.client.call<{ Config?: { User?: string } }>(call);
      return found.Config?.User ?? "";
    } catch (error) {
      if (!(error instanceof DaemonError) || error.status !== 404) throw error;
      if (imagePullPolicy === "Never") {
        const message = `Container image "${image}" is not present with pull policy of Never`;
        throw new CannotStart("ErrImageNeverPull", message);
      }
      const why = `failed to resolve reference "${image}": ${image}: not found`;
      const message = `rpc error: code = NotFound desc = failed to pull and unpack image "${image}": ${why}`;
      throw new CannotStart("ErrImagePull", message);
    }
  }

  async #follow(container: Container, id: string): Promise<void> {
    const { client, changed, now } = this.#options;
    const code = await waitForEnd(client, id, this.#gone.signal).catch(() => undefined);
    if (code === undefined || this.#gone.signal.aborted) return;
    const state = await inspectContainer(client, id);
    const message = await this.#message(container);
    changed(container.name, {
      is: "terminated",
      exitCode: code,
      reason: state?.State.OOMKilled === true ? "OOMKilled" : code === 0 ? "Completed" : "Error",
      ...(message === "" ? {} : { message }),
      startedAt: this.#starts.get(container.name) ?? now(),
      finishedAt: now(),
    });
  }

  async #message({ name }: Container): Promise<string> {
    const bytes = await readFile(path.join(this.#directory, `message-${name}`)).catch(() => Buffer.alloc(0));
    return bytes.subarray(0, mostMessageBytes).toString("utf8");
  }

  /** TERM to all, KILL to who is left after the grace; done when all have been told of as ended. */
  async stop(graceSeconds: number): Promise<void> {
    const { client } = this.#options;
    const stops = [...this.#ids.values()].map(id =>
      client
        .call({ method: "POST", path: `/containers/${id}/stop`, query: { t: graceSeconds } })
        .catch(ignoreGone),
    );
    await Promise.all(stops);
    await Promise.all(this.#ended.values());
  }

  /** Docker's id, to look closer. */
  id(container: string): string | undefined {
    return this.#ids.get(container);
  }

  /** Kills what lives and removes everything. May be repeated. */
  remove(): Promise<void> {
    this.#removed ??= this.#remove();
    return this.#removed;
  }

  async #remove(): Promise<void> {
    this.#gone.abort();
    await removeLabelled(this.#options.client, `${podLabel}=${this.#options.pod.metadata?.uid}`);
    if (this.#directory !== "") await rm(this.#directory, { recursive: true, force: true });
  }
}

function startError(text: string, now: number): Terminated {
  const message = `failed to create containerd task: ${text}`;
  return { is: "terminated", exitCode: 128, reason: "StartError", message, startedAt: 0, finishedAt: now };
}

function ignoreGone(error: unknown): void {
  // 304: it had ended already.
  if (error instanceof DaemonError && [304, 404, 409].includes(error.status)) return;
  throw error;
}
