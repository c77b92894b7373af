import { describe, expect, test } from "vitest";
import { StepSandbox, stepShells } from "../../test/step-sandbox.ts";

describe.each(stepShells)("npm-test in $name", shell => {
  test("runs the tests", async () => {
    using sandbox = new StepSandbox();
    const end = await sandbox.run("npm-test", {
      shell,
      options: { options: "-- --bail" },
      stubs: { npm: "" },
    });
    expect(end).toMatchObject({ status: 0, message: "", calls: ["npm [test] [--] [--bail]"] });
  });

  test("fails with their status in the message, and the shell lives on", async () => {
    using sandbox = new StepSandbox();
    const end = await sandbox.run("npm-test", { shell, stubs: { npm: "exit 7" } });
    expect(end).toMatchObject({ status: 1, message: "npm test ended with status 7", cwd: sandbox.source });
  });

  test("a box without npm is told what to do", async () => {
    using sandbox = new StepSandbox();
    expect((await sandbox.run("npm-test", { shell })).message).toContain("take an image with Node.js");
  });
});
