import { mkdir, symlink } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { specOf, useStepStore } from "./fixtures/use-step-store.ts";
import { StepRefused } from "./step-refused.ts";

const { at, write, store, resolved, refusal, textOf } = useStepStore();
const never = new AbortController().signal;

describe("scripts and internal steps", () => {
  test("code without a shebang stops at its first failure, code with one is taken as it is", async () => {
    expect(await textOf({ kind: "script", code: "make\nmake test" }, "run.sh")).toBe(
      "set -e\nmake\nmake test\n",
    );
    expect(await textOf({ kind: "script", code: "#!/bin/bash\nfalse\n" }, "run.sh")).toBe(
      "#!/bin/bash\nfalse\n",
    );
    expect(await textOf({ kind: "script", code: "" }, "run.sh")).toBe("set -e\n");
    expect((await store().files(specOf({ kind: "script", code: "" }), never))[0]!.mode).toBe(0o755);
  });

  test("script is a script whoever owns it", async () => {
    const result = await store().resolve("me/script@1", never, "echo hi");
    expect(result).toMatchObject({
      ok: true,
      value: { name: "script", source: { kind: "script", code: "echo hi" } },
    });
  });

  test("the init step brings init.sh", async () => {
    expect(await textOf({ kind: "init" }, "init.sh")).toContain("setMessage()");
  });

  test("internal steps, dev steps, and what is neither", async () => {
    expect((await resolved("internal/docker-push")).source).toEqual({
      kind: "internal",
      action: "docker-push",
    });
    expect((await resolved("internal/watch")).ignored).toBeUndefined();
    expect((await resolved("internal/watch", { devSteps: false })).ignored).toBe(
      "Ignoring dev step: internal/watch",
    );
    expect(await refusal("internal/store-contaner")).toMatchObject({
      code: "step-not-found",
      hint: "did you mean internal/store-container?",
    });
    expect((await refusal("internal/zzz")).hint).toContain("internal/store-container");
  });
});

describe("the bundled library", () => {
  test("is found by name, brings all but its tests and its defaults", async () => {
    const step = await resolved("npm-install");
    expect(step).toMatchObject({
      owner: "wercker",
      name: "npm-install",
      source: { kind: "bundled", name: "npm-install", version: "1.2.0" },
      properties: [{ name: "options", default: "" }],
    });
    const files = await store().files(specOf(step.source), never);
    expect(files.map(file => file.path)).toEqual(["run.sh", "step.yml"]);
  });

  test("either dash will do", async () => {
    const step = await resolved("add-to-known-hosts");
    expect(step.name).toBe("add-to-known-hosts");
    expect(step.source).toMatchObject({ name: "add-to_known_hosts" });
  });

  test("a version it does not have is told of", async () => {
    expect((await resolved("npm-install@^1")).warnings).toEqual([]);
    expect((await resolved("npm-install@2.0.0")).warnings[0]).toContain("npm-install 1.2.0 is used");
  });

  test("a job of a newer library is not run with an older one", async () => {
    await expect(
      textOf({ kind: "bundled", name: "npm-install", version: "1.3.0" }, "run.sh"),
    ).rejects.toThrow("1.3.0");
    expect(await textOf({ kind: "bundled", name: "npm-install", version: "1.0.0" }, "run.sh")).toBe(
      "npm install\n",
    );
  });

  test("what is nowhere names where it was looked for and what comes close", async () => {
    const told = await refusal("npm-instal");
    expect(told.code).toBe("step-not-found");
    expect(told.message).toContain(at("library"));
    expect(told.hint).toContain("npm-install");
    expect((await refusal("someone/npm-install")).hint).toContain("git URL template");
  });
});

describe("file URLs", () => {
  test("are relative to the project and pinned by a digest", async () => {
    await write("project/steps/mine/run.sh", "echo mine\n");
    await write("project/steps/mine/step.yml", "properties:\n  a: {default: b}\n");
    const step = await resolved('mine "file://./steps/mine"');
    expect(step.source).toMatchObject({ kind: "file", path: "steps/mine" });
    expect(step.properties).toEqual([{ name: "a", default: "b" }]);
    expect(await textOf(step.source, "run.sh")).toBe("echo mine\n");
    await write("project/steps/mine/run.sh", "echo other\n");
    const changed = await textOf(step.source, "run.sh").catch(error => error);
    expect(changed).toBeInstanceOf(StepRefused);
    expect(changed.refusal).toMatchObject({ code: "step-changed", hint: "make the job anew" });
  });

  test("outside the project are refused where they are to be kept in", async () => {
    await write("other/run.sh", "");
    expect((await resolved('mine "file://../other"')).source).toMatchObject({ path: at("other") });
    expect((await refusal('mine "file://../other"', { confineFiles: true })).code).toBe(
      "step-outside-project",
    );
    await symlink(at("other"), at("project/hidden"));
    expect((await refusal('mine "file://hidden"', { confineFiles: true })).code).toBe("step-outside-project");
  });

  test("a missing directory, a link that leads out, and a place without dev steps are told", async () => {
    expect((await refusal('mine "file:///nowhere/at/all"')).message).toContain(
      "/nowhere/at/all is not there",
    );
    await mkdir(at("project/bad"));
    await symlink("../../secret", at("project/bad/link"));
    expect((await refusal('mine "file://bad"')).code).toBe("step-archive-unsafe");
    expect((await refusal('mine "file://bad"', { devSteps: false })).message).toBe(
      "Dev mode is not enabled so refusing to copy local file urls: file://bad",
    );
  });

  test("a manifest that cannot be read is a warning", async () => {
    await write("project/m/step.yml", "a: [");
    expect((await resolved('m "file://m"')).warnings[0]).toContain("step.yml: the manifest cannot be read");
  });
});
