import { expect, test } from "vitest";
import type { ContainerSpec } from "../engine.ts";
import { blankedLabels, boxName, labelsOf, serviceNames } from "./container-names.ts";

function service(image: string, alias: string): ContainerSpec {
  return { image, shownImage: image, alias, env: [], ports: [], volumes: [] };
}

test("a box is named after its run", () => {
  expect(boxName("5c1f00aa")).toBe("wercker-pipeline-5c1f00aa");
});

test("a service is named after its given name, else after its whole image", () => {
  const names = serviceNames(
    [
      service("docker.io/library/redis:6", "redis"),
      service("docker.io/library/postgres:16", "db"),
      service("host:5000/team/app@sha256:0123", "app"),
    ],
    "r1",
  );
  expect(names).toEqual([
    "wercker-service-docker.io-library-redis_6-r1",
    "wercker-service-db-r1",
    "wercker-service-host_5000-team-app_sha256_0123-r1",
  ]);
});

test("two services of one image do not share a name", () => {
  const redis = service("docker.io/library/redis:6", "redis");
  const names = serviceNames([redis, redis, redis], "r1");
  expect(new Set(names).size).toBe(3);
  expect(names[1]).toMatch(/-r1-2$/);
});

test("a commit blanks every label of ours", () => {
  const owner = { pid: 1, host: "h", started: "s" };
  const labels = labelsOf({ runId: "r", project: "p", owner, keep: true }, "box");
  expect(Object.keys(blankedLabels()).sort()).toEqual(Object.keys(labels).sort());
});
