// What `slipway node-config` prints, by the words of those who read it: cloud-init's own schema, Ignition's own validator, and
// ShellCheck for the scripts.

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { nodeClasses } from "../objects/node-classes.ts";
import { nodeConfig } from "./node-config.ts";
import { scriptPath, unsaid } from "./node-plan.ts";

const all = nodeClasses.flatMap(nodeClass =>
  (["kubeadm", "k3s"] as const).map(distribution => ({ nodeClass, distribution })),
);

test.each(all)("$nodeClass, $distribution", ({ nodeClass, distribution }) => {
  const directory = mkdtempSync(path.join(os.tmpdir(), "slipway-node-"));
  try {
    const common = { nodeClass, distribution, server: "ci.example.org:6443", version: "1.32", join: unsaid };
    const text = nodeConfig({ ...common, format: "cloud-init" });
    const file = path.join(directory, "user-data");
    writeFileSync(file, text);
    const schema = spawnSync("cloud-init", ["schema", "--config-file", file], { encoding: "utf8" });
    expect([schema.status, schema.stderr]).toEqual([0, ""]);
    expect(schema.stdout).toContain("Valid");
    const ignitionText = nodeConfig({ ...common, format: "ignition" });
    const validated = spawnSync("ignition-validate", ["-"], { input: ignitionText, encoding: "utf8" });
    // It warns with an exit of 0.
    expect([validated.status, validated.stdout, validated.stderr]).toEqual([0, "", ""]);
    const ignition = JSON.parse(ignitionText) as {
      storage: { files: { path: string; contents: { source: string } }[] };
    };
    const scripts = [
      (parse(text) as { write_files: { path: string; content: string }[] }).write_files.find(
        each => each.path === scriptPath,
      )!.content,
      Buffer.from(
        ignition.storage.files.find(each => each.path === scriptPath)!.contents.source.split(",")[1]!,
        "base64",
      ).toString(),
    ];
    for (const script of scripts) {
      const lint = spawnSync("shellcheck", ["--shell=sh", "-"], { input: script, encoding: "utf8" });
      expect([lint.status, lint.stdout]).toEqual([0, ""]);
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test("cloud-init and Ignition would say no", () => {
  const directory = mkdtempSync(path.join(os.tmpdir(), "slipway-node-"));
  const file = path.join(directory, "user-data");
  writeFileSync(file, "#cloud-config\nwrite_files: none\n");
  expect(spawnSync("cloud-init", ["schema", "--config-file", file]).status).not.toBe(0);
  rmSync(directory, { recursive: true });
  const relative = '{"ignition":{"version":"3.3.0"},"storage":{"files":[{"path":"etc/motd"}]}}';
  expect(spawnSync("ignition-validate", ["-"], { input: relative }).status).not.toBe(0);
});
