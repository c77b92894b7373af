// Goes once through all that a runner does, before there is work for it: a job that does nothing, claimed from a platform
// in this very process. What has been loaded, compiled and connected once is not waited for again.

import { Cancel } from "../core/cancel.ts";
import { openRehearsalPlatform } from "./rehearsal-platform.ts";
import { type RemoteJobOptions, runRemoteJob } from "./run-remote-job.ts";

/** Something hangs then: work is not to wait for it. Milliseconds. */
const mostMs = 10_000;

/**
 * Answers the exit code, 0 where all was gone through. `optionsFor`: for a platform at that address. Aborting the signal
 * ends it early; no process of it is left then either. Throws what keeps it from listening.
 */
export async function rehearseJob(
  optionsFor: (url: string) => Omit<RemoteJobOptions, "signal">,
  signal: AbortSignal,
): Promise<number> {
  await using platform = await openRehearsalPlatform();
  const over = new AbortController();
  const end = () => over.abort(new Cancel("canceled", "the rehearsal is over"));
  const options = optionsFor(platform.url);
  const stopTimer = options.clock.after(mostMs, end);
  signal.addEventListener("abort", end, { once: true });
  if (signal.aborted) end();
  try {
    return await runRemoteJob({ ...options, signal: over.signal });
  } finally {
    stopTimer();
    signal.removeEventListener("abort", end);
  }
}
