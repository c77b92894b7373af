import { describe, expect, test } from "vitest";
import { launchRefusal } from "./launch-refusal.ts";

function claim(engine: "docker" | "host" | undefined, trusted: boolean) {
  return {
    classSettings: engine === undefined ? {} : { engine },
    launch: { pipeline: "build", box: "busybox", services: [], trusted, timeoutMs: 1000 },
  };
}

describe("a worker on the host itself", () => {
  test("launches trusted jobs of classes that say so", () => {
    expect(launchRefusal("host", claim("host", true))).toBeUndefined();
  });

  test("launches no job that is not trusted, whatever the class says", () => {
    for (const engine of ["docker", "host", undefined] as const) {
      expect(launchRefusal("host", claim(engine, false))).toContain("not trusted");
    }
  });

  test("launches nothing of a class that does not name it", () => {
    for (const engine of ["docker", undefined] as const) {
      expect(launchRefusal("host", claim(engine, true))).toContain("the class runs with docker");
    }
  });
});

describe("a worker with Docker", () => {
  test("launches any job, trusted or not", () => {
    for (const engine of ["docker", undefined] as const) {
      expect([
        launchRefusal("docker", claim(engine, true)),
        launchRefusal("docker", claim(engine, false)),
      ]).toEqual([undefined, undefined]);
    }
  });

  test("launches nothing that is meant for the host", () => {
    expect(launchRefusal("docker", claim("host", true))).toContain("the class runs with host");
  });
});
