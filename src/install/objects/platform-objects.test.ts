// What an installation is made of, held against golden files (src/install/golden; `vitest -u` writes them anew) and the rules
// that no change may break. Whether a cluster takes it is told in test/install/.

import type { Deployment, StatefulSet } from "kubernetes-types/apps/v1.js";
import type { PodSpec } from "kubernetes-types/core/v1.js";
import type { NetworkPolicy } from "kubernetes-types/networking/v1.js";
import type { Role } from "kubernetes-types/rbac/v1.js";
import { describe, expect, test } from "vitest";
import { installations } from "../fixtures/installations.ts";
import { printObjects } from "../print-objects.ts";
import { type KubernetesObject, platformObjects } from "./platform-objects.ts";

const workloads = (objects: KubernetesObject[]) =>
  objects.filter(({ kind }) => kind === "Deployment" || kind === "StatefulSet") as (
    | Deployment
    | StatefulSet
  )[];
const podOf = (workload: Deployment | StatefulSet): PodSpec => workload.spec!.template.spec!;

describe.each(Object.entries(installations))("%s", (name, values) => {
  const objects = platformObjects(values);

  test("is what the golden file says", async () => {
    await expect(printObjects(objects)).toMatchFileSnapshot(`../golden/${name}.yaml`);
  });

  test("has no object twice, and each says that it is ours", () => {
    const names = objects.map(({ kind, metadata }) => `${kind} ${metadata?.namespace} ${metadata?.name}`);
    expect(new Set(names).size).toBe(names.length);
    for (const { metadata } of objects) expect(metadata?.labels?.["slipway.dev/install"]).toBe("slipway");
  });

  test("runs as nobody in particular, with nothing to write on and no right to spare", () => {
    for (const workload of workloads(objects)) {
      const pod = podOf(workload);
      expect(pod.securityContext).toMatchObject({
        runAsNonRoot: true,
        runAsUser: 10_001,
        seccompProfile: { type: "RuntimeDefault" },
      });
      expect([pod.hostNetwork, pod.hostPID, pod.hostIPC]).toEqual([undefined, undefined, undefined]);
      expect((pod.volumes ?? []).filter(volume => volume.hostPath !== undefined)).toEqual([]);
      for (const container of [...(pod.initContainers ?? []), ...pod.containers]) {
        expect(container.securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] },
        });
        for (const { name: variable, value } of container.env ?? []) {
          if (/PASSWORD|TOKEN|_KEY$|DATABASE_URL/.test(variable)) expect(value, variable).toBeUndefined();
        }
      }
    }
  });

  test("only who speaks to the cluster has a token", () => {
    const having = workloads(objects).filter(each => podOf(each).automountServiceAccountToken !== false);
    const expected = values.routes.kind === "none" ? ["worker"] : ["api", "logs", "worker"];
    expect(having.map(each => podOf(each).containers[0]!.name).sort()).toEqual(expected);
  });

  test("the worker holds neither database nor key", () => {
    const worker = workloads(objects).find(({ metadata }) => metadata?.name === "slipway-worker")!;
    const names = podOf(worker).containers[0]!.env!.map(each => each.name);
    expect(names.filter(each => /DATABASE|SECRET_KEY|S3|BLOBS/.test(each))).toEqual([]);
    expect(worker.spec!.template.metadata!.labels).not.toHaveProperty("slipway.dev/uses-database");
  });
});

test("every right, verb by verb", () => {
  const roles = platformObjects(installations.production!).filter(({ kind }) => kind === "Role") as Role[];
  const rights = roles.flatMap(({ metadata, rules }) =>
    rules!.map(({ resources, resourceNames = ["*"], verbs }) =>
      [metadata!.namespace, metadata!.name, resources!.join(), resourceNames.join(), verbs.join(" ")].join(
        " | ",
      ),
    ),
  );
  expect(rights).toEqual([
    "slipway-jobs | slipway-worker | pods | * | create delete deletecollection list watch",
    "slipway-jobs | slipway-worker | secrets | * | create delete",
    "slipway-jobs-restricted | slipway-worker | pods | * | create delete deletecollection list watch",
    "slipway-jobs-restricted | slipway-worker | secrets | * | create delete",
    "slipway | slipway-api | ingresses | * | create patch delete list",
    "slipway | slipway-api | deployments | slipway-api | get",
    "slipway | slipway-logs | ingresses | slipway-logs | create patch",
    "slipway | slipway-logs | deployments | slipway-logs | get",
  ]);
});

test("jobs reach DNS, the runner listener and the public internet; what the values open is open, nothing else", () => {
  const policies = platformObjects(installations.corporate!).filter(
    ({ kind }) => kind === "NetworkPolicy",
  ) as NetworkPolicy[];
  const jobs = policies.filter(({ metadata }) => metadata!.namespace === "jobs");
  expect(jobs.map(({ spec }) => [spec!.podSelector, spec!.policyTypes, spec!.ingress])).toEqual([
    [{}, ["Ingress", "Egress"], undefined],
    [{}, ["Egress"], undefined],
  ]);
  const [dns, runners, internet, ...allowed] = jobs[1]!.spec!.egress!;
  expect(dns!.ports!.map(({ port }) => port)).toEqual([53, 53]);
  expect(runners!.ports).toEqual([{ protocol: "TCP", port: 8081 }]);
  const blocks = internet!.to!.flatMap(({ ipBlock }) => ipBlock!.except!);
  for (const closed of [
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "100.64.0.0/10",
    "169.254.0.0/16",
    "fc00::/7",
    "fe80::/10",
    "203.0.113.0/24",
    "2001:db8::/32",
  ]) {
    expect(blocks).toContain(closed);
  }
  expect(allowed).toEqual([
    {
      to: [{ ipBlock: { cidr: "10.20.0.5/32" } }],
      ports: [
        { protocol: "TCP", port: 443 },
        { protocol: "TCP", port: 22 },
      ],
    },
  ]);
});
