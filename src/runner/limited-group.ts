// Runs one group under its limits: the step's whole time, the time without output, and the signal. Stopping ends
// every process of the box but the supervisor, first gently, then not.

import { Cancel, cancelOf } from "../core/cancel.ts";
import type { Box } from "../engine/engine.ts";
import type { Clock } from "../lib/clock.ts";
import type { Token } from "../plan/step-script.ts";
import type { GroupEnd, OutputSink, Session } from "./session.ts";

export interface GroupLimits {
  /** Milliseconds; absent means none. */
  commandMs?: number;
  noResponseMs?: number;
  /** Between TERM and KILL. */
  graceMs: number;
}

export interface LimitedEnd {
  end: GroupEnd;
  /** Why it was stopped, if it was. It outweighs whatever the shell said while it was being stopped. */
  stopped?: Cancel;
}

// After KILL nothing but a kernel or a daemon that hangs can keep the shell's end from being told.
const afterKillMs = 10_000;

// Nothing was typed: the shell is as it was before.
const untouched: GroupEnd = { kind: "ended", record: { status: 0, phase: "-", hasMessage: false } };

/** Types the group and waits for its end. Nothing is typed any more once the signal was aborted. */
export async function runLimitedGroup(
  parts: { session: Session; box: Box; clock: Clock; signal: AbortSignal; limits: GroupLimits },
  text: (token: Token) => string,
  sink: OutputSink,
): Promise<LimitedEnd> {
  const { session, box, clock, signal, limits } = parts;
  if (signal.aborted) return { end: untouched, stopped: cancelOf(signal) };
  const stop = Promise.withResolvers<Cancel>();
  const disarms: (() => void)[] = [];
  let disarmSilence = () => {};
  const silence = () => {
    disarmSilence();
    if (limits.noResponseMs === undefined) return;
    disarmSilence = clock.after(limits.noResponseMs, () =>
      stop.resolve(new Cancel("timed-out", "Command timed out after no response")),
    );
  };
  if (limits.commandMs !== undefined) {
    disarms.push(
      clock.after(limits.commandMs, () => stop.resolve(new Cancel("timed-out", "Command timed out"))),
    );
  }
  const onAbort = () => stop.resolve(cancelOf(signal));
  signal.addEventListener("abort", onAbort);
  silence();
  try {
    const done = session.group(text, async (stream, bytes) => {
      // A slow reader of ours is not silence of the step.
      disarmSilence();
      await sink(stream, bytes);
      silence();
    });
    const first = await Promise.race([done, stop.promise]);
    if (!(first instanceof Cancel)) return { end: first };
    disarmSilence();
    return { end: await endProcesses(box, clock, limits.graceMs, done), stopped: first };
  } finally {
    signal.removeEventListener("abort", onAbort);
    disarmSilence();
    for (const disarm of disarms) disarm();
  }
}

async function endProcesses(
  box: Box,
  clock: Clock,
  graceMs: number,
  done: Promise<GroupEnd>,
): Promise<GroupEnd> {
  for (const [name, patienceMs] of [
    ["TERM", graceMs],
    ["KILL", afterKillMs],
  ] as const) {
    await box.signalAll(name).catch(() => undefined);
    const end = await within(clock, patienceMs, done);
    if (end !== undefined) {
      // Children that ignored TERM must not live on beside after-steps.
      if (name === "TERM") await box.signalAll("KILL").catch(() => undefined);
      return end;
    }
  }
  return {
    kind: "box-ended",
    end: { kind: "lost", message: `the box did not end ${afterKillMs / 1000} s after KILL` },
  };
}

async function within<T>(clock: Clock, ms: number, promise: Promise<T>): Promise<T | undefined> {
  const late = Promise.withResolvers<undefined>();
  const disarm = clock.after(ms, () => late.resolve(undefined));
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    disarm();
  }
}
