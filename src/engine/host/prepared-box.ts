// A box before it is known what for: its directory, its main process that waits, and whoever will unpack into it. It is
// like every box that wants nothing of its own; for any other one it is thrown away.

import { chmod, chown, mkdir, mkdtemp, realpath } from "node:fs/promises";
import { join } from "node:path";
import type { EngineRequest } from "../engine.ts";
import { type BoxProcess, startBoxProcess } from "./box-process.ts";
import type { HostEngineOptions } from "./host-engine.ts";
import { removeTree } from "./remove-tree.ts";
import { startUnpacker, type Unpacker } from "./user-files.ts";

export interface PreparedBox extends AsyncDisposable {
  directory: string;
  cookie: string;
  process: BoxProcess;
  /** Where the box is another user's: of that user, in the directory. */
  unpacker: Unpacker | undefined;
}

/** All that a box sees of the environment of this program. The agent of ssh is not among it: no container has it. */
export const passedOn = ["PATH", "HOME", "USER", "LANG", "TERM"];

/** What every container of a workspace sees of this machine. */
export function machineEnvironment(
  { environment, ownHome }: HostEngineOptions,
  directory: string,
): Record<string, string> {
  const seen: Record<string, string> = { TMPDIR: join(directory, "tmp") };
  for (const name of passedOn) {
    const value = environment[name];
    if (value !== undefined) seen[name] = value;
  }
  if (ownHome === true) seen.HOME = join(directory, "home");
  return seen;
}

/** The private directory of a workspace and what is in it, before they are given to their user. */
export async function makeDirectories(
  { root, ownHome }: HostEngineOptions,
  name: string,
): Promise<{ directory: string; made: string[] }> {
  await mkdir(root, { recursive: true });
  const directory = await mkdtemp(join(await realpath(root), `${name}-`));
  const names = ["pipeline", "report", "tmp", "services", ...(ownHome === true ? ["home"] : [])];
  const below = names.map(each => join(directory, each));
  await Promise.all(below.map(path => mkdir(path)));
  await chmod(directory, 0o700);
  return { directory, made: [directory, ...below] };
}

export async function giveTo(user: HostEngineOptions["spawnAs"], paths: readonly string[]): Promise<void> {
  if (user === undefined) return;
  await Promise.all(paths.map(path => chown(path, user.uid, user.gid)));
}

/** Throws where the machine cannot: whoever starts a box then hears of the same. */
export async function prepareBox(options: HostEngineOptions): Promise<PreparedBox> {
  const { shell = [], clock, random, spawnAs, pipes } = options;
  const { directory, made } = await makeDirectories(options, "box");
  await giveTo(spawnAs, made);
  const cookie = random();
  try {
    const started = await startBoxProcess({
      ...{ directory, cookie, nonce: random(), shell, clock, idle: true },
      environment: machineEnvironment(options, directory),
      ...(pipes === undefined ? {} : { pipes }),
      ...(spawnAs === undefined ? {} : { spawnAs }),
    });
    const unpacker = spawnAs === undefined ? undefined : startUnpacker(spawnAs, directory);
    return {
      ...{ directory, cookie, process: started, unpacker },
      async [Symbol.asyncDispose]() {
        unpacker?.[Symbol.dispose]();
        await started.end();
        await removeTree(directory);
      },
    };
  } catch (error) {
    await removeTree(directory);
    throw error;
  }
}

/** Whether nothing is asked for that a prepared box has not. */
export function fitsPrepared({ box, services, mounts }: EngineRequest): boolean {
  return services.length === 0 && mounts.length === 0 && box.env.length === 0 && box.cmd === undefined;
}
