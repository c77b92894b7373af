import { statSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { StepSandbox, stepShells } from "../../test/step-sandbox.ts";

describe.each(stepShells)("create-file in $name", shell => {
  test("writes the text with its line breaks and shows it", async () => {
    using sandbox = new StepSandbox();
    const options = { filename: "hello/message.cfg", content: '<a b="c">\\n  `x` 100%\\n</a>' };
    const end = await sandbox.run("create-file", { shell, options });
    expect(end.status).toBe(0);
    expect(sandbox.read("pipeline/source/hello/message.cfg")).toBe('<a b="c">\n  `x` 100%\n</a>\n');
    expect(end.output).toContain("100%\n</a>");
  });

  test("keeps a secret out of the log, and its file to its owner", async () => {
    using sandbox = new StepSandbox();
    const options = { filename: "key", content: "s3cret", "hide-from-log": "true", mode: "600" };
    const end = await sandbox.run("create-file", { shell, options });
    expect(end.output).not.toContain("s3cret");
    expect(statSync(`${sandbox.source}/key`).mode & 0o777).toBe(0o600);
  });

  test("replaces a file only when told so", async () => {
    using sandbox = new StepSandbox();
    const files = { "a file": "old\n" };
    const refused = await sandbox.run("create-file", {
      shell,
      files,
      options: { filename: "a file", content: "new" },
    });
    expect(refused).toMatchObject({
      status: 1,
      message: "a file is there already; overwrite: true replaces it",
    });
    expect(sandbox.read("pipeline/source/a file")).toBe("old\n");
    const options = { filename: "a file", content: "new", overwrite: "true" };
    expect((await sandbox.run("create-file", { shell, options })).status).toBe(0);
    expect(sandbox.read("pipeline/source/a file")).toBe("new\n");
  });

  test("needs a name, and takes one that looks like an option", async () => {
    using sandbox = new StepSandbox();
    expect((await sandbox.run("create-file", { shell })).message).toBe(
      "create-file needs the option filename",
    );
    expect(
      (await sandbox.run("create-file", { shell, options: { filename: "-n", content: "x" } })).status,
    ).toBe(0);
    expect(sandbox.read("pipeline/source/-n")).toBe("x\n");
  });
});
