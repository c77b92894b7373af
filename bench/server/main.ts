// `npm run bench:server [-- --json] [NAME...]`: the figures of the platform on one machine. Exits with 1 where a figure
// does not meet its goal.

import type { Figure } from "../local/figure.ts";
import { runBenches } from "../run-benches.ts";
import { claim } from "./claim.ts";
import { logs } from "./logs.ts";
import { platform } from "./platform.ts";
import { runList } from "./run-list.ts";

const benches: Record<string, () => Promise<Figure[]>> = { platform, claim, logs, "run-list": runList };

process.exitCode = await runBenches(benches, process.argv.slice(2), async () => undefined);
