// Runners that are entries of a map, for tests of whoever uses a launcher. The map is the machine: it outlives launchers, and
// several of them may work on it, as after a worker's restart.

import type { LaunchEnd } from "../../queue/queue.ts";
import { createEndStream } from "../end-stream.ts";
import type { AttemptName, Launcher } from "../launcher.ts";

export interface FakeRunner extends AttemptName {
  reference: string;
  alive: boolean;
  /** Who hears of its end. */
  heard: Set<(end: LaunchEnd) => void>;
}

export interface FakeMachine {
  /** What is there, alive or not, until it is removed. */
  runners: Map<string, FakeRunner>;
  /** Attempts that runners were started for, in their order. */
  started: string[];
  /** Attempts that were destroyed. */
  destroyed: string[];
  /** A runner ends by itself. */
  end(attemptId: string, end?: LaunchEnd): void;
}

export interface FakeLauncherOptions {
  machine: FakeMachine;
  /** Why an attempt cannot be launched. */
  refuses?(attemptId: string): LaunchEnd | undefined;
  /** Waited for before a runner is there. */
  slow?(attemptId: string): Promise<void>;
  /** Fails for runners that do not end. */
  unkillable?: Set<string>;
}

const gone: LaunchEnd = { outcome: "broken", reason: "runner-gone", message: "the runner is gone" };
const destroyed: LaunchEnd = { ...gone, reason: "runner-destroyed", message: "the worker ended the runner" };

export function createFakeMachine(): FakeMachine {
  const machine: FakeMachine = {
    ...{ runners: new Map(), started: [], destroyed: [] },
    end(attemptId, end = gone) {
      const runner = machine.runners.get(attemptId);
      if (runner?.alive !== true) return;
      runner.alive = false;
      for (const hear of runner.heard) hear(end);
    },
  };
  return machine;
}

export function createFakeLauncher({ machine, refuses, slow, unkillable }: FakeLauncherOptions): Launcher {
  const { runners } = machine;
  const held = new Map<string, { runner: FakeRunner; hear: (end: LaunchEnd) => void }>();
  const stream = createEndStream();
  let closed = false;

  const hold = (runner: FakeRunner) => {
    const { attemptId, epoch } = runner;
    const hear = (end: LaunchEnd) => {
      if (!closed) stream.push({ attemptId, epoch, end });
    };
    runner.heard.add(hear);
    held.set(attemptId, { runner, hear });
  };
  const release = (attemptId: string) => {
    const entry = held.get(attemptId);
    entry?.runner.heard.delete(entry.hear);
    held.delete(attemptId);
  };

  return {
    name: "fake",
    ended: stream.ends,
    async launch({ attemptId, epoch }) {
      const refusal = refuses?.(attemptId);
      if (refusal !== undefined) {
        stream.push({ attemptId, epoch, end: refusal });
        return "";
      }
      await slow?.(attemptId);
      let runner = runners.get(attemptId);
      if (runner === undefined) {
        runner = { attemptId, epoch, reference: `fake:${attemptId}`, alive: true, heard: new Set() };
        runners.set(attemptId, runner);
        machine.started.push(attemptId);
      }
      if (!held.has(attemptId)) hold(runner);
      return runner.reference;
    },
    async adopt({ attemptId }, launcherRef) {
      const runner = runners.get(attemptId);
      if (runner?.alive !== true || (launcherRef !== "" && launcherRef !== runner.reference)) return false;
      if (!held.has(attemptId)) hold(runner);
      return true;
    },
    alive: attemptId => held.get(attemptId)?.runner.alive === true,
    async destroy(attemptId) {
      if (unkillable?.has(attemptId) === true) throw new Error(`the runner of ${attemptId} does not end`);
      machine.end(attemptId, destroyed);
      runners.delete(attemptId);
      machine.destroyed.push(attemptId);
      release(attemptId);
    },
    release,
    async strays() {
      return [...runners.values()]
        .filter(({ attemptId }) => !held.has(attemptId))
        .map(({ attemptId, epoch }) => ({ attemptId, epoch }));
    },
    async [Symbol.asyncDispose]() {
      closed = true;
      stream.close();
    },
  };
}
