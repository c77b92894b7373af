import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { ContainerSpec, EngineRequest } from "../engine.ts";
import { plainContainer, plainRequest } from "../fixtures/plain-request.ts";
import type { RunIdentity } from "./container-names.ts";
import { boxBody, environment, networkBody, serviceBody } from "./container-spec.ts";

const identity: RunIdentity = {
  runId: "run1",
  project: "shop",
  owner: { pid: 42, host: "laptop", started: "boot/7" },
  keep: false,
};

const plain = plainContainer({ image: "docker.io/library/alpine:latest", shownImage: "alpine" });

function request(change: Partial<EngineRequest> = {}): EngineRequest {
  return plainRequest({ runId: "run1", project: "shop", box: plain, ...change });
}

function box(change: Partial<EngineRequest>, more: { links?: ContainerSpec["env"]; keep?: boolean } = {}) {
  const body = boxBody({
    request: request(change),
    identity: { ...identity, keep: more.keep ?? false },
    network: "w-0123456789ab",
    nonce: "nonce",
    links: more.links ?? [],
    daemonSocket: "/var/run/docker.sock",
  });
  // The supervisor's text has tests of its own.
  return { ...body, Cmd: body.Cmd?.map(word => (word.includes("\n") ? "(supervisor)" : word)) };
}

/** The whole body as it was reviewed. */
function golden(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`golden/${name}.json`, import.meta.url), "utf8"));
}

test("the plainest box", () => {
  expect(box({})).toEqual(golden("box-plain"));
});

test("a box with everything the file can say", () => {
  const full = box(
    {
      box: {
        ...plain,
        cmd: ["/bin/sh"],
        entrypoint: ["/usr/bin/tini", "--"],
        env: [
          { name: "A", value: "1" },
          { name: "B", value: "it's = fine" },
        ],
        ports: [
          { containerPort: 80, hostPort: 8080, hostIp: "127.0.0.1", protocol: "tcp" },
          { containerPort: 53, protocol: "udp" },
        ],
        volumes: [{ host: "/data", guest: "/var/data" }, { guest: "/scratch" }],
      },
      services: [{ ...plain, alias: "db" }],
      exposePorts: true,
      enableVolumes: true,
      memoryBytes: 1_000_000_000,
      cpu: 1.5,
      dns: ["10.0.0.2"],
      mounts: [{ host: "/home/me/project", guest: "/pipeline/source" }],
      readOnlyRoot: true,
    },
    { links: [{ name: "DB_PORT", value: "tcp://172.18.0.2:5432" }], keep: true },
  );
  expect(full).toEqual(golden("box-full"));
});

test("a box with the daemon in its hands", () => {
  expect(box({ daemonAccess: true })).toEqual(golden("box-docker"));
});

test("a service", () => {
  const service: ContainerSpec = {
    ...plain,
    image: "docker.io/library/postgres:16",
    alias: "db",
    cmd: ["postgres", "-c", "fsync=off"],
    env: [{ name: "POSTGRES_PASSWORD", value: "x" }],
    ports: [{ containerPort: 5432, protocol: "tcp" }],
    volumes: [{ guest: "/var/lib/postgresql/data" }],
  };
  const body = serviceBody({
    request: request({
      services: [service, plain],
      memoryBytes: 1_000_000_000,
      memorySwapBytes: 2_000_000_000,
    }),
    service,
    identity,
    network: "w-0123456789ab",
    links: [{ name: "CACHE_NAME", value: "/wercker-pipeline-run1/cache" }],
  });
  expect(body).toEqual(golden("service"));
});

test("the network of a run, as Docker and as Podman want it", () => {
  expect(networkBody("w-0123456789ab", identity, "docker")).toEqual(golden("network-docker"));
  expect(networkBody("w-0123456789ab", identity, "podman")).toEqual(golden("network-podman"));
});

test("without the flags, ports are metadata only and volumes are not mounted", () => {
  const body = box({
    box: {
      ...plain,
      ports: [{ containerPort: 80, protocol: "tcp" }],
      volumes: [{ host: "/etc", guest: "/host-etc" }, { guest: "/scratch" }],
    },
  });
  expect(body.ExposedPorts).toEqual({ "80/tcp": {} });
  expect(body.HostConfig.PortBindings).toBeUndefined();
  expect(body.HostConfig.Binds).toBeUndefined();
  expect(body.Volumes).toBeUndefined();
});

test("memory: all for a box alone, three quarters beside services, which share the rest", () => {
  const memoryBytes = 1_000_000_001;
  expect(box({ memoryBytes }).HostConfig).toMatchObject({ Memory: 1_000_000_001, MemorySwap: 2_000_000_002 });
  const services = [plain, plain, plain];
  expect(box({ memoryBytes, services }).HostConfig.Memory).toBe(750_000_000);
  const shared = { identity, network: "n", links: [], service: plain };
  expect(serviceBody({ ...shared, request: request({ memoryBytes, services }) }).HostConfig.Memory).toBe(
    83_333_333,
  );
});

test("of a variable that is set twice the last value holds, at the first place", () => {
  const entries = [
    { name: "A", value: "1" },
    { name: "B", value: "2" },
    { name: "A", value: "3=4" },
  ];
  expect(environment(entries)).toEqual(["A=3=4", "B=2"]);
});

test("in a network that is always there nothing has a name of its own", () => {
  for (const network of ["host", "bridge", "none"]) {
    const input = { request: request(), service: { ...plain, alias: "db" }, identity, network, links: [] };
    expect(serviceBody(input).NetworkingConfig).toEqual({ EndpointsConfig: {} });
    expect(serviceBody(input).HostConfig.NetworkMode).toBe(network);
  }
});
