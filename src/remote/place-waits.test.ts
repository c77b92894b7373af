import { expect, test } from "vitest";
import { createPlaceWaits } from "./place-waits.ts";

test("each reason is told once, those of before too, as soon as there is somebody to tell", () => {
  const place = createPlaceWaits();
  const told: string[] = [];
  place.heed({ waited: ["no node has room"] });
  place.tellTo(message => told.push(message));
  expect(told).toEqual(["The job has waited: no node has room"]);
  place.heed({ waits: true, waited: ["no node has room", "x".repeat(5000)] });
  place.heed({ waits: false, waited: ["no node has room", "x".repeat(5000)] });
  place.heed({ waits: false });
  expect(told).toHaveLength(2);
  expect(told[1]!.length).toBeLessThan(2100);
});

test("what happens beside the steps is no wait", () => {
  const place = createPlaceWaits();
  const told: string[] = [];
  place.tellTo(message => told.push(message));
  place.heed({
    waited: ["no node has room", "Meanwhile in the Pod: the service db has ended (exit code 1)"],
  });
  expect(told).toEqual([
    "The job has waited: no node has room",
    "Meanwhile in the Pod: the service db has ended (exit code 1)",
  ]);
});

test("something is waited for until the platform says that nothing is", () => {
  const place = createPlaceWaits();
  place.heed({ waited: [] });
  expect(place.waits).toBe(true);
  place.heed({ waits: false });
  expect(place.waits).toBe(false);
  place.heed({ waits: true });
  expect(place.waits).toBe(true);
});
