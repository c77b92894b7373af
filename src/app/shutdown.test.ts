import { expect, test } from "vitest";
import { cancelOf } from "../core/cancel.ts";
import { listenForShutdown } from "./shutdown.ts";

function listen() {
  const heard: string[] = [];
  const shutdown = listenForShutdown({
    onFirst: name => void heard.push(`first ${name}`),
    onSecond: name => void heard.push(`second ${name}`),
    onFault: error => void heard.push(String(error)),
    exit: code => {
      throw new Error(`exit ${code}`);
    },
  });
  return { shutdown, heard };
}

test("the first signal cancels, the second one leaves", () => {
  const { shutdown, heard } = listen();
  using _ = shutdown;
  process.emit("SIGTERM", "SIGTERM");
  expect(cancelOf(shutdown.signal)).toMatchObject({ kind: "canceled", message: "canceled by SIGTERM" });
  expect(() => process.emit("SIGINT", "SIGINT")).toThrow("exit 130");
  expect(heard).toEqual(["first SIGTERM", "second SIGINT"]);
});

test("a taken Ctrl-C reaches its taker only, and once", () => {
  const { shutdown, heard } = listen();
  using _ = shutdown;
  {
    using mine = shutdown.takeInterrupt();
    process.emit("SIGINT", "SIGINT");
    expect(mine.signal.aborted).toBe(true);
    expect(shutdown.signal.aborted).toBe(false);
    process.emit("SIGINT", "SIGINT");
    expect(shutdown.signal.aborted).toBe(true);
  }
  expect(heard).toEqual(["first SIGINT"]);
});

test("what was given back, and SIGTERM, cancel as ever", () => {
  const one = listen();
  using first = one.shutdown;
  first.takeInterrupt()[Symbol.dispose]();
  process.emit("SIGINT", "SIGINT");
  expect(first.signal.aborted).toBe(true);
  first[Symbol.dispose]();
  const two = listen();
  using second = two.shutdown;
  using taken = second.takeInterrupt();
  process.emit("SIGTERM", "SIGTERM");
  expect(second.signal.aborted).toBe(true);
  expect(taken.signal.aborted).toBe(false);
});

test("an error that nobody caught ends the run as broken, which then cleans up", () => {
  const { shutdown, heard } = listen();
  using _ = shutdown;
  // Only ours is called: the test runner listens too.
  process.listeners("uncaughtException").at(-1)?.(new Error("oops"), "uncaughtException");
  expect(cancelOf(shutdown.signal)).toMatchObject({ kind: "broken", message: "an error of our own: oops" });
  expect(heard).toEqual(["Error: oops"]);
});
