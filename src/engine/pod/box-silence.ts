// A box that does not greet. Inside the Pod nobody sees whether its container runs yet; who watches the cluster tells what is
// waited for. When that is nothing, for long enough, the image's ENTRYPOINT has swallowed the supervisor.

import type { Refusal } from "../../core/failure.ts";
import type { Clock } from "../../lib/clock.ts";
import { noGreetingHint } from "../supervisor.ts";

/**
 * So long a box may be silent in a Pod of which all runs. What is waited for is told with up to a minute of delay, so it must
 * not be shorter. Milliseconds.
 */
export const silentMs = 90_000;
const lookMs = 5_000;

export interface BoxSilence extends Disposable {
  /** Resolves with why the box is given up. Never, where nobody tells of waits. */
  readonly tooLong: Promise<Refusal>;
}

/** Begins at once; the time counts anew from the last look at which something was waited for. */
export function watchSilence(
  clock: Clock,
  shownImage: string,
  placeWaits: (() => boolean) | undefined,
): BoxSilence {
  const { promise, resolve } = Promise.withResolvers<Refusal>();
  let since = clock.monotonic();
  let stop = () => {};
  const look = () => {
    const now = clock.monotonic();
    if (placeWaits?.() !== false) since = now;
    if (now - since >= silentMs) resolve(refusalOf(shownImage));
    else stop = clock.after(lookMs, look);
  };
  if (placeWaits !== undefined) look();
  return { tooLong: promise, [Symbol.dispose]: () => stop() };
}

function refusalOf(shownImage: string): Refusal {
  return {
    code: "box-without-shell",
    message: `image ${shownImage}: the shell did not answer within ${silentMs / 1000} s, though all containers of the Pod run.`,
    hint: noGreetingHint,
  };
}
