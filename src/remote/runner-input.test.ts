import fc from "fast-check";
import { expect, test } from "vitest";
import { readRunnerInput } from "./runner-input.ts";

const least = {
  url: "http://127.0.0.1:8081",
  claimToken: "t",
  attemptId: "a",
  epoch: 1,
  engine: "host",
  directory: "/d",
};
const most = {
  ...least,
  boxDirectory: "/b",
  caFile: "/c",
  user: { uid: 1, gid: 2 },
  pull: "always",
  docker: { host: "unix:///s", configDirectory: "/x" },
  git: { knownHostsFile: "/k", allowFile: true },
  limits: { spoolBytes: 1, patienceMs: 2, claimMs: 3, graceMs: 4 },
};

test.each([
  ["the least", least],
  ["all", most],
  ["a Pod's", { ...least, engine: "pod", pod: { nonce: "n", readyDirectory: "/r" }, terminationLog: "/t" }],
  ["what is not known", { ...least, later: { a: 1 } }],
])("%s", (_what, input) => {
  expect(readRunnerInput(JSON.stringify(input))).toEqual({ ok: true, value: input });
});

test.each<[string, unknown, string]>([
  ["no object", [1], "no JSON object"],
  ["another address", { ...least, url: "ftp://x" }, "`url`"],
  ["an address with a path", { ...least, url: "http://x/runner" }, "`url`"],
  ["no token", { ...least, claimToken: "" }, "`claimToken`"],
  ["another engine", { ...least, engine: "bare" }, "`engine`"],
  ["a Pod without what its box knows it by", { ...least, engine: "pod" }, "`pod`"],
  ["a termination log that is none", { ...least, terminationLog: 1 }, "`terminationLog`"],
  ["half a user", { ...most, user: { uid: 1 } }, "`user`"],
  ["a user that is none", { ...most, user: { uid: -1, gid: 0 } }, "`user`"],
  ["limits that are none", { ...most, limits: { spoolBytes: "1" } }, "`limits`"],
  ["another pull", { ...most, pull: "sometimes" }, "`pull`"],
])("%s is refused with its name", (_what, input, name) => {
  const read = readRunnerInput(JSON.stringify(input));
  expect(read).toMatchObject({ ok: false, refusal: { code: "runner-input" } });
  expect(!read.ok && read.refusal.message).toContain(name);
});

test("nothing that comes on standard input makes it throw", () => {
  fc.assert(fc.property(fc.string(), text => void readRunnerInput(text)));
  fc.assert(
    fc.property(fc.constantFrom(...Object.keys(most)), fc.jsonValue(), (name, value) => {
      readRunnerInput(JSON.stringify({ ...most, [name]: value }));
    }),
  );
});
