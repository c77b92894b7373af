// Real processes, two launchers at one place, and calls in any order: no attempt has two runners, and in the end none is left.

import fc from "fast-check";
import { expect, test } from "vitest";
import { claimOfAttempt } from "../launcher.contract.ts";
import type { Launcher } from "../launcher.ts";
import { eventually, openPlace, type Place, processesIn } from "./fixtures/place.ts";

const never = new AbortController().signal;
const calls = ["launch", "adopt", "release", "destroy", "die", "stop", "restart", "strays"] as const;
const step = fc.record({
  call: fc.constantFrom(...calls),
  attempt: fc.nat({ max: 2 }),
  launcher: fc.nat({ max: 1 }),
  // Whether the next step begins before this one is done.
  overlap: fc.boolean(),
});
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

const script = 'read -r line; [ -n "$line" ] || exit 0\nexec sleep 1000\n';

/** Each has a runner that waits, as soon as it can. */
function open(place: Place): Promise<Launcher> {
  return place.open({ graceMs: 200, ahead: { command: place.command, afterMs: 0 } });
}

async function signalOne(place: Place, attemptId: string, name: NodeJS.Signals): Promise<void> {
  if (place.lives(attemptId)) process.kill(place.pidOf(attemptId), name);
}

async function take(
  place: Place,
  launchers: Launcher[],
  opened: Launcher[],
  { call, attempt, launcher: at }: Step,
): Promise<void> {
  const claim = claimOfAttempt(`attempt-${attempt}`);
  const launcher = launchers[at]!;
  if (call === "launch") await launcher.launch(claim, never);
  if (call === "adopt") await launcher.adopt(claim, "");
  if (call === "release") launcher.release(claim.attemptId);
  if (call === "destroy") await launcher.destroy(claim.attemptId);
  if (call === "die") await signalOne(place, claim.attemptId, "SIGKILL");
  if (call === "stop") await signalOne(place, claim.attemptId, "SIGSTOP");
  if (call === "strays") await launcher.strays();
  if (call === "restart") {
    await launcher[Symbol.asyncDispose]();
    const next = await open(place);
    opened.push(next);
    launchers[at] = next;
  }
}

async function play(steps: Step[]): Promise<void> {
  await using place = openPlace(script);
  const launchers = [await open(place), await open(place)];
  // Of two restarts at once one's launcher takes the place of the other's: it is to end all the same.
  const opened = [...launchers];
  const under: Promise<void>[] = [];
  let latest = 0;
  for (const each of steps) {
    // Of two workers the queue lets only one at a runner.
    if (each.launcher !== latest) await Promise.all(under);
    latest = each.launcher;
    const taken = take(place, launchers, opened, each);
    under.push(taken);
    if (!each.overlap) await Promise.all(under);
  }
  await Promise.all(under);
  // As a worker that starts anew does.
  const last = await place.open({ graceMs: 200 });
  for (const { attemptId } of await last.strays()) await last.destroy(attemptId);
  expect(await last.strays()).toEqual([]);
  for (const launcher of opened) await launcher[Symbol.asyncDispose]();
  await eventually(() => processesIn(place.directory).length === 0, "the end of all runners");
  expect(place.troubles).toEqual([]);
}

test("launches, ends, adoptions and restarts in any order leave no process", async () => {
  await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 15 }), play), {
    numRuns: 25,
    endOnFailure: true,
  });
}, 120_000);
