// `slipway doctor`: what this machine has, and what to do about what it lacks.

import { examineMachine, type Finding } from "../../app/examine-machine.ts";
import type { Command } from "../context.ts";
import { withEnvironment } from "../flag-environment.ts";
import { runFlags } from "../flags.ts";
import { type Colors, colorsFor } from "../print/colors.ts";
import { indent } from "../print/format.ts";
import { wantsColors } from "../wants-colors.ts";

export const doctor: Command = async (context, args, values) => {
  if (values.cluster === true) {
    const { doctorCluster } = await import("./doctor-cluster.ts");
    return doctorCluster(context, args, values);
  }
  const all = withEnvironment(runFlags, values, context.env, false);
  const { findings, ready } = await examineMachine({
    cwd: context.cwd,
    env: context.env,
    ...(typeof all.dockerHost === "string" ? { docker: { host: all.dockerHost } } : {}),
    ...(typeof all.workingDir === "string" ? { workingDir: all.workingDir } : {}),
  });
  if (values.json === true) {
    await context.out.write(`${JSON.stringify({ version: context.version, ready, findings })}\n`);
  } else {
    const colors = colorsFor(wantsColors(context, values, context.out));
    const last = ready
      ? "Everything that runs need is here."
      : "Something that runs need is missing; see above.";
    await context.out.write(`${findings.map(each => textOf(each, colors)).join("\n")}\n\n${last}\n`);
  }
  return ready ? 0 : 1;
};

function textOf({ name, status, detail, advice }: Finding, colors: Colors): string {
  const word = { ok: colors.green("ok  "), note: colors.yellow("note"), lack: colors.red("lack") }[status];
  const [first = "", ...rest] = detail.split("\n");
  const more = rest.length === 0 ? "" : `\n${indent(rest.join("\n"), " ".repeat(20))}`;
  const help = advice === "" ? "" : `\n${" ".repeat(18)}${colors.bold(`-> ${advice}`)}`;
  return `${word}  ${name.padEnd(12)}${first}${more}${help}`;
}
