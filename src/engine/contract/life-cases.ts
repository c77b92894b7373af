// Start, signals, restart, end: nothing of a box is lost, and nothing stays. Part of the contract suite.

import { PassThrough } from "node:stream";
import { expect } from "vitest";
import { Cancel } from "../../core/cancel.ts";
import { type Cases, entriesOf } from "./context.ts";

export const lifeCases = {
  "a script that ignores TERM ends by KILL, the supervisor by neither": async context => {
    await using box = await context.start();
    const end = await box.begin(context.scripts.ignoreTerm);
    await box.listener.until(stdout => stdout.includes("ready\n"));
    await box.box.signalAll("TERM");
    await box.box.signalAll("KILL");
    expect((await end()).status).toBe(137);
    await box.box.signalAll("TERM");
    await box.box.signalAll("KILL");
    expect((await box.run(context.scripts.print("alive", "", 0))).stdout).toBe("alive\n");
  },

  "a daemon that left the session and ignores TERM ends by KILL": async context => {
    await using box = await context.start();
    const file = `${box.workspace.paths.pipeline}/daemon/pid`;
    await box.write("daemon", [{ name: "here", content: "" }]);
    const end = await box.begin(context.scripts.daemon(file));
    await box.listener.until(stdout => stdout.includes("ready\n"));
    await box.box.signalAll("TERM");
    expect((await end()).status).toBe(143);
    expect((await box.run(context.scripts.isAlive(file))).status).toBe(0);
    await box.box.signalAll("KILL");
    expect((await box.run(context.scripts.isAlive(file))).status).toBe(1);
  },

  "a box whose main process has ended still gives its files and can be restarted": async context => {
    await using box = await context.start();
    const { channel } = box.listener;
    await box.write("kept", [{ name: "file", content: "kept" }]);
    await channel.write("exit 5\n");
    await box.listener.toEnd();
    expect(await channel.closed).toEqual({ kind: "exited", exitCode: 5, outOfMemory: false });
    const { pipeline } = box.workspace.paths;
    await box.write("late", [{ name: "file", content: "put after the end" }]);
    expect(await box.box.get(`${pipeline}/kept/file`, context.signal).then(entriesOf)).toHaveLength(1);
    await box.restart();
    expect(box.box.channel).toBe(box.listener.channel);
    expect(box.listener.channel.nonce).not.toBe("");
    const run = await box.run(context.scripts.printFile(`${pipeline}/late/file`));
    expect(run).toMatchObject({ status: 0, stdout: "put after the end", stderr: "" });
  },

  "writing to a box that is gone does not hang": async context => {
    await using box = await context.start();
    const { channel } = box.listener;
    await channel.write("exit 0\n");
    await box.listener.toEnd();
    await channel.closed;
    // Dropped or refused: `closed` tells what happened. Only waiting for ever would be wrong.
    await channel.write("start A B split\n".repeat(100_000)).catch(() => undefined);
  },

  "an image that is nowhere is refused by name": async context => {
    const image = context.options.unknownImage;
    if (image === undefined) throw new Error("this case needs options.unknownImage");
    const started = await context.engine.start(
      context.request({ box: context.container({ image, shownImage: image }) }),
    );
    if (started.ok) await started.value[Symbol.asyncDispose]();
    expect(started).toMatchObject({ ok: false, refusal: { code: "image-not-found" } });
    if (!started.ok) expect(started.refusal.message).toContain(image);
  },

  "an abort before the start leaves by its reason": async context => {
    const reason = new Cancel("canceled", "changed my mind");
    const starting = context.engine.start(context.request({ signal: AbortSignal.abort(reason) }));
    await expect(starting).rejects.toBe(reason);
  },

  "an abort in the midst of the start leaves by its reason": async context => {
    const reason = new Cancel("timed-out", "took too long");
    const abort = new AbortController();
    const starting = context.engine.start(context.request({ signal: abort.signal }));
    abort.abort(reason);
    await expect(starting).rejects.toBe(reason);
  },

  "disposing twice, side by side and while a script runs leaves nothing": async context => {
    const box = await context.start();
    await box.begin(context.scripts.ignoreTerm);
    await box.listener.until(stdout => stdout.includes("ready\n"));
    await Promise.all([box[Symbol.asyncDispose](), box[Symbol.asyncDispose]()]);
    await box[Symbol.asyncDispose]();
    expect((await box.listener.channel.closed).kind).toBeTypeOf("string");
  },

  "two boxes at once do not see each other": async context => {
    await using one = await context.start();
    await using other = await context.start();
    await one.write("mine", [{ name: "file", content: "1" }]);
    expect(await other.box.get(`${other.workspace.paths.pipeline}/mine`, context.signal)).toBeUndefined();
    const end = await one.begin(context.scripts.ignoreTerm);
    await one.listener.until(stdout => stdout.includes("ready\n"));
    const running = await other.begin(context.scripts.ignoreTerm);
    await other.listener.until(stdout => stdout.includes("ready\n"));
    await one.box.signalAll("KILL");
    expect((await end()).status).toBe(137);
    await other.box.signalAll("KILL");
    expect((await running()).status).toBe(137);
  },

  "a box killed from outside says so and can be started again": async context => {
    if (context.made.killBox === undefined) throw new Error("this case needs killBox");
    await using box = await context.start();
    const { channel } = box.listener;
    await box.write("kept", [{ name: "file", content: "kept" }]);
    await box.begin(context.scripts.ignoreTerm);
    await box.listener.until(stdout => stdout.includes("ready\n"));
    await context.made.killBox(context.runId);
    await box.listener.toEnd();
    expect(await channel.closed).toMatchObject({ kind: "exited", exitCode: 137 });
    await box.restart();
    const run = await box.run(context.scripts.printFile(`${box.workspace.paths.pipeline}/kept/file`));
    expect(run).toMatchObject({ status: 0, stdout: "kept", stderr: "" });
  },

  "a shell killed for memory is told with a grown count": async context => {
    await using box = await context.start({ memoryBytes: 64 * 1_048_576, memorySwapBytes: 64 * 1_048_576 });
    const before = await box.run(context.scripts.print("", "", 0));
    const run = await box.run(context.scripts.eatMemory);
    expect(run.status).toBe(137);
    expect(run.memoryKills).toBeGreaterThan(before.memoryKills);
    expect((await box.run(context.scripts.print("alive", "", 0))).stdout).toBe("alive\n");
  },

  "an interactive shell knows the prelude and does what is typed": async context => {
    await using box = await context.start();
    const { terminal } = box.box;
    if (terminal === undefined) throw new Error("this case needs a terminal");
    const [input, output] = [new PassThrough(), new PassThrough()];
    let shown = "";
    output.on("data", bytes => {
      shown += bytes;
    });
    const closed = terminal.call(box.box, {
      prelude: "GREETING=hello\n",
      input,
      output,
      size: () => ({ columns: 80, rows: 24 }),
      onResize: () => () => {},
      signal: context.signal,
    });
    input.write('echo "$GREETING $((40 + 2))"\nexit\n');
    await closed;
    expect(shown).toContain("hello 42");
    expect(shown, "the prelude may hold secrets").not.toContain("GREETING=hello");
  },
} satisfies Cases;
