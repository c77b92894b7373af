import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Cancel } from "../../core/cancel.ts";
import { contextUnderTest } from "./fixtures/context-under-test.ts";
import type { SessionAnswer } from "./internal-step.ts";
import { runAndReload, watch } from "./watch.ts";
import { watchDirectory } from "./watch-directory.ts";

const ended: SessionAnswer = {
  outcome: "passed",
  exitCode: 0,
  message: "",
  shellGone: false,
  boxGone: false,
};
const stopped: SessionAnswer = { ...ended, outcome: "canceled", exitCode: null, shellGone: true };

/** A session whose groups run until they are stopped. */
function endless() {
  const groups: string[][] = [];
  const sessionGroup = (lines: string[], signal?: AbortSignal): Promise<SessionAnswer> => {
    groups.push(lines);
    return new Promise(resolve => signal!.addEventListener("abort", () => resolve(stopped), { once: true }));
  };
  return { groups, sessionGroup };
}

/** An interrupt that the test makes. */
function interrupt() {
  const controller = new AbortController();
  let released = 0;
  const take = () => ({ signal: controller.signal, [Symbol.dispose]: () => void released++ });
  const come = () => controller.abort(new Cancel("canceled", "interrupted"));
  return { take, come, released: () => released };
}

test("runs the code once, and its status counts", async () => {
  const lines: string[][] = [];
  const { context } = contextUnderTest({
    options: { code: "npm start", reload: "false" },
    sessionGroup: async group => {
      lines.push(group);
      return { ...ended, outcome: "failed", exitCode: 3, message: "exit code 3" };
    },
  });
  expect(await watch.run(context)).toMatchObject({ outcome: "failed", exitCode: 3 });
  expect(lines).toEqual([["set +e", 'cd "$WERCKER_SOURCE_DIR"', "npm start"]]);
});

test("a person's interrupt ends it, and it passes without a shell", async () => {
  const { sessionGroup } = endless();
  const person = interrupt();
  const { context } = contextUnderTest({
    options: { code: "serve" },
    sessionGroup,
    settings: { takeInterrupt: person.take },
  });
  const running = watch.run(context);
  person.come();
  expect(await running).toMatchObject({ outcome: "passed", exitCode: 0, shellGone: true });
  expect(person.released()).toBe(1);
});

test("a change stops everything and starts the code again, until it is interrupted", async () => {
  const { groups, sessionGroup } = endless();
  const person = interrupt();
  const { context, said } = contextUnderTest({ options: { code: "serve" }, sessionGroup });
  let changes = 0;
  const next = async () => {
    if (++changes <= 2) return;
    person.come();
    await new Promise(() => {});
  };
  const answer = await runAndReload(context, { next }, person.take().signal);
  expect(answer).toMatchObject({ outcome: "passed", shellGone: true });
  expect(groups.length).toBe(3);
  expect(groups[0]).toEqual(["set +e", 'cd "$WERCKER_SOURCE_DIR"', "serve", "while :; do sleep 3600; done"]);
  expect(said.progress).toBe("--> Reloading on file changes\n--> Reloading\n".repeat(2));
});

test("a box that is gone is not waited for", async () => {
  const gone: SessionAnswer = { ...ended, outcome: "broken", message: "the box was lost", boxGone: true };
  const { context } = contextUnderTest({ sessionGroup: async () => gone });
  const answer = await runAndReload(
    context,
    { next: () => new Promise(() => {}) },
    new AbortController().signal,
  );
  expect(answer).toMatchObject({ outcome: "broken", boxGone: true });
});

test("a reload that is neither true nor false is refused", async () => {
  const { context } = contextUnderTest({ options: { reload: "maybe" } });
  expect((await watch.run(context)).message).toContain(
    "maybe is an invalid value for reload, error while validating:",
  );
});

describe("the directory", () => {
  let root: string;
  let time: number;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "slipway-watch-"));
    time = 0;
    mkdirSync(join(root, "src/deep"), { recursive: true });
    mkdirSync(join(root, ".git"));
    mkdirSync(join(root, "_build"));
    mkdirSync(join(root, "dist"));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  function open() {
    const ignore = (path: string) => path === "dist" || path.endsWith(".log");
    return watchDirectory(root, { quietMs: 2000, now: () => time, ignore });
  }

  test("a file that is written, made or removed below it is a change", async () => {
    using changes = open();
    expect(changes.directories).toBe(3);
    writeFileSync(join(root, "src/deep/a.ts"), "1");
    await changes.next();
    time += 2001;
    rmSync(join(root, "src/deep/a.ts"));
    await changes.next();
  });

  test("directories that come later are watched too", async () => {
    using changes = open();
    mkdirSync(join(root, "new"));
    await changes.next();
    time += 2001;
    writeFileSync(join(root, "new/b.ts"), "1");
    await changes.next();
  });

  test("what begins with a dot or is ignored is none", async () => {
    // The time is asked for only once a change counts.
    const asked: number[] = [];
    const now = () => asked.push(0) * 3000;
    const ignore = (path: string) => path === "dist" || path.endsWith(".log");
    using changes = watchDirectory(root, { quietMs: 2000, now, ignore });
    for (const path of [".env", ".git/x", "_build/x", "dist/x", "src/a.log"])
      writeFileSync(join(root, path), "1");
    mkdirSync(join(root, "src/deep/.cache"));
    writeFileSync(join(root, "src/one.ts"), "1");
    await changes.next();
    expect(asked.length).toBe(1);
  });

  test("what follows too soon belongs to the change before it", async () => {
    let asked = 0;
    const now = () => {
      asked++;
      return time;
    };
    using changes = watchDirectory(root, { quietMs: 2000, now, ignore: () => false });
    writeFileSync(join(root, "src/one.ts"), "1");
    await changes.next();
    const before = asked;
    time += 1000;
    rmSync(join(root, "src/one.ts"));
    while (asked === before) await nextTurn();
    const told = changes.next().then(() => "told");
    expect(await Promise.race([told, nextTurn("nothing")])).toBe("nothing");
  });
});
