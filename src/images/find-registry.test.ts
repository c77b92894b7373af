import { expect, test } from "vitest";
import { findRegistry } from "./find-registry.ts";

test("addresses need no name server, and a name that nobody knows is told in time", async () => {
  expect(await findRegistry("127.0.0.1:5000/a/b", 100)).toBe(true);
  expect(await findRegistry("[::1]:5000/a/b", 100)).toBe(true);
  expect(await findRegistry("localhost:5000/a", 100)).toBe(true);
  expect(await findRegistry("NOT an image", 100)).toBe(false);
  const began = performance.now();
  expect(await findRegistry("registry.invalid/a", 500)).toBe(false);
  expect(performance.now() - began).toBeLessThan(5_000);
});
