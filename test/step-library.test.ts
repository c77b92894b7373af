import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import semver from "semver";
import { describe, expect, test } from "vitest";
import { readManifest } from "../src/steps/manifest.ts";
import { variableOf } from "./step-sandbox.ts";

const library = join(import.meta.dirname, "../steps");
const names = readdirSync(library);

test("the most used steps are there", () => {
  const wanted =
    "add-ssh-key add-to_known_hosts bundle-install create-file install-packages maven npm-install npm-test pip-install " +
    "setup-go-workspace slack-notifier virtualenv";
  expect(names).toEqual(expect.arrayContaining(wanted.split(" ")));
});

describe.each(names)("%s", name => {
  const read = (file: string) => readFileSync(join(library, name, file), "utf8");

  test("has a manifest under its own name, a script, a README and a test", async () => {
    const { manifest, warning } = await readManifest(read("step.yml"));
    expect(warning).toBeUndefined();
    expect(manifest.name).toBe(name);
    expect(semver.valid(manifest.version)).toBe(manifest.version);
    expect(manifest.summary).not.toBe("");
    for (const file of ["run.sh", "README.md", `${name}.test.ts`])
      expect(existsSync(join(library, name, file))).toBe(true);
  });

  test("its options are those that the script uses and the README explains", async () => {
    const { manifest } = await readManifest(read("step.yml"));
    const script = read("run.sh");
    const prefix = variableOf(name, "");
    const used = new Set([...script.matchAll(new RegExp(`${prefix}([A-Z_]+)`, "g"))].map(match => match[1]));
    const known = manifest.properties.map(property => variableOf(name, property.name).slice(prefix.length));
    for (const option of used) expect(known).toContain(option);
    for (const property of manifest.properties) expect(read("README.md")).toContain(`\`${property.name}\``);
  });

  test("its script is read by a plain shell", () => {
    execFileSync("/bin/sh", ["-n", join(library, name, "run.sh")]);
  });
});
