// Environment variables that stand in for flags. A drop-in command knows them all; the others only those under our own
// name and Docker's, since a run inside another pipeline has that one's WERCKER_* variables around it.

import type { FlagValues } from "./context.ts";
import { type Flag, flagKey } from "./flags.ts";

const ownNames = /^(SLIPWAY_|DOCKER_)/;

/** `values` with what the environment adds for flags that were not given. Empty variables count as not set. */
export function withEnvironment(
  flags: readonly Flag[],
  values: FlagValues,
  env: Readonly<Record<string, string | undefined>>,
  dropIn: boolean,
): FlagValues {
  const added: Record<string, string | boolean | string[]> = {};
  for (const flag of flags) {
    const key = flagKey(flag);
    if (values[key] !== undefined && !(flag.name.startsWith("no-") && flag.value === undefined)) continue;
    const name = flag.env?.find(each => (dropIn || ownNames.test(each)) && env[each]);
    if (name === undefined) continue;
    const value = env[name]!;
    added[key] = flag.repeat ? value.split(",") : value;
  }
  return { ...values, ...added };
}

/** What to tell about flags that were given and have no effect. */
export function withoutEffectNotes(flags: readonly Flag[], values: FlagValues): string[] {
  return flags
    .filter(flag => flag.noEffect !== undefined && values[flagKey(flag)] !== undefined)
    .map(flag => `--${flag.name} has no effect here: ${flag.noEffect}`);
}
