import fc from "fast-check";
import { expect, test } from "vitest";
import { labelValue, podName, serviceContainerName } from "./labels.ts";

const dnsLabel = /^(?=.{1,63}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?$/;
const ids = { runId: "0199f0", jobId: "0199f1", attemptId: "0199f2" };

test("a Pod is named after its pipeline, and by run, job and attempt", () => {
  const name = podName({ ...ids, launch: { pipeline: "Build & Test" } });
  expect(name).toMatch(/^build-test-[0-9a-f]{20}$/);
  expect(podName({ ...ids, launch: { pipeline: "Build & Test" } })).toBe(name);
  for (const other of ["runId", "jobId", "attemptId"] as const)
    expect(podName({ ...ids, [other]: "x", launch: { pipeline: "Build & Test" } })).not.toBe(name);
  expect(podName({ ...ids, launch: { pipeline: "日本" } })).toMatch(/^job-/);
});

test("every name is a DNS label, every label's value can be one", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 200 }), text => {
      expect(podName({ ...ids, launch: { pipeline: text } })).toMatch(dnsLabel);
      expect(serviceContainerName(text)).toMatch(dnsLabel);
      expect(labelValue(text)).toMatch(/^(|(?=.{1,63}$)[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?)$/);
    }),
  );
});

test("services whose aliases differ only in what a container's name cannot have stay apart", () => {
  expect(serviceContainerName("db")).toBe("svc-db");
  const names = ["my_db", "my-db", "my.db", "My-db"].map(serviceContainerName);
  expect(new Set(names).size).toBe(4);
  expect(names[1]).toBe("svc-my-db");
});

test("a label's value is itself where it can be, and otherwise still tells two apart", () => {
  expect(labelValue("main.build_1-x")).toBe("main.build_1-x");
  expect(labelValue("acme/web")).toMatch(/^acme-web-[0-9a-f]{12}$/);
  expect(labelValue("acme/web")).not.toBe(labelValue("acme-web"));
  expect(labelValue("a".repeat(64))).toHaveLength(63);
});
