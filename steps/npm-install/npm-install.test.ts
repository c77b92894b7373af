import { describe, expect, test } from "vitest";
import { StepSandbox, stepShells } from "../../test/step-sandbox.ts";

describe.each(stepShells)("npm-install in $name", shell => {
  test("installs once, with its cache in the cache directory for later steps too", async () => {
    using sandbox = new StepSandbox();
    const end = await sandbox.run("npm-install", { shell, stubs: { npm: 'echo "$npm_config_cache"' } });
    expect(end.status).toBe(0);
    expect(end.calls).toEqual(["npm [--version]", "npm [install]"]);
    expect(end.environment.npm_config_cache).toBe(`${sandbox.cache}/npm`);
    expect(end.environment.npm_config_strict_ssl).toBeUndefined();
    expect(end.cwd).toBe(sandbox.source);
  });

  test("hands packages and options on, one word each", async () => {
    using sandbox = new StepSandbox();
    const options = { options: "--omit=dev --no-audit", "package-list": "tape xo", "strict-ssl": "false" };
    const end = await sandbox.run("npm-install", { shell, options, stubs: { npm: "" } });
    expect(end.calls[1]).toBe("npm [install] [tape] [xo] [--omit=dev] [--no-audit]");
    expect(end.environment.npm_config_strict_ssl).toBe("false");
  });

  test("tries again with an empty cache, three times at most", async () => {
    using sandbox = new StepSandbox();
    const stubs = {
      npm: `case $1 in install) echo x >> ${sandbox.root}/tries; [ $(wc -l < ${sandbox.root}/tries) = 2 ];; esac`,
    };
    const end = await sandbox.run("npm-install", { shell, stubs });
    expect(end.status).toBe(0);
    expect(end.calls.slice(1)).toEqual(["npm [install]", "npm [cache] [clean] [--force]", "npm [install]"]);
    const failed = await sandbox.run("npm-install", {
      shell,
      options: { "clear-cache-on-failed": "false", "use-cache": "false" },
      stubs: { npm: '[ "$1" != install ]' },
    });
    expect(failed).toMatchObject({ status: 1, message: "npm install failed three times" });
    expect(failed.calls).toEqual(["npm [--version]", "npm [install]", "npm [install]", "npm [install]"]);
    expect(failed.environment.npm_config_cache).toBeUndefined();
  });

  test("a box without npm is told what to do", async () => {
    using sandbox = new StepSandbox();
    const end = await sandbox.run("npm-install", { shell });
    expect(end).toMatchObject({ status: 1, message: "npm is not in this box: take an image with Node.js" });
  });
});
