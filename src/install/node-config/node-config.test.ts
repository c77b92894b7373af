import { describe, expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { ignitionSchema } from "../fixtures/ignition-schema.ts";
import { nodeClasses } from "../objects/node-classes.ts";
import { nodeConfig } from "./node-config.ts";
import type { Distribution, NodeFormat, NodeOptions } from "./node-plan.ts";

const join = { token: "abcdef.0123456789abcdef", caHash: "sha256:0a", certificateKey: "c0ffee" };
const of = (options: Partial<NodeOptions>): string =>
  nodeConfig({
    nodeClass: "peasant",
    distribution: "kubeadm",
    format: "cloud-init",
    server: "10.0.0.10:6443",
    version: "1.32",
    join,
    ...options,
  });

interface CloudInit {
  write_files: { path: string; permissions: string; content: string }[];
}

/** Files of either format by path. */
function filesOf(format: NodeFormat, text: string): Map<string, string> {
  if (format === "cloud-init") {
    return new Map((parse(text) as CloudInit).write_files.map(({ path, content }) => [path, content]));
  }
  const { storage } = ignitionSchema.parse(JSON.parse(text));
  return new Map(
    storage.files.map(({ path, contents }) => [
      path,
      Buffer.from(contents.source.slice(contents.source.indexOf(",") + 1), "base64").toString(),
    ]),
  );
}

const all = nodeClasses.flatMap(nodeClass =>
  (["kubeadm", "k3s"] as Distribution[]).flatMap(distribution =>
    (["cloud-init", "ignition"] as NodeFormat[]).map(format => ({ nodeClass, distribution, format })),
  ),
);

describe.each(all)("$nodeClass, $distribution, $format", options => {
  const text = of(options);
  const files = filesOf(options.format, text);

  test("is what the golden file says", async () => {
    const { nodeClass, distribution, format } = options;
    const end = format === "ignition" ? "json" : "yaml";
    await expect(text).toMatchFileSnapshot(`../golden/nodes/${nodeClass}-${distribution}-${format}.${end}`);
  });

  test("joins with the label and the taint of its class", () => {
    const taint =
      options.nodeClass === "controller" ? "node-role.kubernetes.io/control-plane" : "slipway.dev/node-class";
    if (options.distribution === "k3s") {
      const config = parse(files.get("/etc/rancher/k3s/config.yaml")!);
      expect(config["node-label"]).toEqual([`slipway.dev/node-class=${options.nodeClass}`]);
      expect(config["node-taint"][0]).toMatch(new RegExp(`^${taint}=.*:NoSchedule$`));
      expect(config.token).toBe(join.token);
      return;
    }
    const config = parse(files.get("/etc/kubernetes/slipway/join.yaml")!);
    expect(config.nodeRegistration.kubeletExtraArgs).toEqual([
      { name: "node-labels", value: `slipway.dev/node-class=${options.nodeClass}` },
    ]);
    expect(config.nodeRegistration.taints[0]).toMatchObject({ key: taint, effect: "NoSchedule" });
    expect(config.controlPlane !== undefined).toBe(options.nodeClass === "controller");
  });

  test("every file in it that is YAML can be read, and the token is for root alone", () => {
    for (const [path, content] of files) {
      if (path.endsWith(".yaml")) expect(parseAllDocuments(content).flatMap(each => each.errors)).toEqual([]);
    }
    const holders = [...files].filter(([, content]) => content.includes(join.token)).map(([path]) => path);
    expect(holders).toHaveLength(1);
    if (options.format === "ignition") {
      const { storage } = ignitionSchema.parse(JSON.parse(text));
      expect(storage.files.find(({ path }) => path === holders[0])!.mode).toBe(0o600);
    } else {
      const { write_files } = parse(text) as CloudInit;
      expect(write_files.find(({ path }) => path === holders[0])!.permissions).toBe("0600");
    }
  });
});

test("older kubeadm has another form of the same", () => {
  const config = parse(
    filesOf("cloud-init", of({ version: "1.29" })).get("/etc/kubernetes/slipway/join.yaml")!,
  );
  expect(config.apiVersion).toBe("kubeadm.k8s.io/v1beta3");
  expect(config.nodeRegistration.kubeletExtraArgs).toEqual({
    "node-labels": "slipway.dev/node-class=peasant",
  });
});
