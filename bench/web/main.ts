// `npm run bench:web [-- --json] [NAME...]`: the pages in Chromium, on loopback. Exits with 1 where a figure does not meet its
// goal.

import type { Figure } from "../local/figure.ts";
import { runBenches } from "../run-benches.ts";
import { firstLoad } from "./first-load.ts";
import { longLog } from "./long-log.ts";

const benches: Record<string, () => Promise<Figure[]>> = { "first-load": firstLoad, "long-log": longLog };

// A server of a test does not keep its process alive; its end is waited for all the same.
const alive = setInterval(() => undefined, 1000);
try {
  process.exitCode = await runBenches(benches, process.argv.slice(2), async () => undefined);
} finally {
  clearInterval(alive);
}
