// `npm run bench:dispatch [-- --json] [NAME...]`: from the queue to Pods, against a stand-in of an API server in a process of its
// own. Exits with 1 where a figure does not meet its goal. Figures of a real kubelet and of the FIFOs between runner and box
// are taken by benches of their own, which stand in `benches` as well.

import { type Figure, figureAsJson, figureAsText, isMet } from "../local/figure.ts";
import { creates } from "./creates.ts";
import { liveJobs } from "./live-jobs.ts";
import { podBox } from "./pod-box.ts";
import { clusterBenchOf, podFirstByte } from "./pod-first-byte.ts";
import { queueToCreate } from "./queue-to-create.ts";

const cluster = clusterBenchOf(process.env);

const benches: Record<string, () => Promise<Figure[]>> = {
  creates,
  queue: queueToCreate,
  live: liveJobs,
  "pod-box": podBox,
  ...(cluster === undefined ? {} : { "pod-first-byte": () => podFirstByte(cluster) }),
};

async function main(args: string[]): Promise<number> {
  const json = args.includes("--json");
  const names = args.filter(arg => !arg.startsWith("-"));
  const unknown = names.find(name => benches[name] === undefined);
  if (unknown !== undefined) {
    console.error(`bench: there is no bench ${unknown}; there are ${Object.keys(benches).join(", ")}`);
    return 2;
  }
  let met = true;
  for (const name of names.length > 0 ? names : Object.keys(benches)) {
    for (const figure of await benches[name]!()) {
      console.log(json ? figureAsJson(figure) : figureAsText(figure));
      met &&= isMet(figure);
    }
  }
  return met ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
