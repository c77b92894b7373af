// `npm run bench:dispatch [-- --json] [NAME...]`: from the queue to Pods, against a stand-in of an API server in a process of its
// own, and where KUBECONFIG names a cluster against its API server too. Exits with 1 where a figure does not meet its goal.
// Figures of a real kubelet and of the FIFOs between runner and box are taken by benches of their own, which stand in `benches`
// as well.

import type { Figure } from "../local/figure.ts";
import { runBenches } from "../run-benches.ts";
import { creates, createsOnCluster } from "./creates.ts";
import { liveJobs } from "./live-jobs.ts";
import { podBox } from "./pod-box.ts";
import { clusterBenchOf, podFirstByte } from "./pod-first-byte.ts";
import { queueToCreate } from "./queue-to-create.ts";

const { KUBECONFIG: kubeconfig } = process.env;
const cluster = clusterBenchOf(process.env);

const benches: Record<string, () => Promise<Figure[]>> = {
  creates,
  ...(kubeconfig === undefined ? {} : { "creates-real": () => createsOnCluster(kubeconfig) }),
  queue: queueToCreate,
  live: liveJobs,
  "pod-box": podBox,
  ...(cluster === undefined ? {} : { "pod-first-byte": () => podFirstByte(cluster) }),
};

process.exitCode = await runBenches(benches, process.argv.slice(2), async () => undefined);
