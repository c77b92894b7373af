// `slipway doctor --cluster`: which guards of a cluster truly hold against a job.

import { randomBytes } from "node:crypto";
import { jobSecurity } from "../../app/cluster/job-security.ts";
import { openCluster } from "../../app/cluster/open-cluster.ts";
import type { Finding } from "../../install/probe/judge-probe.ts";
import { probeCluster } from "../../install/probe/probe-cluster.ts";
import { systemClock } from "../../lib/clock.ts";
import type { Command } from "../context.ts";
import { installValues } from "../install-values.ts";
import { type Colors, colorsFor } from "../print/colors.ts";
import { wantsColors } from "../wants-colors.ts";
import { clusterChoice } from "./install.ts";

/** What is made is removed then, too. */
const signals = ["SIGINT", "SIGTERM"] as const;

/** 1 where a guard does not hold. */
export const doctorCluster: Command = async (context, _args, flags) => {
  const values = await installValues(context, flags);
  using api = await openCluster(clusterChoice(context, flags));
  const interrupted = new AbortController();
  const stop = () => interrupted.abort(new Error("interrupted"));
  for (const name of signals) process.once(name, stop);
  try {
    const findings = await probeCluster({
      ...{ api, values },
      image: values.image.name,
      runtimeClasses: Array.isArray(flags.runtimeClass) ? flags.runtimeClass : [],
      security: jobSecurity(),
      suffix: randomBytes(3).toString("hex"),
      clock: systemClock,
      signal: interrupted.signal,
      say: text => void context.err.write(`${text}\n`),
    });
    const holds = findings.every(each => each.holds !== "no");
    if (flags.json === true) {
      await context.out.write(`${JSON.stringify({ version: context.version, holds, findings })}\n`);
    } else {
      await context.out.write(table(findings, colorsFor(wantsColors(context, flags, context.out))));
    }
    return holds ? 0 : 1;
  } finally {
    for (const name of signals) process.off(name, stop);
  }
};

const words = { yes: "holds", no: "OPEN", unproven: "unproven" } as const;

function table(findings: Finding[], colors: Colors): string {
  const paint = { yes: colors.green, no: colors.red, unproven: colors.yellow };
  const places = [...new Set(findings.map(({ place }) => place))];
  const blocks = places.map(place => {
    const rows = findings.filter(each => each.place === place);
    const lines = rows.map(
      ({ guard, holds, detail }) => `  ${paint[holds](words[holds].padEnd(10))}${guard.padEnd(20)}${detail}`,
    );
    return `${colors.bold(place)}\n${lines.join("\n")}\n`;
  });
  const count = (holds: Finding["holds"]) => findings.filter(each => each.holds === holds).length;
  const open = count("no");
  const last =
    open === 0
      ? `${count("yes")} guards hold, ${count("unproven")} could not be told.`
      : `${open} guards do not hold: run no job of strangers here. ${advice(findings)}`;
  return `${blocks.join("\n")}\n${last}\n`;
}

function advice(findings: Finding[]): string {
  const network = ["API server", "API server itself", "api", "logs", "database", "other Pods", "metadata"];
  const open = findings.filter(({ guard, holds }) => holds === "no" && network.includes(guard));
  if (open.length === 0) return "See docs/production.md.";
  if (open.every(({ isLate }) => isLate === true)) {
    return "NetworkPolicies are enforced, but a Pod starts before they are: install a network plug-in that has them in place first, such as Calico or Cilium.";
  }
  return "What is open in the network says that the cluster ignores NetworkPolicies: install a network plug-in that has them, such as Calico or Cilium.";
}
