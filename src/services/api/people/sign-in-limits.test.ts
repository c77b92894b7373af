import { expect, test } from "vitest";
import { movedClock } from "../../../lib/fixtures/moved-clock.ts";
import { createSignInLimits, networkOf } from "./sign-in-limits.ts";

test.each([
  ["203.0.113.7", "203.0.113.7"],
  ["::ffff:203.0.113.7", "203.0.113.7"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"],
  ["2001:db8:1:2::6", "2001:db8:1:2::"],
  ["2001:db8::6", "2001:db8:0:0::"],
  ["::1", "0:0:0:0::"],
  ["fe80::1%eth0", "fe80:0:0:0::"],
  ["", ""],
])("%s is counted as %s", (address, network) => {
  expect(networkOf(address)).toBe(network);
});

function refused(take: () => void): boolean {
  try {
    take();
    return false;
  } catch {
    return true;
  }
}

test("many names from one network are counted together, and so is one name from everywhere", () => {
  const clock = movedClock();
  const limits = createSignInLimits(clock);
  const names = Array.from({ length: 70 }, (_, at) =>
    refused(() => limits.take(`name-${at}`, `2001:db8::${at}`)),
  );
  expect(names.indexOf(true)).toBe(60);
  clock.move(3_600_000);
  const places = Array.from({ length: 70 }, (_, at) =>
    refused(() => limits.take("admin", `203.0.113.${at}`)),
  );
  expect(places.indexOf(true)).toBe(60);
  expect(refused(() => limits.take("somebody", "203.0.113.1"))).toBe(false);
});
