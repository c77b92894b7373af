// The box of a Pod as a container of a test daemon: the runner's side is the test itself, and the volumes that they share
// are directories of this machine.

import { execFileSync, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { DaemonClient } from "../../src/engine/docker/daemon-client.ts";
import type { ContainerSpec, Engine } from "../../src/engine/engine.ts";
import { createPodEngine, type PodEngine, type PodEngineOptions } from "../../src/engine/pod/pod-engine.ts";
import { podSupervisorCommand } from "../../src/engine/pod/pod-supervisor.ts";
import { type PodIo, prepareIo } from "../../src/engine/pod/prepare-io.ts";
import { systemClock } from "../../src/lib/clock.ts";

/** In memory, as the volume of a Pod is. */
const volumes = "/dev/shm";
const staticBusybox = "/usr/bin/busybox";

export interface TestPod extends AsyncDisposable {
  readonly engine: PodEngine;
  readonly io: PodIo;
  readonly nonce: string;
  /** As the runner sees it. */
  readonly ioDirectory: string;
  /** Starts the container of the box. Answers its id. */
  startBox(box: ContainerSpec, memoryBytes?: number): Promise<string>;
  /** Id of the container, once it is started. */
  container(): string | undefined;
  inspect(): Promise<{ State: { Running: boolean; ExitCode: number; Pid: number } }>;
  /** What the first process has printed itself. */
  printed(): string;
}

export interface TestPodOptions {
  /** The shell that runs the supervisor, instead of the image's /bin/sh. */
  sh?: string[];
  waitSeconds?: number;
  describeImage?: PodEngineOptions["describeImage"];
  /** More `host:guest:options`. */
  binds?: string[];
  /** `docker run --init`: another process is the first. */
  init?: boolean;
}

/** Lays the pipes and the tools; the box is started later. */
export async function testPod(client: DaemonClient, options: TestPodOptions = {}): Promise<TestPod> {
  const home = mkdtempSync(join(volumes, "slipway-pod-"));
  const [ioDirectory, bin] = [join(home, "io"), join(home, "bin")];
  for (const directory of [ioDirectory, bin]) mkdirSync(directory);
  execFileSync("chmod", ["777", ioDirectory]);
  const io = await prepareIo({ busybox: staticBusybox, io: ioDirectory, bin });
  const nonce = randomBytes(8).toString("hex");
  const { describeImage } = options;
  const engine = createPodEngine({
    io,
    nonce,
    clock: systemClock,
    ...(describeImage ? { describeImage } : {}),
  });
  let id: string | undefined;
  return {
    engine,
    io,
    nonce,
    ioDirectory,
    container: () => id,
    async startBox(box, memoryBytes) {
      const place = options.waitSeconds === undefined ? {} : { waitSeconds: options.waitSeconds };
      const command = podSupervisorCommand(nonce, box.cmd ?? [], place);
      const body = {
        Image: box.image,
        ...(box.entrypoint === undefined ? {} : { Entrypoint: box.entrypoint }),
        Cmd: [...(options.sh ?? ["/bin/sh"]), ...command.slice(1)],
        Env: box.env.map(({ name, value }) => `${name}=${value}`),
        Labels: { "dev.slipway-test.pod": String(process.pid) },
        HostConfig: {
          Binds: [`${ioDirectory}:/.slipway/io`, `${bin}:/.slipway/bin:ro`, ...(options.binds ?? [])],
          Tmpfs: { "/pipeline": "mode=777,exec", "/report": "mode=777,exec" },
          NetworkMode: "host",
          ...(options.init === true ? { Init: true } : {}),
          ...(memoryBytes === undefined ? {} : { Memory: memoryBytes, MemorySwap: memoryBytes }),
        },
      };
      const { Id } = await client.call<{ Id: string }>({
        method: "POST",
        path: "/containers/create",
        json: body,
      });
      id = Id;
      await client.call({ method: "POST", path: `/containers/${Id}/start` });
      return Id;
    },
    inspect: () => client.call({ method: "GET", path: `/containers/${id}/json` }),
    printed() {
      const { stdout, stderr } = spawnSync("docker", ["logs", id ?? ""], { encoding: "utf8" });
      return stdout + stderr;
    },
    async [Symbol.asyncDispose]() {
      await engine.end(0);
      io[Symbol.dispose]();
      if (id !== undefined) {
        await client.call({ method: "DELETE", path: `/containers/${id}`, query: { force: true, v: true } });
      }
      rmSync(home, { recursive: true, force: true });
    },
  };
}

export interface TestPods extends AsyncDisposable {
  /** Starts a Pod's box for each job, as a launcher would. */
  readonly engine: Engine;
  /** The one of a run. */
  of(runId: string): TestPod;
  all(): TestPod[];
}

/** An engine that makes a Pod for each start. */
export function testPods(client: DaemonClient, options: TestPodOptions = {}): TestPods {
  const pods = new Map<string, TestPod>();
  return {
    engine: {
      name: "pod",
      async start(request) {
        const pod = await testPod(client, options);
        pods.set(request.runId, pod);
        if (!request.signal.aborted) await pod.startBox(request.box, request.memoryBytes);
        return pod.engine.start(request);
      },
    },
    of(runId) {
      const pod = pods.get(runId);
      if (pod === undefined) throw new Error(`no Pod was made for run ${runId}`);
      return pod;
    },
    all: () => [...pods.values()],
    async [Symbol.asyncDispose]() {
      for (const pod of pods.values()) await pod[Symbol.asyncDispose]();
    },
  };
}
