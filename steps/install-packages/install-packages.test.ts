import { describe, expect, test } from "vitest";
import { StepSandbox, stepShells } from "../../test/step-sandbox.ts";

const before = "id() { echo 0; }";

describe.each(stepShells)("install-packages in $name", shell => {
  test("on Debian", async () => {
    using sandbox = new StepSandbox();
    const options = { packages: "git  ssh-client libedit2", "clean-cache": "true" };
    const stubs = { "apt-get": 'echo "$DEBIAN_FRONTEND"' };
    const end = await sandbox.run("install-packages", { shell, options, before, stubs });
    expect(end.status).toBe(0);
    expect(end.calls.filter(call => call.startsWith("apt"))).toEqual([
      "apt-get [update]",
      "apt-get [install] [-y] [git] [ssh-client] [libedit2]",
      "apt-get [clean]",
    ]);
    expect(end.output).toContain("noninteractive");
  });

  test.each([
    ["apk", ["apk [update]", "apk [add] [git]"]],
    ["dnf", ["dnf [install] [-y] [git]"]],
    ["yum", ["yum [install] [-y] [git]"]],
    ["zypper", ["zypper [--non-interactive] [refresh]", "zypper [--non-interactive] [install] [git]"]],
    ["pacman", ["pacman [-Sy] [--noconfirm] [--needed] [git]"]],
  ])("with %s", async (manager, calls) => {
    using sandbox = new StepSandbox();
    const stubs = { [manager]: "" };
    const end = await sandbox.run("install-packages", { shell, options: { packages: "git" }, before, stubs });
    expect(end.status).toBe(0);
    expect(end.calls).toEqual(calls);
  });

  test("as somebody else than root it asks sudo, though sudo is nothing to scripts", async () => {
    using sandbox = new StepSandbox();
    const stubs = { apk: "", sudo: '"$@"' };
    const other = "id() { echo 1000; }";
    const end = await sandbox.run("install-packages", {
      shell,
      options: { packages: "git" },
      before: other,
      stubs,
    });
    expect(end.calls).toContain("sudo [apk] [add] [git]");
  });

  test("tries the lists again, and says what cannot be installed", async () => {
    using sandbox = new StepSandbox();
    const lame = `case $1 in update) echo x >> ${sandbox.root}/tries; [ $(wc -l < ${sandbox.root}/tries) = 3 ];; esac`;
    const end = await sandbox.run("install-packages", {
      shell,
      options: { packages: "git" },
      stubs: { apk: lame },
      before,
    });
    expect(end.status).toBe(0);
    expect(end.calls.filter(call => call === "apk [update]").length).toBe(3);
    const missing = await sandbox.run("install-packages", {
      shell,
      options: { packages: "no-such" },
      stubs: { "apt-get": '[ "$1" = update ]' },
      before,
    });
    expect(missing).toMatchObject({ status: 1, message: "apt-get cannot install no-such" });
  });

  test("without packages or a package manager it says so", async () => {
    using sandbox = new StepSandbox();
    expect((await sandbox.run("install-packages", { shell })).message).toContain("needs the option packages");
    const bare = await sandbox.run("install-packages", { shell, options: { packages: "*" } });
    expect(bare.message).toContain("none of apt-get, apk");
    expect(bare.output).toContain("installing *");
  });
});
