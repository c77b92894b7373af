// Whatever a job and a class ask for, it is refused by us, or taken by an API server.

import fc from "fast-check";
import type { PodSpec } from "kubernetes-types/core/v1.js";
import { expect, test } from "vitest";
import { decode } from "../../../test/kubernetes/decode.ts";
import { podDefaults } from "../../../test/kubernetes/pod-defaults.ts";
import { securityViolations } from "../../../test/kubernetes/pod-security.ts";
import { podSpecFaults } from "../../../test/kubernetes/pod-validation.ts";
import { podWarnings } from "../../../test/kubernetes/pod-warnings.ts";
import type { ClassSettings, LaunchContainers } from "../../queue/queue.ts";
import { claimOf, container, place } from "./fixtures/launches.ts";
import { podOf } from "./pod.ts";

const text = fc.oneof(fc.string({ maxLength: 30 }), fc.constantFrom("$(A)", "$$", "a\nb", "=", "/", ":"));
const name = fc.oneof(text, fc.constantFrom("db", "DB", "my_db", "my-db", "a.b", "-x", "x".repeat(70)));
/** Mostly what can be had: otherwise nearly all is refused. */
const mostly = <A, B>(usual: fc.Arbitrary<A>, odd: fc.Arbitrary<B>) =>
  fc.oneof({ weight: 12, arbitrary: usual }, { weight: 1, arbitrary: odd });
const alias = mostly(fc.constantFrom("db", "cache", "my-db", "a.b", "Queue"), name);
const port = mostly(
  fc.integer({ min: 1, max: 65_535 }),
  fc.oneof(fc.integer({ min: -1, max: 70_000 }), fc.constantFrom(80, 443)),
);
const containers = fc.record(
  {
    image: mostly(
      fc.constantFrom("docker.io/library/alpine:3", `registry.example.org/a/b@sha256:${"0".repeat(64)}`),
      fc.constantFrom("A B", ""),
    ),
    cmd: fc.array(text, { maxLength: 3 }),
    entrypoint: fc.array(text, { maxLength: 2 }),
    env: fc.uniqueArray(
      fc.record({
        name: mostly(fc.constantFrom("A", "B", "A_B", "a.b-c", "_"), name),
        value: text,
        secret: fc.boolean(),
      }),
      {
        selector: ({ name: each }) => each,
        maxLength: 4,
      },
    ),
    ports: fc.array(fc.record({ containerPort: port, protocol: fc.constantFrom("tcp", "udp") }), {
      maxLength: 2,
    }),
    ready: fc.record(
      { port, command: text, timeoutMs: fc.integer({ min: 0, max: 1e6 }) },
      { requiredKeys: ["timeoutMs"] },
    ),
    credentials: fc.record({
      username: text,
      password: text,
      server: fc.constantFrom("registry.example.org", "https://index.docker.io/v1/"),
    }),
  },
  { requiredKeys: ["image"] },
);
const jobs = fc.record(
  {
    box: containers,
    services: fc.array(fc.tuple(containers, alias), { maxLength: 3 }),
    basePath: mostly(
      fc.constantFrom("/x", "/pipeline/a", "/go/src"),
      fc.oneof(text, fc.constantFrom("/", "/etc/x", "/x/../y", "/a:b")),
    ),
    resources: fc.record(
      {
        cpu: fc.double({ min: 0, max: 64, noNaN: true }),
        memoryBytes: fc.nat(2 ** 40),
        ephemeralStorageBytes: fc.nat(2 ** 40),
        arch: mostly(fc.constantFrom("amd64", "aarch64"), fc.constant("mips")),
      },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: ["box", "services"] },
);
const amounts = fc.constantFrom<Record<string, string>>(
  {},
  { cpu: "2" },
  { memory: "1Gi", cpu: "100m" },
  { "nvidia.com/gpu": "1" },
);
const classes = fc.record(
  {
    memoryBytes: fc.nat(2 ** 40),
    cpu: fc.integer({ min: 1, max: 64 }),
    pod: fc.record(
      {
        security: fc.constantFrom("baseline", "restricted"),
        limits: amounts,
        requests: fc.constantFrom<Record<string, string>>({}, { cpu: "3" }, { memory: "512Mi" }),
        serviceRequests: fc.constantFrom<Record<string, string>>({}, { cpu: "3", memory: "2Gi" }),
        serviceLimits: amounts,
        ephemeralStorage: fc.constantFrom("1Gi", "500M"),
        hostUsers: fc.boolean(),
        startupProbes: mostly(fc.constant(true), fc.constant(false)),
        volumes: fc.boolean(),
        registryMirrors: fc.constant({ "docker.io": "mirror.example.org" }),
        imagePullSecrets: fc.constant(["one", "one"]),
      },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: [] },
);

test("any job of any class is refused, or a Pod that its namespace takes without a word", () => {
  let made = 0;
  fc.assert(
    fc.property(jobs, classes, (job, settings) => {
      const given = {
        ...job,
        box: container({ ...job.box, alias: "" } as never),
        services: job.services.map(([each, alias]) => container({ ...each, alias } as never)),
      } as LaunchContainers;
      const objects = podOf({ claim: claimOf(given, settings as ClassSettings), place });
      if (!objects.ok) return;
      made++;
      const { pod } = structuredClone(objects.value);
      expect(decode(pod, "Pod", "v1", "Pod").unknown).toEqual([]);
      podDefaults(pod as never);
      const spec = pod.spec as PodSpec;
      expect(podSpecFaults(spec)).toEqual([]);
      expect(podWarnings(spec)).toEqual([]);
      expect(securityViolations(spec, settings.pod?.security ?? "baseline")).toBeUndefined();
    }),
    { numRuns: 300 },
  );
  expect(made).toBeGreaterThan(30);
});
