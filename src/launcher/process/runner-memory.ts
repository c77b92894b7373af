// What a runner's directory says of its process: by this a later worker finds it. It is written before the runner is told
// what to do, so that none that has work is without.

import { readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { type ProcessReference, readReference } from "./process-reference.ts";

export interface RunnerMemory {
  reference: ProcessReference;
  epoch: number;
}

const fileName = "runner.json";
/** A launch that has not come so far by then has died. Milliseconds. */
const launchMs = 10 * 60_000;

/** Throws where it cannot be written: a runner that nobody finds again must not work. */
export async function remember(own: string, { reference, epoch }: RunnerMemory): Promise<void> {
  await writeFile(path.join(own, fileName), JSON.stringify({ reference: reference.text, epoch }), {
    mode: 0o600,
  });
}

/** Undefined where there is none, or none that can be understood. */
export async function recall(own: string): Promise<RunnerMemory | undefined> {
  try {
    const { reference, epoch } = JSON.parse(await readFile(path.join(own, fileName), "utf8")) as Record<
      string,
      unknown
    >;
    const read = typeof reference === "string" ? readReference(reference) : undefined;
    return read === undefined || typeof epoch !== "number" ? undefined : { reference: read, epoch };
  } catch {
    return undefined;
  }
}

/** Attempts that have a directory, and their epochs. What a launch left that died half-way is removed. */
export async function recallAll(
  directory: string,
  now: number,
): Promise<{ attemptId: string; epoch: number }[]> {
  const found: { attemptId: string; epoch: number }[] = [];
  for (const attemptId of await readdir(directory)) {
    // What is of no attempt has a name that none can have.
    if (attemptId.startsWith(".")) continue;
    const own = path.join(directory, attemptId);
    const memory = await recall(own);
    if (memory !== undefined) found.push({ attemptId, epoch: memory.epoch });
    else if (now - (await modified(own, now)) > launchMs) await rm(own, { recursive: true, force: true });
  }
  return found;
}

async function modified(own: string, now: number): Promise<number> {
  return stat(own).then(
    ({ mtimeMs }) => mtimeMs,
    () => now,
  );
}
