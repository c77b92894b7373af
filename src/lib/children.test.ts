import { expect, test } from "vitest";
import { runChild } from "./children.ts";
import { type Clock, systemClock } from "./clock.ts";

const env = { PATH: "/usr/bin:/bin" };

test("what it says and how it ends come back", async () => {
  const result = await runChild("sh", ["-c", "cat; echo oops >&2; exit 3"], { env, input: "hello" });
  expect(result).toMatchObject({
    ok: false,
    exitCode: 3,
    signal: null,
    notStarted: undefined,
    aborted: false,
  });
  expect(result.stdout.toString()).toBe("hello");
  expect(result.stderr.toString()).toBe("oops\n");
});

test("success is exit code 0", async () => {
  expect(await runChild("true", [], { env })).toMatchObject({ ok: true, exitCode: 0, truncated: false });
});

test("a program that is not there has the same shape", async () => {
  const result = await runChild("no-such-program", [], { env });
  expect(result).toMatchObject({ ok: false, exitCode: null, notStarted: { code: "ENOENT" } });
  expect(result.stdout.length).toBe(0);
});

test("a directory that is not there, or an argument that cannot be passed, has it too", async () => {
  expect(await runChild("true", [], { env, cwd: "/no/such" })).toMatchObject({
    notStarted: { code: "ENOENT" },
  });
  expect((await runChild("true", ["a\0b"], { env })).notStarted).toBeDefined();
});

test("nothing of our own environment is passed on", async () => {
  const result = await runChild("/usr/bin/env", [], { env: { ONLY: "this" } });
  expect(result.stdout.toString()).toBe("ONLY=this\n");
});

test("more output than wanted is dropped, not waited for", async () => {
  const result = await runChild("head", ["-c", "300000", "/dev/zero"], { env, maxOutputBytes: 1000 });
  expect(result).toMatchObject({ ok: true, truncated: true });
  expect(result.stdout.length).toBe(1000);
});

test("a child that does not read its input is no error", async () => {
  expect(await runChild("true", [], { env, input: "x".repeat(1_000_000) })).toMatchObject({ ok: true });
});

test("an abort ends it by TERM", async () => {
  const controller = new AbortController();
  const running = runChild("sleep", ["100"], { env, signal: controller.signal });
  controller.abort();
  expect(await running).toMatchObject({ ok: false, aborted: true, signal: "SIGTERM" });
});

test("one that ignores TERM is killed after the grace", async () => {
  let kill = (): void => {};
  const clock: Clock = {
    ...systemClock,
    after(_ms, run) {
      kill = run;
      return () => {};
    },
  };
  const controller = new AbortController();
  const script = "trap '' TERM; echo ready; while :; do read -r line || :; done";
  const running = runChild("sh", ["-c", script], { env, signal: controller.signal, clock });
  controller.abort();
  // Whether the trap is set before TERM comes or not: KILL ends it.
  kill();
  expect((await running).aborted).toBe(true);
});

test("after an abort nobody waits for grandchildren that hold the output open", async () => {
  const controller = new AbortController();
  const running = runChild("sh", ["-c", "sleep 2 & wait"], { env, signal: controller.signal });
  controller.abort();
  const started = performance.now();
  expect((await running).aborted).toBe(true);
  expect(performance.now() - started).toBeLessThan(1900);
});

test("an abort before the start starts nothing", async () => {
  const result = await runChild("touch", ["/tmp/never"], { env, signal: AbortSignal.abort() });
  expect(result).toMatchObject({ ok: false, aborted: true, exitCode: null });
});
