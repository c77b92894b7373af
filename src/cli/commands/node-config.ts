// `slipway node-config`: what a machine is told at its first start so that it joins as a node of a class. Secrets come from the
// environment: arguments of a process can be read by everybody on its machine.

import { nodeConfig as configText } from "../../install/node-config/node-config.ts";
import { type Distribution, type NodeFormat, unsaid } from "../../install/node-config/node-plan.ts";
import { nodeClasses } from "../../install/objects/node-classes.ts";
import { type Command, UsageError } from "../context.ts";

export const nodeConfig: Command = async (context, _args, flags) => {
  const { env } = context;
  const nodeClass = nodeClasses.find(each => each === flags.class);
  if (nodeClass === undefined) {
    throw new UsageError("which class of node?", `--class ${nodeClasses.join(", --class ")}`);
  }
  const distribution = (flags.distribution ?? "kubeadm") as Distribution;
  const version = String(flags.version ?? "1.32").replace(/^v/, "");
  if (!/^1\.\d{2}$/.test(version)) throw new UsageError(`"${version}" is no minor version`, "such as 1.32");
  const join = {
    token: env.SLIPWAY_JOIN_TOKEN || unsaid.token,
    caHash: env.SLIPWAY_JOIN_CA_HASH || unsaid.caHash,
    certificateKey: env.SLIPWAY_JOIN_CERTIFICATE_KEY || unsaid.certificateKey,
  };
  const text = configText({
    ...{ nodeClass, distribution, version, join },
    format: (flags.format ?? "cloud-init") as NodeFormat,
    server: serverOf(flags.server),
  });
  const lacking = [
    ...(join.token === unsaid.token ? ["SLIPWAY_JOIN_TOKEN"] : []),
    ...(distribution === "kubeadm" && join.caHash === unsaid.caHash ? ["SLIPWAY_JOIN_CA_HASH"] : []),
    ...(distribution === "kubeadm" &&
    nodeClass === "controller" &&
    join.certificateKey === unsaid.certificateKey
      ? ["SLIPWAY_JOIN_CERTIFICATE_KEY"]
      : []),
  ];
  if (lacking.length > 0) {
    await context.err.write(
      `${context.name}: the text has words REPLACE-...: replace them, or set ${lacking.join(", ")} before it is printed\n`,
    );
  }
  await context.out.write(text);
  return 0;
};

function serverOf(flag: unknown): string {
  const text = typeof flag === "string" ? flag.replace(/^https:\/\//, "").replace(/\/$/, "") : undefined;
  if (text === undefined)
    throw new UsageError("where is the cluster's API?", "--server HOST:PORT, as nodes reach it");
  const match = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+)(:\d{1,5})?$/.exec(text);
  if (match === null) throw new UsageError(`"${text}" is no HOST:PORT`, "--server 10.0.0.10:6443");
  return match[2] === undefined ? `${text}:6443` : text;
}
