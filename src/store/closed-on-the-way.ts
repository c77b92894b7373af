// Whether a user who is neither owner nor in the group gets to a place.

import { statSync } from "node:fs";
import path from "node:path";

/** The first directory on the way to `place` and at it that strangers cannot enter; undefined where they get there. */
export function closedOnTheWay(place: string): string | undefined {
  for (let at = path.resolve(place); ; at = path.dirname(at)) {
    if ((statSync(at).mode & 0o001) === 0) return at;
    if (at === path.dirname(at)) return undefined;
  }
}
