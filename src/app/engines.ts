// Opens the host engine, and says what an open engine is. The daemon's code is loaded only where one is asked for.

import { mkdir, rmdir } from "node:fs/promises";
import type { FoundDaemon } from "../engine/docker/discover.ts";
import type { Engine } from "../engine/engine.ts";
import type { Clock } from "../lib/clock.ts";
import { hostEngineRoot, ownDirectoryName } from "./host-leftovers.ts";
import { randomText } from "./ids.ts";

export interface OpenEngine {
  engine: Engine;
  /** What is still there of runs that have not ended, by name: for someone who leaves without waiting. */
  remaining(): string[];
  /** Called when no run of this engine goes on any more. Never throws. */
  close(): Promise<void>;
  /** The daemon behind it, where there is one. */
  daemon?: FoundDaemon;
}

/** The engine that runs steps as processes of this machine. */
export async function openHostEngine(
  env: Readonly<Record<string, string | undefined>>,
  clock: Clock,
): Promise<OpenEngine> {
  const { createHostEngine } = await import("../engine/host/host-engine.ts");
  // A directory that names this process, so that a sweep can tell what a dead one has left.
  const root = `${await hostEngineRoot()}/${ownDirectoryName()}`;
  await mkdir(root, { recursive: true, mode: 0o700 });
  return {
    engine: createHostEngine({ root, environment: env, clock, random: randomText }),
    remaining: () => [`processes and files of the run below ${root}`],
    close: async () => {
      // Another engine of this process may still have its runs in there.
      await rmdir(root).catch(() => {});
    },
  };
}
