import fc from "fast-check";
import { expect, test } from "vitest";
import { capabilitiesOf, judgeProbe } from "./judge-probe.ts";
import { readProbe } from "./probe-script.ts";

const allowed = ["CHOWN", "KILL"];
const good = `fifo=works
dns=answers
api-server=closed
metadata=closed
api=closed
logs=closed
database=closed
runner-listener=reached
pod-jobs=closed
token=none
CapBnd=0000000000000021
Seccomp=2
NoNewPrivs=1
uid=10002
pid-1=/bin/busybox sh -c x
mount=refused
device=refused
sysctl=refused
end=yes
`;
const everybody = new Map(
  ["api-server", "metadata", "api", "logs", "database", "pod-jobs", "runner-listener"].map(
    name => [name, true] as const,
  ),
);

function judged(
  change: string,
  answering: ReadonlyMap<string, boolean> = everybody,
  level: "baseline" | "restricted" = "restricted",
) {
  // What is said later counts, as in a message that a hostile program has written to.
  const words = readProbe(good.replace("end=yes\n", `${change}\nend=yes\n`));
  return judgeProbe({ place: "here", level, allowed, words, answering });
}
const not = (change: string, ...more: [ReadonlyMap<string, boolean>?]) =>
  judged(change, ...more)
    .filter(each => each.holds !== "yes")
    .map(({ guard, holds }) => `${guard}: ${holds}`);

test("all of it holds", () => {
  expect(not("")).toEqual([]);
});

test.each([
  ["api-server=reached", "API server: no"],
  ["api-server=late-2", "API server: no"],
  ["api-server-itself=reached", "API server itself: no"],
  ["metadata=reached", "metadata: no"],
  ["database=reached", "database: no"],
  ["pod-jobs=reached", "other Pods: no"],
  ["runner-listener=closed", "runner listener: no"],
  ["token=there", "service account: no"],
  ["CapBnd=00000000a80425fb", "capabilities: no"],
  ["Seccomp=0", "seccomp: no"],
  ["uid=0", "not root: no"],
  ["NoNewPrivs=0", "no new rights: no"],
  ["host-path=/var/run/docker.sock", "host mounts: no"],
  ["mounted=/host", "host mounts: no"],
  ["pid-1=/sbin/init", "host processes: no"],
  ["mount=allowed", "mounting: no"],
  ["device=allowed", "devices: no"],
  ["sysctl=written", "kernel: no"],
  ["fifo=silent", "pipes: no"],
])("%s", (change, expected) => {
  expect(not(change)).toEqual([expected]);
});

test("what closes after a Pod has started is open, and told from what never closes", () => {
  const late = judged("metadata=late-3\napi=reached").filter(each => each.holds !== "yes");
  expect(late.map(({ guard, isLate }) => [guard, isLate])).toEqual([
    ["metadata", true],
    ["api", undefined],
  ]);
  expect(late[0]!.detail).toContain("first 3 s");
});

test("what answers nobody proves nothing, and neither does a probe that was cut off", () => {
  expect(not("", new Map([...everybody, ["database", false]]))).toEqual(["database: unproven"]);
  const cut = readProbe(good.replace("end=yes\n", ""));
  expect(
    judgeProbe({ place: "here", level: "baseline", allowed, words: cut, answering: everybody }),
  ).toMatchObject([{ guard: "probe", holds: "unproven" }]);
});

test("in baseline a job may be root", () => {
  expect(judged("uid=0\nNoNewPrivs=0", everybody, "baseline").filter(each => each.holds !== "yes")).toEqual(
    [],
  );
});

test("capabilities by their names", () => {
  expect(capabilitiesOf("0")).toEqual([]);
  expect(capabilitiesOf("0000000000200001")).toEqual(["CHOWN", "SYS_ADMIN"]);
  expect(capabilitiesOf("1ffffffffff")).toHaveLength(41);
  expect(capabilitiesOf("not a mask")[0]).toContain("unreadable");
});

test("whatever a message says, it is judged", () => {
  fc.assert(
    fc.property(fc.string(), message => {
      for (const text of [message, `${good}${message}`]) {
        const words = readProbe(text);
        const found = judgeProbe({
          place: "here",
          level: "restricted",
          allowed,
          words,
          answering: everybody,
        });
        expect(found.length).toBeGreaterThan(0);
      }
    }),
  );
});
