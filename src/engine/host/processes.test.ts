import { spawn } from "node:child_process";
import { once } from "node:events";
import fc from "fast-check";
import { expect, test } from "vitest";
import { systemClock } from "../../lib/clock.ts";
import {
  cookieIn,
  endMembers,
  listProcesses,
  membersOf,
  type ProcessInfo,
  parsePs,
  parseStat,
} from "./processes.ts";

const environ = (...entries: string[]) => Buffer.from(entries.map(entry => `${entry}\0`).join(""));

const garbage = fc.uint8Array({ maxLength: 40 }).map(bytes => Buffer.from(bytes).toString("latin1"));

test("the cookie is a whole variable of that name, wherever it stands", () => {
  expect(cookieIn(environ("SLIPWAY_BOX=abc", "PATH=/bin"))).toBe("abc");
  expect(cookieIn(environ("PATH=/bin", "SLIPWAY_BOX=abc"))).toBe("abc");
  expect(cookieIn(environ("NOT_SLIPWAY_BOX=abc", "X=SLIPWAY_BOX=abc"))).toBeUndefined();
  expect(cookieIn(environ("SLIPWAY_BOX_2=abc"))).toBeUndefined();
  expect(cookieIn(environ("SLIPWAY_BOX="))).toBe("");
  expect(cookieIn(Buffer.from("SLIPWAY_BOX=cut off"))).toBe("cut off");
});

test("a process's name may hold what separates the fields", () => {
  expect(parseStat("42 (a) b) S 1 40 39 0 -1 4194304")).toEqual({
    pid: 42,
    parent: 1,
    group: 40,
    session: 39,
  });
  expect(parseStat("42 ((\n) R 7 42 42 0")).toEqual({ pid: 42, parent: 7, group: 42, session: 42 });
});

test("what has ended and was not buried does not count", () => {
  expect(parseStat("42 (sh) Z 1 40 39 0")).toBeUndefined();
});

test("the table of ps is read line by line", () => {
  expect(parsePs("    1     0     1\n  501     1   501\nnonsense\n")).toEqual([
    { pid: 1, parent: 0, group: 1, session: 1 },
    { pid: 501, parent: 1, group: 501, session: 501 },
  ]);
});

test("nothing that a process table can hold makes the readers throw", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), garbage, (bytes, text) => {
      cookieIn(bytes);
      parseStat(text);
      parsePs(text);
      for (const one of parsePs(text)) expect(Number.isSafeInteger(one.pid)).toBe(true);
    }),
  );
});

test("a cookie is found between any other variables", () => {
  const entry = fc.string().filter(text => !text.startsWith("SLIPWAY_BOX="));
  fc.assert(
    fc.property(
      fc.array(entry),
      fc.array(entry),
      fc.stringMatching(/^[0-9a-f]{0,32}$/),
      (before, after, cookie) => {
        expect(cookieIn(environ(...before, `SLIPWAY_BOX=${cookie}`, ...after))).toBe(cookie);
      },
    ),
  );
});

const of = (pid: number, parent: number, group: number, session: number, cookie?: string): ProcessInfo => ({
  pid,
  parent,
  group,
  session,
  ...(cookie === undefined ? {} : { cookie }),
});

test("members are who has the cookie, the session, the group, and all they have started", () => {
  const table = [
    of(1, 0, 1, 1),
    of(100, 1, 100, 100, "mine"),
    of(101, 100, 100, 100, "mine"),
    of(102, 1, 102, 102, "mine"),
    of(103, 1, 103, 100),
    of(104, 102, 104, 104),
    of(105, 104, 105, 105),
    of(200, 1, 200, 200, "another's"),
    of(201, 200, 201, 201),
  ];
  expect(membersOf(table, { cookie: "mine", leader: 100 }).sort()).toEqual([101, 102, 103, 104, 105]);
  expect(membersOf(table, { cookie: "nobody's", leader: 999 })).toEqual([]);
});

test("without a leader a number says nothing: it may be another's by now", () => {
  const table = [of(100, 1, 100, 100), of(101, 100, 100, 100), of(102, 1, 102, 102, "mine")];
  expect(membersOf(table, { cookie: "mine" })).toEqual([102]);
});

test("ending is gentle first: a process that answers TERM is not killed", async () => {
  const cookie = `test-${process.pid}`;
  const child = spawn("/bin/sh", ["-c", "trap 'exit 7' TERM; echo up; while :; do sleep 0.01; done"], {
    env: { PATH: process.env.PATH, SLIPWAY_BOX: cookie },
    detached: true,
    stdio: ["ignore", "pipe", "ignore"],
  });
  const ended = once(child, "exit");
  await once(child.stdout, "data");
  await endMembers({ cookie }, 5_000, systemClock);
  expect(await ended).toEqual([7, null]);
  const left = await listProcesses();
  expect(left.filter(one => one.cookie === cookie)).toEqual([]);
});
