// Records what a real cluster (KUBECONFIG) answers to the cases: `node test/kubernetes/record-behaviour.ts`.

import { writeFile } from "node:fs/promises";
import { askBehaviour } from "./ask-behaviour.ts";
import { behaviourCases } from "./behaviour-cases.ts";
import { openTestCluster } from "./cluster.ts";

await using cluster = await openTestCluster();
if (cluster.standIn !== undefined) throw new Error("set KUBECONFIG to a real cluster");
const answers = await askBehaviour(cluster, behaviourCases);
await writeFile(new URL("recorded-behaviour.json", import.meta.url), `${JSON.stringify(answers, null, 2)}\n`);
