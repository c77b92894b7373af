// Real shells behind the real supervisor, without any engine.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { BoxChannel, BoxEnd, BoxOutput } from "../engine/engine.ts";
import { supervisorCommand } from "../engine/supervisor.ts";
import { systemClock } from "../lib/clock.ts";
import { stepGroup } from "../plan/step-script.ts";
import { type GroupEnd, Session } from "./session.ts";

const shells: { name: string; sh: string[]; session: string[] }[] = [
  { name: "bash", sh: ["/bin/sh"], session: ["/bin/bash"] },
  { name: "dash", sh: ["/bin/sh"], session: ["/bin/dash"] },
  { name: "busybox ash", sh: ["/bin/busybox", "sh"], session: ["/bin/busybox", "sh"] },
].filter(shell => existsSync(shell.session[0] as string));

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "slipway-session-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function random(): string {
  return crypto.randomUUID().replaceAll("-", "");
}

async function* outputOf(queue: BoxOutput[], more: { wait(): Promise<boolean> }): AsyncGenerator<BoxOutput> {
  for (;;) {
    const next = queue.shift();
    if (next !== undefined) yield next;
    else if (!(await more.wait())) return;
  }
}

function openChannel(shell: (typeof shells)[number]) {
  const nonce = random();
  const [program, ...words] = [...shell.sh, ...supervisorCommand(nonce, shell.session).slice(1)] as [
    string,
    ...string[],
  ];
  const child = spawn(program, words, {
    stdio: "pipe",
    detached: true,
    env: { PATH: process.env.PATH, WERCKER_SOURCE_DIR: dir },
  });
  const queue: BoxOutput[] = [];
  let open = true;
  let wake = () => {};
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream].on("data", (bytes: Buffer) => {
      queue.push({ stream, bytes });
      wake();
    });
  }
  const closed = once(child, "close").then(([code]): BoxEnd => {
    open = false;
    wake();
    return { kind: "exited", exitCode: Number(code), outOfMemory: false };
  });
  const channel: BoxChannel = {
    nonce,
    write: async text => {
      child.stdin.write(text);
    },
    output: outputOf(queue, {
      wait: async () => {
        if (queue.length === 0 && open) await new Promise<void>(resolve => (wake = resolve));
        return queue.length > 0 || open;
      },
    }),
    closed,
  };
  return { channel, child };
}

describe.each(shells)("a session of $name", shell => {
  async function withSession(run: (step: Step, session: Session) => Promise<void>): Promise<void> {
    const { channel, child } = openChannel(shell);
    try {
      await inSession(channel, run);
    } finally {
      process.kill(-(child.pid as number), "SIGKILL");
      await channel.closed;
    }
  }

  type Step = (
    code: string,
    options?: { cwd?: string },
  ) => Promise<{ end: GroupEnd; out: string; err: string }>;

  async function inSession(
    channel: BoxChannel,
    run: (step: Step, session: Session) => Promise<void>,
  ): Promise<void> {
    const session = new Session(channel, { merged: false, random, clock: systemClock });
    expect(await session.greeting(10_000)).toMatchObject({ uid: process.getuid?.() });
    expect(await session.startShell()).toMatchObject({ kind: "ended", record: { status: 0 } });
    let number = 0;
    await run(async (code, options = {}) => {
      const text = { stdout: "", stderr: "" };
      const file = `${dir}/step-${number++}`;
      writeFileSync(`${dir}/run.sh`, code);
      const end = await session.group(
        token =>
          stepGroup(token, {
            root: dir,
            report: file,
            exports: [`export WERCKER_REPORT_MESSAGE_FILE="${file}/message.txt"`],
            hasInit: false,
            hasRun: true,
            ...options,
          }),
        async (stream, bytes) => {
          text[stream] += Buffer.from(bytes).toString();
        },
      );
      return { end, out: text.stdout, err: text.stderr };
    }, session);
  }

  test("keeps stdout and stderr apart, and exports, functions and options from step to step", () =>
    withSession(async step => {
      expect(await step("echo out; echo err >&2; export A=1; f() { echo from-f; }; set -u")).toMatchObject({
        end: { kind: "ended", record: { status: 0, phase: "run" } },
        out: "out\n",
        err: "err\n",
      });
      expect(await step("echo $A; f; case $- in *u*) echo nounset;; esac")).toMatchObject({
        out: "1\nfrom-f\nnounset\n",
      });
    }));

  test("a command that fails under errexit ends the shell with its status, and a new one starts", () =>
    withSession(async (step, session) => {
      const failed = await step("set -e\necho before\nsh -c 'exit 7'\necho after");
      expect(failed).toMatchObject({ end: { kind: "shell-ended", status: 7 }, out: "before\n" });
      if (failed.end.kind === "shell-ended" && shell.name === "bash") {
        expect(failed.end.record).toMatchObject({ command: "sh -c 'exit 7'", line: 3 });
      }
      expect(await session.startShell()).toMatchObject({ kind: "ended" });
      expect(await step("echo again")).toMatchObject({ end: { kind: "ended" }, out: "again\n" });
    }));

  test("exit 0 in the middle ends the shell with status 0", () =>
    withSession(async (step, session) => {
      expect(await step("echo a; exit 0; echo b")).toMatchObject({
        end: { kind: "shell-ended", status: 0 },
        out: "a\n",
      });
      await session.startShell();
    }));

  test("a status without errexit leaves the shell alive", () =>
    withSession(async step => {
      expect((await step("return 4")).end).toMatchObject({ kind: "ended", record: { status: 4 } });
      expect(await step("echo alive")).toMatchObject({ out: "alive\n" });
    }));

  test("closed or taken descriptors, xtrace and verbose neither hang nor leak a token", () =>
    withSession(async (step, session) => {
      expect((await step("exec >&- 2>&-")).end.kind).toBe("ended");
      const taken = (await step(`exec 8>${dir}/lock 9>&1; echo x >&8`)).end;
      expect(taken).not.toMatchObject({ kind: "box-ended" });
      if (taken.kind === "shell-ended") {
        expect(taken.status).toBe(0);
        await session.startShell();
      }
      const traced = await step("set -xv; echo traced");
      expect(traced).toMatchObject({ end: { kind: "ended" }, out: "traced\n" });
      const next = await step("echo still; set +xv");
      expect(next.out).toBe("still\n");
      expect(next.err).toContain("echo still");
      expect(next.err).not.toContain("__slipway");
    }));

  test("a step that prints all variables prints no whole token", () =>
    withSession(async step => {
      const { end, out } = await step("set; env; echo done");
      expect(end).toMatchObject({ kind: "ended", record: { status: 0 } });
      expect(out).toContain("done");
    }));

  test("a message file and a missing script are told", () =>
    withSession(async step => {
      expect((await step('echo hi > "$WERCKER_REPORT_MESSAGE_FILE"')).end).toMatchObject({
        record: { hasMessage: true },
      });
      expect((await step(`rm ${dir}/run.sh`)).end).toMatchObject({
        record: { status: 0, hasMessage: false },
      });
    }));

  test("a background process neither delays the end nor loses its later output", () =>
    withSession(async step => {
      const first = await step(
        "(while [ ! -e $WERCKER_REPORT_MESSAGE_FILE.go ]; do :; done; echo late) & echo now",
      );
      expect(first.out).toBe("now\n");
      expect((await step(`: > ${dir}/step-0/message.txt.go; wait; echo end`)).out).toBe("late\nend\n");
    }));
});
