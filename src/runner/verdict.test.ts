import { describe, expect, test } from "vitest";
import { Cancel } from "../core/cancel.ts";
import type { GroupEnd } from "./session.ts";
import { verdictOf } from "./verdict.ts";

const record = { status: 0, phase: "run", hasMessage: false };

describe("a step passes only where the shell or the supervisor said 0", () => {
  test("status 0 of a living shell", () => {
    expect(verdictOf({ end: { kind: "ended", record } })).toMatchObject({ outcome: "passed", exitCode: 0 });
  });

  test("exit 0 of the shell passes with a remark", () => {
    const verdict = verdictOf({ end: { kind: "shell-ended", status: 0, memoryKills: 0 } });
    expect(verdict).toMatchObject({
      outcome: "passed",
      shellGone: true,
      remark: expect.stringContaining("return 0"),
    });
  });

  test.each<[string, GroupEnd]>([
    ["ended", { kind: "box-ended", end: { kind: "exited", exitCode: 0, outOfMemory: false } }],
    ["lost", { kind: "box-ended", end: { kind: "lost", message: "gone" } }],
  ])("a box that %s in mid-step is broken, even with exit code 0", (_, end) => {
    expect(verdictOf({ end })).toMatchObject({ outcome: "broken", boxGone: true });
  });

  test("what was stopped has the outcome of the stop, whatever the shell said meanwhile", () => {
    const end: GroupEnd = { kind: "ended", record };
    expect(verdictOf({ end, stopped: new Cancel("timed-out", "Command timed out") })).toMatchObject({
      outcome: "timed-out",
      message: "Command timed out",
    });
    expect(verdictOf({ end, stopped: new Cancel("canceled", "stop") }).outcome).toBe("canceled");
  });
});

describe("a failure names status, command and line", () => {
  test("with bash, which knows the command", () => {
    const end: GroupEnd = {
      kind: "shell-ended",
      status: 7,
      memoryKills: 0,
      record: { ...record, status: 7, line: 3, command: "make test" },
    };
    expect(verdictOf({ end }, "echo\nmake test").message).toBe("exit code 7: make test (line 2)");
  });

  test("with a shell that knows the line only, from the code", () => {
    const end: GroupEnd = { kind: "shell-ended", status: 1, memoryKills: 0, record: { ...record, line: 2 } };
    expect(verdictOf({ end }, "false").message).toBe("exit code 1: false (line 1)");
  });

  test("with a shell that knows neither, where only one command can have been it", () => {
    const end: GroupEnd = {
      kind: "shell-ended",
      status: 2,
      memoryKills: 0,
      record: { ...record, status: 2 },
    };
    expect(verdictOf({ end }, "# checks all\nmake test\n").message).toBe("exit code 2: make test");
    expect(verdictOf({ end }, "make\nmake test").message).toBe("exit code 2");
  });

  test("bash's word for a script that returns is not shown: it is our own", () => {
    const command = ". '/pipeline/script-1/run.sh' < /dev/null";
    const end: GroupEnd = { kind: "ended", record: { ...record, status: 5, command, line: 130 } };
    expect(verdictOf({ end }, "make || return 5").message).toBe("exit code 5: make || return 5");
    expect(verdictOf({ end }, "make\nreturn 5").message).toBe("exit code 5");
    expect(verdictOf({ end }).message).toBe("exit code 5");
  });

  test("the original's words are kept beside it", () => {
    const died: GroupEnd = { kind: "shell-ended", status: 1, memoryKills: 0 };
    expect(verdictOf({ end: died }).legacyMessage).toBe("Command cancelled due to error");
    const lives: GroupEnd = { kind: "ended", record: { ...record, status: 4 } };
    expect(verdictOf({ end: lives }).legacyMessage).toBe("Command exited with exit code: 4");
    const init: GroupEnd = { kind: "ended", record: { ...record, status: 4, phase: "init" } };
    expect(verdictOf({ end: init }).legacyMessage).toBe("Ack!");
  });

  test("137 is out of memory only where the kernel has killed for memory", () => {
    const killed: GroupEnd = { kind: "shell-ended", status: 137, memoryKills: 0 };
    expect(verdictOf({ end: killed }).message).toContain("killed by signal 9");
    expect(verdictOf({ end: { ...killed, memoryKills: 1 } })).toMatchObject({
      outcome: "failed",
      exitCode: 137,
      message: expect.stringContaining("out of memory"),
    });
  });
});
