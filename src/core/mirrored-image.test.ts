import { expect, test } from "vitest";
import { mirroredImage } from "./mirrored-image.ts";

test("an image is asked of its registry's mirror, whatever path that has, and of no other", () => {
  const mirrors = { "docker.io": "mirror.example.org/hub/", "ghcr.io": "other.example.org" };
  expect(mirroredImage("docker.io/library/redis:7", mirrors)).toBe("mirror.example.org/hub/library/redis:7");
  expect(mirroredImage("ghcr.io/a/b@sha256:00", mirrors)).toBe("other.example.org/a/b@sha256:00");
  expect(mirroredImage("quay.io/a/b:1", mirrors)).toBe("quay.io/a/b:1");
  expect(mirroredImage("constructor/a:1", mirrors)).toBe("constructor/a:1");
  expect(mirroredImage("redis", mirrors)).toBe("redis");
});
