import { describe, expect, test } from "vitest";
import { StepSandbox, stepShells } from "../../test/step-sandbox.ts";

/** Makes what `virtualenv LOCATION` makes, as far as the step uses it. */
const making = `
for location; do :; done
mkdir -p "$location/bin"
echo "export VIRTUAL_ENV='$location'; export PATH='$location/bin':\\$PATH" > "$location/bin/activate"
printf '#!/bin/sh\\necho "venv python $*" >> "$CALLS"\\n' > "$location/bin/python"
chmod +x "$location/bin/python"`;

describe.each(stepShells)("virtualenv in $name", shell => {
  test("makes an environment and leaves the shell inside", async () => {
    using sandbox = new StepSandbox();
    const end = await sandbox.run("virtualenv", { shell, stubs: { virtualenv: making, python3: "" } });
    const location = `${sandbox.root}/pipeline/venv`;
    expect(end.status).toBe(0);
    expect(end.calls).toEqual([
      `virtualenv [--python] [python3] [${location}]`,
      "venv python -m pip install --quiet wheel",
    ]);
    expect(end.environment.VIRTUAL_ENV).toBe(location);
    expect(end.environment.PATH!.startsWith(`${location}/bin:`)).toBe(true);
  });

  test("takes Python's own venv where there is no virtualenv, with the Python it is told", async () => {
    using sandbox = new StepSandbox();
    const options = {
      python_location: "python3.2",
      virtualenv_location: `${sandbox.root}/my env`,
      install_wheel: "false",
    };
    const end = await sandbox.run("virtualenv", { shell, options, stubs: { "python3.2": making } });
    expect(end.calls).toEqual([`python3.2 [-m] [venv] [${sandbox.root}/my env]`]);
    expect(end.environment.VIRTUAL_ENV).toBe(`${sandbox.root}/my env`);
  });

  test("enters one that is there already", async () => {
    using sandbox = new StepSandbox();
    sandbox.write("pipeline/venv/bin/activate", "export VIRTUAL_ENV=old\n");
    const options = { install_wheel: "false" };
    const end = await sandbox.run("virtualenv", { shell, options, stubs: { python3: "" } });
    expect(end).toMatchObject({ status: 0, calls: [] });
    expect(end.environment.VIRTUAL_ENV).toBe("old");
  });

  test("says what is missing, and stays outside", async () => {
    using sandbox = new StepSandbox();
    const bare = await sandbox.run("virtualenv", { shell });
    expect(bare).toMatchObject({
      status: 1,
      message: "Python is not in this box: take an image with Python",
    });
    const failing = await sandbox.run("virtualenv", { shell, stubs: { python3: "exit 1" } });
    expect(failing.status).toBe(1);
    expect(failing.message).toContain("python3 -m venv ended with status 1");
    expect(failing.environment.VIRTUAL_ENV).toBeUndefined();
  });
});
