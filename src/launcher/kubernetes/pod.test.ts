import { readFileSync, writeFileSync } from "node:fs";
import { Pod } from "kubernetes-models/v1/Pod";
import { Secret } from "kubernetes-models/v1/Secret";
import { describe, expect, test } from "vitest";
import { decode } from "../../../test/kubernetes/decode.ts";
import type { ClassSettings, LaunchContainers } from "../../queue/queue.ts";
import { claimOf, container, place } from "./fixtures/launches.ts";
import { attemptLabel, secretName } from "./labels.ts";
import { podOf } from "./pod.ts";
import type { ClusterPlace, PodObjects } from "./pod-launch.ts";
import { warmPods } from "./pod-warm.ts";

function made(containers: LaunchContainers, settings: ClassSettings = {}, at: Partial<ClusterPlace> = {}) {
  const objects = podOf({ claim: claimOf(containers, settings), place: { ...place, ...at } });
  if (!objects.ok) throw new Error(objects.refusal.message);
  return objects.value;
}

const plain: LaunchContainers = { box: container(), services: [] };

const withServices: LaunchContainers = {
  box: container({
    image: "registry.example.org/team/box:1",
    shownImage: "registry.example.org/team/box:1",
    credentials: { username: "robot", password: "of-the-box", server: "registry.example.org" },
    env: [{ name: "PRICE", value: "5$ and $(HOME)", secret: false }],
    cmd: ["/bin/bash", "-e"],
  }),
  services: [
    container({
      image: "docker.io/library/postgres:16",
      shownImage: "postgres:16",
      alias: "postgres",
      env: [
        { name: "POSTGRES_USER", value: "app", secret: false },
        { name: "POSTGRES_PASSWORD", value: "of-the-database", secret: true },
      ],
      ready: { port: 5432, timeoutMs: 60_000 },
    }),
    container({
      image: "registry.example.org/other/queue:2",
      shownImage: "registry.example.org/other/queue:2",
      alias: "Queue",
      cmd: ["serve", "--price=$(PRICE)"],
      credentials: { username: "other", password: "of-the-queue", server: "registry.example.org" },
      ports: [{ containerPort: 6000, protocol: "udp" }],
      ready: { command: "queue ping && echo $HOME", timeoutMs: 30_000 },
    }),
  ],
};

const everything: ClassSettings = {
  engine: "pod",
  memoryBytes: 8 * 2 ** 30,
  cpu: 4,
  pod: {
    security: "baseline",
    nodeSelector: { "slipway.dev/node": "peasant", pool: "gpu" },
    tolerations: [
      { key: "slipway.dev/peasant", operator: "Exists", effect: "NoSchedule" },
      {
        key: "node.kubernetes.io/unreachable",
        operator: "Exists",
        effect: "NoExecute",
        tolerationSeconds: 10,
      },
    ],
    runtimeClassName: "gvisor",
    requests: { cpu: "500m" },
    limits: { "nvidia.com/gpu": "1" },
    serviceRequests: { cpu: "100m", memory: "3Gi" },
    serviceLimits: { memory: "1Gi" },
    arch: "aarch64",
    ephemeralStorage: "20Gi",
    hostUsers: false,
    priorityClassName: "slipway-jobs",
    imagePullSecrets: ["team-registry"],
    registryMirrors: { "docker.io": "mirror.example.org/hub/" },
    warm: 2,
    pendingSeconds: 600,
  },
};

const everyPlace: Partial<ClusterPlace> = {
  caConfigMap: { name: "slipway-ca" },
  knownHostsConfigMap: { name: "slipway-known-hosts" },
  runnerPullSecrets: ["slipway-registry"],
  serviceAccountName: "slipway-job",
  graceSeconds: 30,
  runnerPullPolicy: "Always",
  imagePullPolicy: "Always",
  runnerEnvironment: { HTTPS_PROXY: "http://proxy.example.org:3128" },
  nodeSelector: { "kubernetes.io/os": "linux" },
};

const goldens: Record<string, PodObjects> = {
  "plain-job": made(plain),
  "services-and-secrets": made(withServices),
  "restricted-class": made(plain, { pod: { security: "restricted" }, memoryBytes: 2 ** 30, cpu: 1.5 }),
  "without-volumes": made(
    { ...plain, services: [container({ alias: "redis", image: "docker.io/library/redis:7" })] },
    { pod: { volumes: false } },
  ),
  everything: made(
    {
      ...plain,
      services: [container({ alias: "redis", image: "docker.io/library/redis:7" })],
      basePath: "/go/src/example.org/web",
      resources: { memoryBytes: 4 * 2 ** 30, ephemeralStorageBytes: 10 * 2 ** 30, arch: "arm64" },
    },
    everything,
    everyPlace,
  ),
};
const warm = warmPods("gpu", everything, { ...place, ...everyPlace }, "slipway-warm");

/** `UPDATE_GOLDEN=1` writes them anew. */
const update = "UPDATE_GOLDEN" in process.env;

describe("golden files", () => {
  test.each([...Object.entries(goldens), ["warm", { pod: warm[0]! }] as const])("%s", (name, objects) => {
    const file = new URL(`golden/${name}.json`, import.meta.url);
    // What the box is told to run is tested where it is made.
    const shown = (_: string, value: unknown) => {
      if (/^\n?trap/.test(String(value))) return "(supervisor)";
      return /^\nlay\(\)/.test(String(value)) ? "(lays the pipes)" : value;
    };
    const text = `${JSON.stringify(objects, shown, 2)}\n`;
    if (update) writeFileSync(file, text);
    expect(JSON.parse(text)).toEqual(JSON.parse(readFileSync(file, "utf8")));
  });

  test.each(Object.entries(goldens))("%s is what Kubernetes knows, and nothing else", (_, objects) => {
    const { pod, secret } = JSON.parse(JSON.stringify(objects)) as PodObjects;
    new Pod(pod as never).validate();
    expect(decode(pod, "Pod", "v1", "Pod").unknown).toEqual([]);
    if (secret === undefined) return;
    new Secret(secret as never).validate();
    expect(decode(secret, "Secret", "v1", "Secret").unknown).toEqual([]);
  });

  test.each<[string, ClassSettings, Partial<ClusterPlace>, LaunchContainers]>([
    ["a restricted class", { pod: { security: "restricted" } }, {}, plain],
    ["a sandbox of its own", { pod: { runtimeClassName: "gvisor" } }, {}, plain],
    ["a user namespace", { pod: { hostUsers: false } }, {}, plain],
    ["a certificate authority", {}, { caConfigMap: { name: "ca" } }, plain],
    ["keys of ssh hosts", {}, { knownHostsConfigMap: { name: "hosts" } }, plain],
    [
      "a service that a command asks",
      {},
      {},
      { ...plain, services: [container({ alias: "db", ready: { command: "true", timeoutMs: 1 } })] },
    ],
  ])("%s needs volumes, whatever the class says", (_, { pod = {} }, more, containers) => {
    const mounts = (volumes: boolean) =>
      made(containers, { pod: { ...pod, volumes } }, more).pod.spec?.containers.map(
        each => each.volumeMounts,
      );
    expect(mounts(false)).toEqual(mounts(true));
    expect(mounts(false)?.[0]).not.toEqual(undefined);
  });

  test("a field that Kubernetes does not know would be found", () => {
    const { pod } = made(plain);
    expect(decode({ ...pod, spec: { ...pod.spec, colour: "red" } }, "Pod", "v1", "Pod").unknown).toEqual([
      "spec.colour",
    ]);
  });

  test("placeholders are Pods too, and have names of their own", () => {
    for (const pod of warm) new Pod(pod as never).validate();
    expect(new Set(warm.map(({ metadata }) => metadata?.name)).size).toBe(2);
  });
});

describe("a Pod", () => {
  test("is the same for the same launch, and another for another attempt", () => {
    expect(made(withServices)).toEqual(made(withServices));
    const other = podOf({ claim: claimOf(plain, {}, { attemptId: "another" }), place });
    expect(other.ok && other.value.pod.metadata?.name).not.toBe(made(plain).pod.metadata?.name);
  });

  test("holds nothing secret but the claim token, and that in the runner alone", () => {
    const { pod, secret } = made(withServices);
    const text = JSON.stringify(pod);
    for (const hidden of ["of-the-box", "of-the-queue", "of-the-database"]) {
      expect(text).not.toContain(hidden);
      expect(text).not.toContain(Buffer.from(hidden).toString("base64"));
    }
    const holders = pod.spec?.containers.filter(each => JSON.stringify(each).includes("claim-token"));
    expect(holders?.map(({ name }) => name)).toEqual(["runner"]);
    expect(secret?.metadata?.name).toBe(secretName(pod.metadata!.labels![attemptLabel]!));
    expect(secret?.metadata?.labels).toEqual(pod.metadata?.labels);
  });

  test("gives each of two images of one registry its own credentials", () => {
    const data = made(withServices).secret?.data?.[".dockerconfigjson"] ?? "";
    const { auths } = JSON.parse(Buffer.from(data, "base64").toString()) as { auths: Record<string, object> };
    expect(Object.keys(auths)).toEqual(["registry.example.org/team/box", "registry.example.org/other/queue"]);
  });

  test("doubles every $ that the kubelet would look at", () => {
    const { pod } = made(withServices);
    const [, , queue, box] = pod.spec!.containers;
    expect(box?.env).toEqual([{ name: "PRICE", value: "5$$ and $$(HOME)" }]);
    expect(queue?.args).toEqual(["serve", "--price=$$(PRICE)"]);
    expect(box?.args?.join(" ").replaceAll("$$", "")).not.toContain("$");
  });

  test("does not redirect an image that brings credentials for its registry", () => {
    const { pod } = made(withServices, {
      pod: { registryMirrors: { "registry.example.org": "mirror", "docker.io": "m" } },
    });
    expect(pod.spec?.containers.slice(1).map(({ image }) => image)).toEqual([
      "m/library/postgres:16",
      "registry.example.org/other/queue:2",
      "registry.example.org/team/box:1",
    ]);
  });

  test("cannot be made of a claim without containers", () => {
    expect(() => podOf({ claim: claimOf(undefined), place })).toThrow(/did not say/);
  });
});

const service = (alias: string, over = {}) =>
  container({ alias, image: "docker.io/library/redis:7", ...over });
const refusals: [string, LaunchContainers, ClassSettings, RegExp][] = [
  [
    "port-conflict",
    {
      ...plain,
      services: [
        service("a", { ready: { port: 80, timeoutMs: 1 } }),
        service("b", { ports: [{ containerPort: 80, protocol: "tcp" }] }),
      ],
    },
    {},
    /service a and the service b both listen on port 80\/tcp/,
  ],
  [
    "bad-port",
    { ...plain, services: [service("a", { ready: { port: 70_000, timeoutMs: 1 } })] },
    {},
    /70000 of the service a/,
  ],
  ["bad-image-name", { ...plain, box: container({ image: "A B", shownImage: "A B" }) }, {}, /of the box/],
  ["bad-service-name", { ...plain, services: [service("my_db")] }, {}, /"my_db"/],
  ["service-name-taken", { ...plain, services: [service("db"), service("DB")] }, {}, /called DB/],
  [
    "too-many-services",
    { ...plain, services: Array.from({ length: 21 }, (_, at) => service(`s${at}`)) },
    {},
    /21/,
  ],
  [
    "bad-variable-name",
    { ...plain, box: container({ env: [{ name: "1 X", value: "", secret: false }] }) },
    {},
    /"1 X"/,
  ],
  [
    "too-large",
    { ...plain, box: container({ env: [{ name: "X", value: "x".repeat(600_000), secret: true }] }) },
    {},
    /KiB/,
  ],
  [
    "not-allowed",
    { ...plain, services: [service("a", { ready: { command: "true", timeoutMs: 1 } })] },
    { pod: { startupProbes: false } },
    /asked by a command/,
  ],
  ["bad-base-path", { ...plain, basePath: "/etc" }, {}, /\/etc/],
  ["bad-base-path", { ...plain, basePath: "/.slipway/io" }, {}, /slipway/],
  ["unknown-arch", { ...plain, resources: { arch: "mips" } }, {}, /"mips"/],
  ["not-allowed", { ...plain, resources: { arch: "arm64" } }, { pod: { arch: "x86_64" } }, /arm64/],
];

test.each(refusals)("refuses: %s %#", (code, containers, settings, message) => {
  const objects = podOf({ claim: claimOf(containers, settings), place });
  expect(objects).toMatchObject({ ok: false, refusal: { code, message: expect.stringMatching(message) } });
});

test("a refusal of the api's is passed on", () => {
  const refusal = { code: "no-repository", message: "Repository not specified" };
  const claim = claimOf(undefined);
  const refused = podOf({ claim: { ...claim, launch: { ...claim.launch, containers: { refusal } } }, place });
  expect(refused).toEqual({ ok: false, refusal });
});

test.each(["/go/src/x", "/usr/src/app", "/pipeline/x", "/home/ci"])("a source may lie in %s", basePath => {
  const { pod } = made({ ...plain, basePath });
  const mounted = pod.spec!.containers.at(-1)!.volumeMounts!.some(({ mountPath }) => mountPath === basePath);
  expect(mounted).toBe(!basePath.startsWith("/pipeline"));
});

test("a port that is said twice stands there once", () => {
  const ports = [80, 80, 81].map(containerPort => ({ containerPort, protocol: "tcp" as const }));
  const { pod } = made({ box: container({ ports }), services: [] });
  expect(pod.spec?.containers.at(-1)?.ports?.map(port => port.containerPort)).toEqual([80, 81]);
});
