import { describe, expect, test } from "vitest";
import { StepSandbox, stepShells } from "../../test/step-sandbox.ts";

const files = { "requirements.txt": "flask\n" };

describe.each(stepShells)("pip-install in $name", shell => {
  test("installs what requirements.txt names, with the cache for later steps too", async () => {
    using sandbox = new StepSandbox();
    const end = await sandbox.run("pip-install", { shell, files, stubs: { pip: "" } });
    expect(end).toMatchObject({ status: 0, calls: ["pip [install] [-r] [requirements.txt]"] });
    expect(end.environment.PIP_CACHE_DIR).toBe(`${sandbox.cache}/pip`);
  });

  test("installs the packages first, then the requirements", async () => {
    using sandbox = new StepSandbox();
    const options = { packages_list: "pylint==1.1.0 requests>=2", extra_args: "--no-deps" };
    const end = await sandbox.run("pip-install", { shell, files, options, stubs: { pip3: "" } });
    expect(end.calls).toEqual([
      "pip3 [install] [pylint==1.1.0] [requests>=2] [--no-deps]",
      "pip3 [install] [-r] [requirements.txt] [--no-deps]",
    ]);
  });

  test("an empty requirements_file means none", async () => {
    using sandbox = new StepSandbox();
    const options = { requirements_file: "", packages_list: "requests", pip_command: "python3 -m pip" };
    const end = await sandbox.run("pip-install", { shell, files, options, stubs: { python3: "" } });
    expect(end.calls).toEqual(["python3 [-m] [pip] [install] [requests]"]);
  });

  test("empties the cache when told so", async () => {
    using sandbox = new StepSandbox();
    sandbox.write("pipeline/cache/pip/old.whl", "");
    await sandbox.run("pip-install", {
      shell,
      files,
      options: { clean_wheel_dir: "true" },
      stubs: { pip: "" },
    });
    expect(sandbox.read("pipeline/cache/pip/old.whl")).toBeUndefined();
  });

  test("a named file that is missing, a failing pip and a box without Python are told", async () => {
    using sandbox = new StepSandbox();
    const options = { requirements_file: "tests/requirements.txt" };
    const missing = await sandbox.run("pip-install", { shell, options, stubs: { pip: "" } });
    expect(missing.message).toBe(`there is no tests/requirements.txt in ${sandbox.source}`);
    const nothing = await sandbox.run("pip-install", { shell, stubs: { pip: "" } });
    expect(nothing).toMatchObject({ status: 0, calls: [] });
    expect(nothing.output).toContain("nothing is installed");
    const failing = await sandbox.run("pip-install", { shell, files, stubs: { pip: "exit 3" } });
    expect(failing).toMatchObject({ status: 1, message: "pip install ended with status 3" });
    const bare = await sandbox.run("pip-install", { shell, files });
    expect(bare.message).toContain("take an image with Python");
  });
});
