import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Pod, PodSpec } from "kubernetes-types/core/v1.js";
import { beforeAll, expect, test } from "vitest";
import type { DaemonClient } from "../../src/engine/docker/daemon-client.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { testDaemon } from "../containers/docker-daemon.ts";
import { buildTestImages, testImages } from "../containers/test-images.ts";
import { type DockerKubelet, startDockerKubelet } from "./docker-kubelet.ts";
import { podLabel } from "./docker-pod.ts";
import { type StandIn, startStandIn } from "./stand-in.ts";

let client: DaemonClient;
let standIn: StandIn;
let kubelet: DockerKubelet;

beforeAll(async () => {
  client = await testDaemon();
  await buildTestImages(client);
});

/** A cluster of one node for one test; of which nothing is left afterwards. */
async function startPlace(): Promise<AsyncDisposable> {
  const troubles: unknown[] = [];
  standIn = await startStandIn({ namespaces: ["jobs"] });
  kubelet = await startDockerKubelet({
    inside: standIn.inside,
    clock: systemClock,
    client,
    sandboxImage: testImages.sh,
    troubled: error => troubles.push(error),
  });
  const uids: string[] = [];
  const stop = standIn.inside.watch(({ type, object }) => {
    if (type === "ADDED" && object.kind === "Pod") uids.push(object.metadata.uid);
  });
  return {
    async [Symbol.asyncDispose]() {
      stop();
      await kubelet[Symbol.asyncDispose]();
      await standIn[Symbol.asyncDispose]();
      expect(troubles).toEqual([]);
      for (const uid of uids) expect(await leftOf(uid)).toEqual([]);
    },
  };
}

async function leftOf(uid: string): Promise<string[]> {
  const query = { all: true, filters: JSON.stringify({ label: [`${podLabel}=${uid}`] }) };
  const containers = await client.call<{ Id: string }[]>({ method: "GET", path: "/containers/json", query });
  const volumes = await client.call<{ Volumes: { Name: string }[] | null }>({
    method: "GET",
    path: "/volumes",
    query,
  });
  return [...containers.map(each => each.Id), ...(volumes.Volumes ?? []).map(each => each.Name)];
}

const sh = (script: string) => ["/bin/sh", "-c", script];

/** Created over HTTP, as anybody would. */
async function create(name: string, spec: PodSpec): Promise<void> {
  const containers = spec.containers.map(each => ({
    image: testImages.sh,
    imagePullPolicy: "IfNotPresent",
    ...each,
  }));
  const body = JSON.stringify({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name },
    spec: { restartPolicy: "Never", automountServiceAccountToken: false, ...spec, containers },
  });
  const headers = { authorization: `Bearer ${standIn.token}`, "content-type": "application/json" };
  const answer = await fetch(`${standIn.url}/api/v1/namespaces/jobs/pods?fieldValidation=Strict`, {
    method: "POST",
    headers,
    body,
  });
  expect(await answer.json()).toMatchObject({ kind: "Pod" });
}

/** The first state of the Pod that fits. */
function until(name: string, fits: (pod: Pod) => boolean): Promise<Pod> {
  return new Promise(resolve => {
    const look = () => {
      const pod = standIn.inside.get<Pod>("pods", "jobs", name);
      if (pod === undefined || !fits(pod)) return;
      stop();
      resolve(pod);
    };
    const stop = standIn.inside.watch(look);
    look();
  });
}

const stateOf = (pod: Pod, container: string) =>
  pod.status?.containerStatuses?.find(each => each.name === container)?.state ?? {};
const isOver = (pod: Pod) => ["Succeeded", "Failed"].includes(pod.status?.phase ?? "");

async function remove(name: string, gracePeriodSeconds: number): Promise<Pod> {
  const gone = new Promise<Pod>(resolve => {
    const stop = standIn.inside.watch(({ type, object }) => {
      if (type !== "DELETED" || object.metadata.name !== name) return;
      stop();
      resolve(object as Pod);
    });
  });
  standIn.inside.delete("pods", "jobs", name, { gracePeriodSeconds });
  return await gone;
}

test("runner, service and box share volumes and network, start in order, and end with codes and message", async () => {
  await using _ = await startPlace();
  await using server = createServer((_, response) => response.end("from the host")).listen(
    0,
    kubelet.hostAddress,
  );
  await new Promise(resolve => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  await create("three", {
    hostAliases: [{ ip: "127.0.0.1", hostnames: ["web"] }],
    volumes: [
      { name: "io", emptyDir: { medium: "Memory", sizeLimit: "16Mi" } },
      { name: "pipeline", emptyDir: {} },
    ],
    containers: [
      {
        name: "runner",
        command: sh(
          `mkfifo -m 666 /io/pipe; read word </io/pipe; wget -qO- http://${kubelet.hostAddress}:${port} >/tmp/host;` +
            'printf "%s, %s" "$word" "$(cat /tmp/host)" >/dev/termination-log',
        ),
        securityContext: {
          runAsUser: 10001,
          runAsGroup: 10001,
          allowPrivilegeEscalation: false,
          capabilities: { drop: ["ALL"] },
        },
        volumeMounts: [{ name: "io", mountPath: "/io" }],
      },
      { name: "svc-web", image: testImages.service },
      {
        name: "box",
        args: sh(
          "until [ -p /io/pipe ]; do sleep 0.05; done; until wget -qO /pipeline/web http://web:8080; do sleep 0.1; done;" +
            "echo $$(GREETING) $(GREETING); { cat /pipeline/web; } >/io/pipe; exit 3",
        ),
        env: [{ name: "GREETING", value: "hi" }],
        volumeMounts: [
          { name: "io", mountPath: "/io" },
          { name: "pipeline", mountPath: "/pipeline" },
        ],
      },
    ],
  });
  const running = await until("three", pod => pod.status?.phase === "Running");
  expect(running.status?.containerStatuses?.map(each => each.name)).toEqual(["box", "runner", "svc-web"]);
  const done = await until("three", pod => ["box", "runner"].every(each => stateOf(pod, each).terminated));
  expect(stateOf(done, "runner").terminated).toMatchObject({ exitCode: 0, message: "hello, from the host" });
  expect(stateOf(done, "box").terminated).toMatchObject({ exitCode: 3, reason: "Error" });
  expect(await kubelet.logs("three", "box")).toContain("hi");
  const last = await remove("three", 1);
  expect(last.status?.phase).toBe("Failed");
  server.closeAllConnections();
});

test("TERM and its grace reach all; who is deaf is killed", async () => {
  await using _ = await startPlace();
  await create("deaf", {
    containers: [
      {
        name: "runner",
        command: sh("trap 'printf bye >/dev/termination-log; exit 0' TERM; while :; do sleep 0.1; done"),
      },
      { name: "box", command: sh("trap '' TERM; while :; do sleep 0.1; done") },
    ],
  });
  await until("deaf", pod => pod.status?.phase === "Running");
  const last = await remove("deaf", 1);
  expect(stateOf(last, "runner").terminated).toMatchObject({ exitCode: 0, message: "bye" });
  expect(stateOf(last, "box").terminated).toMatchObject({ exitCode: 137, reason: "Error" });
});

test("too much memory is told as OOMKilled", async () => {
  await using _ = await startPlace();
  await create("oom", {
    containers: [
      {
        name: "box",
        command: sh("tail /dev/zero"),
        resources: { limits: { memory: "16Mi" } },
      },
    ],
  });
  const pod = await until("oom", isOver);
  expect(stateOf(pod, "box").terminated).toMatchObject({ exitCode: 137, reason: "OOMKilled" });
  await remove("oom", 0);
});

test("an image that is not there, and a Secret that is not there, are waited for while the others run", async () => {
  await using _ = await startPlace();
  await create("waits", {
    containers: [
      { name: "runner", command: sh("sleep 100") },
      { name: "box", image: "no-such-image:1" },
      { name: "svc", env: [{ name: "A", valueFrom: { secretKeyRef: { name: "none", key: "a" } } }] },
    ],
  });
  const pod = await until("waits", each => stateOf(each, "runner").running !== undefined);
  expect(pod.status?.phase).toBe("Pending");
  expect(stateOf(pod, "box").waiting?.reason).toBe("ErrImagePull");
  expect(stateOf(pod, "svc").waiting).toEqual({
    reason: "CreateContainerConfigError",
    message: 'secret "none" not found',
  });
  const last = await remove("waits", 0);
  expect(last.metadata?.deletionGracePeriodSeconds).toBe(0);
});

test("files of Secrets and ConfigMaps are there before anything starts", async () => {
  await using _ = await startPlace();
  const secret = {
    kind: "Secret",
    apiVersion: "v1",
    data: { "a.txt": Buffer.from("secret").toString("base64") },
  };
  standIn.inside.put("secrets", { ...secret, metadata: { name: "files", namespace: "jobs" } });
  await create("files", {
    volumes: [{ name: "files", secret: { secretName: "files" } }],
    containers: [
      {
        name: "box",
        command: sh("cat /files/a.txt >/dev/termination-log; touch /files/b"),
        volumeMounts: [{ name: "files", mountPath: "/files", readOnly: true }],
      },
    ],
  });
  const pod = await until("files", isOver);
  expect(stateOf(pod, "box").terminated).toMatchObject({ exitCode: 1, message: "secret" });
  await remove("files", 0);
});
