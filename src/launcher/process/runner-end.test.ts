import { describe, expect, test } from "vitest";
import { endOfRunner, endUnseen, endUnstarted, memoryKills } from "./runner-end.ts";

const exited = { code: 0, signal: null, lastWords: "", memoryShort: false, destroyed: false } as const;

describe("the end of a runner", () => {
  test("is never good, whatever its exit code says", () => {
    for (const code of [0, 1, 3, 130, null]) {
      expect(endOfRunner({ ...exited, code })).toMatchObject({ outcome: "broken", reason: "runner-exited" });
    }
    expect(endUnseen(7, false)).toMatchObject({ outcome: "broken", reason: "runner-gone" });
  });

  test("by SIGKILL is want of memory only where the kernel has killed for that", () => {
    const killed = { ...exited, code: null, signal: "SIGKILL" } as const;
    expect(endOfRunner(killed)).toMatchObject({ reason: "runner-killed" });
    const short = endOfRunner({ ...killed, memoryShort: true });
    expect(short).toMatchObject({ outcome: "broken", reason: "runner-out-of-memory" });
    expect(short.message).toContain("less capacity");
    expect(memoryKills()).toBeGreaterThanOrEqual(0);
  });

  test("is ours where the worker has ended it", () => {
    const killed = { ...exited, code: null, signal: "SIGKILL", memoryShort: true, destroyed: true } as const;
    expect(endOfRunner(killed)).toMatchObject({ reason: "runner-destroyed" });
    expect(endUnseen(7, true)).toMatchObject({ reason: "runner-destroyed" });
  });

  test("tells the last line of its log, short and without control characters", () => {
    const lastWords = `first\nslipway runner: broken: \u001b[31mno\tdaemon${"!".repeat(1000)}\n\n`;
    const { message } = endOfRunner({ ...exited, code: 3, lastWords });
    expect(message).toMatch(/exit code 3 .*: broken: {2}\[31mno daemon!+$/);
    expect(message.length).toBeLessThan(400);
  });
});

test("what hindered the start is said with what to change", () => {
  const because = (code: string) => endUnstarted(Object.assign(new Error(`spawn ${code}`), { code })).message;
  expect(because("EAGAIN")).toContain("no more processes: raise the limit");
  expect(because("EMFILE")).toContain("open no more files");
  expect(because("ENOSPC")).toContain("disk of the worker's directory is full");
  expect(because("ENOENT")).toContain("its program is not there (spawn ENOENT)");
  expect(because("EWHATEVER")).toContain("spawn EWHATEVER");
  expect(endUnstarted("no error")).toMatchObject({ outcome: "broken", reason: "runner-not-started" });
});
