// What the job's containers wait for, as the platform passes it on from whoever brings them up: into the job's log, and for
// the engine, which may give up a silent box only where nothing is waited for.

import { meanwhile } from "../core/place-words.ts";

/** From the answers to the claim and to heartbeats. */
export interface WaitWords {
  /** All that was waited for so far, oldest first. */
  waited?: readonly string[];
  waits?: boolean;
}

export interface PlaceWaits {
  heed(words: WaitWords): void;
  /** From now on each is told once, also those that came before. */
  tellTo(tell: (message: string) => void): void;
  /** Whether something is waited for now; true until the first heartbeat was answered. */
  readonly waits: boolean;
}

/** Words of a cluster are longer than they are worth reading. */
const longest = 2000;

export function createPlaceWaits(): PlaceWaits {
  let waited: readonly string[] = [];
  let waits = true;
  let told = 0;
  let tell: ((message: string) => void) | undefined;
  const tellAll = () => {
    if (tell === undefined) return;
    for (; told < waited.length; told++) {
      const words = waited[told]!.slice(0, longest);
      tell(words.startsWith(meanwhile) ? words : `The job has waited: ${words}`);
    }
  };
  return {
    heed(words) {
      if (words.waits !== undefined) waits = words.waits;
      if (words.waited !== undefined && words.waited.length > waited.length) waited = words.waited;
      tellAll();
    },
    tellTo(given) {
      tell = given;
      tellAll();
    },
    get waits() {
      return waits;
    },
  };
}
