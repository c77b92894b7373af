import { expect, test } from "vitest";
import type { Job } from "../core/job.ts";
import { refusalOfClass, settingsOf, withinClass } from "./class-limits.ts";
import { testJob } from "./fixtures/claim-answer.ts";

const nothing = {
  name: "small",
  engine: "docker" as const,
  allowDocker: false,
  allowVolumes: false,
  allowHostPorts: false,
};
const everything = { ...nothing, allowDocker: true, allowVolumes: true, allowHostPorts: true };
const box = { id: "alpine", env: [], ports: [], auth: {} };

test.each<[string, Partial<Job>]>([
  ["docker", { docker: true }],
  ["volumes of the box", { box: { ...box, volumes: "/a" } }],
  ["volumes of a service", { services: [{ ...box, volumes: "/a" }] }],
  ["ports", { services: [{ ...box, ports: ["80"] }] }],
])("%s only where the class allows them", (_what, job) => {
  expect(refusalOfClass(testJob(job), nothing, true)).toMatchObject({ code: "not-allowed" });
  expect(refusalOfClass(testJob(job), everything, true)).toBeUndefined();
});

test("the machine itself is for trusted jobs alone", () => {
  const host = { ...everything, engine: "host" as const };
  expect(refusalOfClass(testJob(), host, false)).toMatchObject({ code: "not-allowed" });
  expect(refusalOfClass(testJob(), host, true)).toBeUndefined();
  expect(refusalOfClass(testJob(), everything, false)).toBeUndefined();
});

test("the lesser of what job and class say holds", () => {
  const large = testJob({ resources: { cpu: 8, memoryBytes: 800, arch: "amd64" } });
  const bounded = { ...nothing, cpu: 2, memoryBytes: 400 };
  expect(withinClass(large, bounded).resources).toEqual({ cpu: 2, memoryBytes: 800, arch: "amd64" });
  expect(settingsOf(large, bounded, undefined)).toMatchObject({
    memoryBytes: 400,
    pull: "missing",
    artifacts: true,
  });
  expect(withinClass(testJob(), bounded).resources).toEqual({ cpu: 2 });
  expect(settingsOf(large, { ...nothing, memoryBytes: 1000 }, "always")).toMatchObject({
    memoryBytes: 800,
    pull: "always",
  });
  expect(withinClass(testJob(), nothing).resources).toBeUndefined();
  expect(settingsOf(testJob(), nothing, undefined)).not.toHaveProperty("memoryBytes");
});
