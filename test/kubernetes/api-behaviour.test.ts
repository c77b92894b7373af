// The same requests of the stand-in, or with KUBECONFIG set of a real cluster, and the answers that a real one (1.32) gave.

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { askBehaviour } from "./ask-behaviour.ts";
import type { BehaviourAnswer } from "./behaviour-case.ts";
import { behaviourCases } from "./behaviour-cases.ts";
import { openTestCluster } from "./cluster.ts";

const recorded = JSON.parse(
  readFileSync(new URL("recorded-behaviour.json", import.meta.url), "utf8"),
) as Record<string, BehaviourAnswer>;

test("every request is answered as a real server answers it", async () => {
  await using cluster = await openTestCluster();
  const answers = await askBehaviour(cluster, behaviourCases);
  for (const { name } of behaviourCases) expect.soft(answers[name], name).toEqual(recorded[name]);
});
