// While this runs, runners can be heard: the silence of one counts from here on. Whoever serves the runner listener runs it.

import type { Clock } from "../../../lib/clock.ts";
import { noteHearing } from "../../../queue/postgres/hearing.ts";
import type { Queryable } from "../../../store/database.ts";

const everyMs = 2000;

/** Notes every 2 s that runners are heard, beginning now. Without the database nobody is heard, and nothing is noted. */
export function startHearing(db: Queryable, clock: Clock): AsyncDisposable {
  let closed = false;
  let stop: (() => void) | undefined;
  let noting: Promise<void> = Promise.resolve();
  const note = () => {
    stop = undefined;
    noting = noteHearing(db)
      .catch(() => undefined)
      .then(() => {
        if (!closed) stop = clock.after(everyMs, note);
      });
  };
  note();
  return {
    async [Symbol.asyncDispose]() {
      closed = true;
      stop?.();
      await noting;
    },
  };
}
