// `slipway install` and `slipway uninstall`: the platform in a cluster, as manifests or applied.

import { randomBytes } from "node:crypto";
import { type ClusterChoice, openCluster } from "../../app/cluster/open-cluster.ts";
import { applyInstallation } from "../../install/cluster/apply-objects.ts";
import { diffInstallation } from "../../install/cluster/diff-objects.ts";
import { generatedSecret } from "../../install/cluster/generated-secrets.ts";
import { removeInstallation } from "../../install/cluster/remove-installation.ts";
import { waitForRollout } from "../../install/cluster/rollout.ts";
import { platformObjects } from "../../install/objects/platform-objects.ts";
import { printObjects } from "../../install/print-objects.ts";
import type { Values } from "../../install/values.ts";
import { systemClock } from "../../lib/clock.ts";
import { type Command, type CommandContext, type FlagValues, UsageError } from "../context.ts";
import { installValues, secondsOf } from "../install-values.ts";

export const install: Command = async (context, _args, flags) => {
  const [apply, diff, secrets] = [flags.apply === true, flags.diff === true, flags.secrets === true];
  if ([apply, diff, secrets].filter(Boolean).length > 1) {
    throw new UsageError(
      "--apply, --diff and --secrets exclude each other",
      "give one of them, or none to print",
    );
  }
  const values = await installValues(context, flags);
  if (secrets) {
    await context.out.write(printObjects([generatedSecret(values, randomBytes)]));
    return 0;
  }
  if (!apply && !diff) {
    await context.out.write(preface(values) + printObjects(platformObjects(values)));
    return 0;
  }
  using api = await openCluster(clusterChoice(context, flags));
  const force = flags.force === true;
  if (diff) {
    const diffs = await diffInstallation(api, values, force);
    for (const { object, change, lines } of diffs) {
      await context.out.write(`${change} ${object}\n${lines.map(line => `  ${line}\n`).join("")}`);
    }
    await context.out.write(diffs.length === 0 ? "nothing would change\n" : "");
    return diffs.length === 0 ? 0 : 1;
  }
  const say = (text: string) => void context.out.write(`${text}\n`);
  await applyInstallation({ api, values, random: randomBytes, clock: systemClock, force, say });
  if (flags.wait === false) return 0;
  const end = await waitForRollout({
    ...{ api, values, say },
    clock: systemClock,
    timeoutMs: secondsOf(flags, "waitSeconds", 300),
    signal: new AbortController().signal,
  });
  if (end.ready) {
    say(`Slipway runs: ${values.url}`);
    say(
      `A token of its administrator: kubectl -n ${values.namespaces.platform} exec deploy/slipway-api -- node /app/dist/cli/main.js server --admin-token`,
    );
    return 0;
  }
  await context.err.write(
    `${context.name}: applied, but it does not run yet:\n${end.troubles.map(line => `  ${line}\n`).join("")}`,
  );
  return 3;
};

export const uninstall: Command = async (context, _args, flags) => {
  const values = await installValues(context, flags);
  using api = await openCluster(clusterChoice(context, flags));
  const say = (text: string) => void context.out.write(`${text}\n`);
  const withData = flags.deleteData === true;
  const count = await removeInstallation({ api, values, withData, say });
  if (count === 0) say(`there is no installation in namespace ${values.namespaces.platform}`);
  return 0;
};

function preface({ secret, namespaces }: Values): string {
  return [
    `# Secret ${namespaces.platform}/${secret} is not among these: its values are random and made once.`,
    "# After the namespaces are there, with the same --profile and --values: slipway install --secrets | kubectl create -f -",
    "# (`slipway install --apply` does all of it, and removes what is no longer wanted.)",
    "",
  ].join("\n");
}

export function clusterChoice(context: CommandContext, flags: FlagValues): ClusterChoice {
  const { kubeconfig, context: name } = flags;
  return {
    ...(typeof kubeconfig === "string" ? { kubeconfig } : {}),
    ...(typeof name === "string" ? { context: name } : {}),
    env: context.env,
    cwd: context.cwd,
  };
}
