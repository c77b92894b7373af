import { expect, test } from "vitest";
import type { BoxSpec, Job } from "../../core/job.ts";
import type { ClassSettings } from "../../queue/queue.ts";
import { classRefusal } from "./class-refusal.ts";

function job(over: Partial<Job> = {}): Job {
  return { pipeline: "build", box: box(), services: [], ...over } as Job;
}

function box(over: Partial<BoxSpec> = {}): BoxSpec {
  return { id: "alpine", env: [], ports: [], auth: {}, ...over };
}

const all: ClassSettings = { allowDocker: true, allowVolumes: true, allowHostPorts: true };
const asks: [string, Job][] = [
  ["docker: true", job({ docker: true })],
  ["volumes", job({ services: [box({ volumes: "/a" })] })],
  ["a port of the host", job({ box: box({ ports: ["8080:80"] }) })],
];

test.each(asks)("%s: only where the class allows it, and in no Pod", (_, given) => {
  expect(classRefusal(given, "c", undefined, true)?.code).toBe("not-allowed");
  expect(classRefusal(given, "c", all, true)).toBeUndefined();
  expect(classRefusal(given, "c", { ...all, engine: "pod" }, true)?.message).toContain("runs Pods");
});

test("a port of the container alone needs no leave in a Pod", () => {
  const given = job({ box: box({ ports: ["8080"] }) });
  expect(classRefusal(given, "c", { engine: "pod" }, true)).toBeUndefined();
  expect(classRefusal(given, "c", {}, true)?.code).toBe("not-allowed");
});

test("the host itself is for trusted jobs", () => {
  expect(classRefusal(job(), "c", { engine: "host" }, false)?.code).toBe("not-allowed");
  expect(classRefusal(job(), "c", { engine: "host" }, true)).toBeUndefined();
});
