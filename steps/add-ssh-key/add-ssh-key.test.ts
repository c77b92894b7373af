import { statSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { StepSandbox, stepShells } from "../../test/step-sandbox.ts";

const environment = { GITHUB_PRIVATE: "-----BEGIN KEY-----\\nabc\\ndef==\\n-----END KEY-----" };

describe.each(stepShells)("add-ssh-key in $name", shell => {
  test("writes the key with its line breaks, for its owner alone, and shows nothing of it", async () => {
    using sandbox = new StepSandbox();
    const end = await sandbox.run("add-ssh-key", { shell, options: { keyname: "GITHUB" }, environment });
    expect(end.status).toBe(0);
    expect(sandbox.read("home/.ssh/GITHUB")).toBe("-----BEGIN KEY-----\nabc\ndef==\n-----END KEY-----\n");
    for (const path of ["GITHUB", "config"])
      expect(statSync(`${sandbox.home}/.ssh/${path}`).mode & 0o777).toBe(0o600);
    expect(statSync(`${sandbox.home}/.ssh`).mode & 0o777).toBe(0o700);
    expect(sandbox.read("home/.ssh/config")).toBe(`\nHost *\n  IdentityFile ${sandbox.home}/.ssh/GITHUB\n`);
    expect(end.output).not.toContain("abc");
  });

  test("a key for one host comes before what is there", async () => {
    using sandbox = new StepSandbox();
    sandbox.write("home/.ssh/config", "Host *\n  User me\n");
    const options = { keyname: "GITHUB", host: "git.example" };
    expect((await sandbox.run("add-ssh-key", { shell, options, environment })).status).toBe(0);
    expect(sandbox.read("home/.ssh/config")).toBe(
      `Host git.example\n  IdentityFile ${sandbox.home}/.ssh/GITHUB\n\nHost *\n  User me\n`,
    );
  });

  test.each([
    [{}, "add-ssh-key needs the option keyname"],
    [{ keyname: "A;id" }, "keyname A;id cannot be part of a variable's name"],
    [{ keyname: "OTHER" }, "the variable OTHER_PRIVATE is not set: add the SSH key OTHER to the project"],
    [{ keyname: "GITHUB", host: "a\nProxyCommand x" }, "is no name that ssh knows"],
  ])("refuses %o", async (options, message) => {
    using sandbox = new StepSandbox();
    const end = await sandbox.run("add-ssh-key", { shell, options, environment });
    expect(end.status).toBe(1);
    expect(end.message).toContain(message);
    expect(sandbox.read("home/.ssh/config")).toBeUndefined();
  });
});
