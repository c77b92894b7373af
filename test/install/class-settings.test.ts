// What may be set of a class is what the page says, and each of it reaches a Pod: what an administrator sets is never without
// effect.

import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { classSettings } from "../../src/endpoints/class-settings.ts";
import { claimOf, container, place } from "../../src/launcher/kubernetes/fixtures/launches.ts";
import { podOf } from "../../src/launcher/kubernetes/pod.ts";
import { warmPods } from "../../src/launcher/kubernetes/pod-warm.ts";
import type { ClassSettings, PodSettings } from "../../src/queue/queue.ts";
import { root } from "../sources.ts";

const db = { alias: "db", image: "docker.io/library/db:1" };
const ready = { command: "true", timeoutMs: 1000 };
const settings: { [key in keyof Required<PodSettings>]: PodSettings[key] } = {
  security: "restricted",
  nodeSelector: { pool: "ci" },
  tolerations: [{ key: "pool", operator: "Exists" }],
  runtimeClassName: "gvisor",
  requests: { cpu: "2" },
  limits: { "nvidia.com/gpu": "1" },
  serviceRequests: { cpu: "1" },
  serviceLimits: { memory: "1Gi" },
  arch: "arm64",
  ephemeralStorage: "20Gi",
  hostUsers: false,
  priorityClassName: "high",
  imagePullSecrets: ["team"],
  registryMirrors: { "docker.io": "mirror.example.org" },
  startupProbes: false,
  volumes: false,
  warm: 2,
  pendingSeconds: 60,
};

/** All that is made for a class: Pods of jobs with a service of either kind, or why there are none, and placeholders. */
function madeOf(pod: PodSettings): string {
  const pods = [container(db), container({ ...db, ready })].map(service => {
    const claim = claimOf({ box: container(), services: [service] }, { pod });
    return podOf({ claim, place });
  });
  return JSON.stringify([pods, warmPods("default", { pod }, place, "slipway-warm")]);
}

test.each(Object.entries(settings))("pod.%s reaches Pods", (key, value) => {
  const given = { [key]: value };
  expect(classSettings.safeParse({ pod: given }).success).toBe(true);
  expect(madeOf(given)).not.toBe(madeOf({}));
});

test("docs/classes.md names each setting, and no other", () => {
  const page = readFileSync(path.join(root, "docs", "classes.md"), "utf8");
  const tables = page.slice(page.indexOf("## Everywhere"), page.indexOf("## When a Pod"));
  const rows = [...tables.matchAll(/^\| (`[^|]*) \|/gm)].flatMap(([, cell]) => cell!.match(/[\w.]+/g) ?? []);
  const { pod: _, ...others }: Record<keyof ClassSettings, unknown> = classSettings.shape;
  const known = [...Object.keys(others), ...Object.keys(settings).map(key => `pod.${key}`)];
  expect(rows.sort()).toEqual(known.sort());
  expect(Object.keys(classSettings.shape.pod.unwrap().shape).sort()).toEqual(Object.keys(settings).sort());
});
