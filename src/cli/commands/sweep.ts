// `slipway sweep`: removes what killed runs have left: containers and networks at the daemon, processes and
// directories of the host engine. What belongs to a run that goes on stays.

import { hostEngineRoot, sweepHost } from "../../app/host-leftovers.ts";
import { messageOf } from "../../core/failure.ts";
import type { Command, CommandContext } from "../context.ts";
import { withEnvironment } from "../flag-environment.ts";
import { runFlags } from "../flags.ts";
import { count } from "../print/format.ts";

export const sweep: Command = async (context, _args, values) => {
  const all = withEnvironment(runFlags, values, context.env, false);
  const host = typeof all.dockerHost === "string" ? all.dockerHost : undefined;
  const problems = [await sweepDaemon(context, host, values.kept === true), await sweepHere(context)];
  return problems.some(problem => problem) ? 1 : 0;
};

/** True where something could not be removed. */
async function sweepDaemon(
  context: CommandContext,
  host: string | undefined,
  kept: boolean,
): Promise<boolean> {
  const { searchDaemon } = await import("../../app/docker-daemon.ts");
  const { sweep: sweepAll } = await import("../../engine/docker/sweep.ts");
  const { ownerState } = await import("../../engine/docker/run-owner.ts");
  const { found } = await searchDaemon(context.env, host === undefined ? {} : { host });
  if (found === undefined) {
    await context.out.write("No container daemon answers; nothing was looked for there.\n");
    return host !== undefined;
  }
  const swept = await sweepAll(found.client, { ownerState, kept });
  for (const { kind, name } of swept.removed) await context.out.write(`removed ${kind} ${name}\n`);
  for (const { leftover, reason } of swept.left) {
    await context.out.write(`left ${leftover.kind} ${leftover.name}: ${reason}\n`);
  }
  await context.out.write(
    `${found.client.info.product}: ${count(swept.removed.length, "leftover")} removed\n`,
  );
  return false;
}

async function sweepHere(context: CommandContext): Promise<boolean> {
  try {
    const swept = await sweepHost(await hostEngineRoot());
    for (const pid of swept.ended) await context.out.write(`ended process ${pid}\n`);
    for (const directory of swept.removed) await context.out.write(`removed ${directory}\n`);
    for (const { path, reason } of swept.left) await context.out.write(`left ${path}: ${reason}\n`);
    await context.out.write(`host engine: ${count(swept.removed.length, "leftover")} removed\n`);
    return false;
  } catch (error) {
    await context.err.write(`slipway: ${messageOf(error)}\n`);
    return true;
  }
}
