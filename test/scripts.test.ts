// The scripts behind npm start and npm test, as far as they decide something.

import { describe, expect, test } from "vitest";
import { staleness } from "../scripts/set-up.mjs";
import { missingNeeds, needs } from "../scripts/system.mjs";
import { addReport, conclude, emptyTally } from "../scripts/tally.mjs";

describe("node_modules", () => {
  const wanted = { packages: { "": {}, a: { version: "1.0.0" }, b: { version: "2.0.0", optional: true } } };

  test("are fine when all is there, but for what another platform needs", () => {
    expect(staleness(wanted, { packages: { a: { version: "1.0.0" } } })).toBeUndefined();
  });

  test("are stale without an optional package that is made for this platform", () => {
    const here = { version: "1.0.0", optional: true, os: [process.platform], cpu: [process.arch] };
    const elsewhere = { ...here, os: ["aix"] };
    expect(staleness({ packages: { c: here } }, { packages: {} })).toBe("c is missing");
    expect(staleness({ packages: { c: elsewhere } }, { packages: {} })).toBeUndefined();
  });

  test("are stale when something is missing or at another version", () => {
    expect(staleness(wanted, undefined)).toBe("node_modules is missing");
    expect(staleness(wanted, { packages: {} })).toBe("a is missing");
    expect(staleness(wanted, { packages: { a: { version: "0.9.0" } } })).toBe("a is not at 1.0.0");
    expect(staleness(wanted, { packages: { a: { version: "1.0.0" }, b: { version: "3.0.0" } } })).toBe(
      "b is not at 2.0.0",
    );
  });
});

describe("the totals", () => {
  const good = { numPassedTests: 3, numFailedTests: 0, numPendingTests: 0, numTodoTests: 0 };
  const totalsOf = (status: number, report: object | undefined) => {
    const tally = emptyTally();
    addReport(tally, "unit tests", status, report);
    return conclude(tally);
  };

  test("are green when something ran and all of it passed", () => {
    expect(totalsOf(0, good)).toEqual({ complaints: [], totals: "3 passed, 0 failed", exitCode: 0 });
  });

  test.each([
    ["a failed test", 1, { ...good, numFailedTests: 1 }, "3 passed, 1 failed"],
    ["a skipped test", 0, { ...good, numPendingTests: 1 }, "3 passed, 1 failed"],
    ["a test that is still to be written", 0, { ...good, numTodoTests: 1 }, "3 passed, 1 failed"],
    ["a runner that crashed after all tests passed", 1, good, "3 passed, 1 failed"],
    ["a runner that left no report", 0, undefined, "0 passed, 1 failed"],
    ["no test at all", 0, { ...good, numPassedTests: 0 }, "0 passed, 0 failed"],
  ])("are red after %s", (_, status, report, totals) => {
    expect(totalsOf(status, report)).toMatchObject({ totals, exitCode: 1 });
  });

  test("are red when something was left out", () => {
    const tally = emptyTally();
    addReport(tally, "unit tests", 0, good);
    tally.notRun.push("container tests: no Docker daemon answers");
    expect(conclude(tally)).toEqual({
      complaints: ["NOT RUN: container tests: no Docker daemon answers"],
      totals: "3 passed, 1 failed",
      exitCode: 1,
    });
  });
});

test("a daemon that answers, wherever it runs, spares the package that brings one", () => {
  const asked = (daemon: boolean) => missingNeeds(daemon).map(need => need.package);
  expect(asked(true)).not.toContain("docker.io");
  expect(needs.map(need => need.package)).toContain("docker.io");
});
