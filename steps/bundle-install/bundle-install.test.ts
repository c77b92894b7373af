import { describe, expect, test } from "vitest";
import { StepSandbox, stepShells } from "../../test/step-sandbox.ts";

const files = { Gemfile: "source 'x'\n" };

describe.each(stepShells)("bundle-install in $name", shell => {
  test("installs into the cache, where later steps find the gems", async () => {
    using sandbox = new StepSandbox();
    const end = await sandbox.run("bundle-install", { shell, files, stubs: { bundle: "" } });
    expect(end.status).toBe(0);
    expect(end.calls).toEqual(["bundle [--version]", "bundle [install] [--retry] [3]"]);
    expect(end.environment.BUNDLE_PATH).toBe(`${sandbox.cache}/bundle-install`);
    expect(Object.keys(end.environment).filter(name => name.startsWith("BUNDLE_"))).toEqual(["BUNDLE_PATH"]);
  });

  test("options become Bundler's settings", async () => {
    using sandbox = new StepSandbox();
    const options = {
      without: "development production",
      jobs: "4",
      path: "vendor",
      gemfile: "gemfiles/a.rb",
      binstubs: "bin",
      clean: "true",
      deployment: "true",
      frozen: "true",
      retry: "1",
      options: "--quiet --local",
    };
    const end = await sandbox.run("bundle-install", {
      shell,
      options,
      files: { "gemfiles/a.rb": "" },
      stubs: { bundle: "" },
    });
    expect(end.calls.slice(1)).toEqual([
      "bundle [install] [--retry] [1] [--jobs] [4] [--quiet] [--local]",
      "bundle [clean]",
    ]);
    expect(end.environment).toMatchObject({
      BUNDLE_PATH: "vendor",
      BUNDLE_WITHOUT: "development production",
      BUNDLE_GEMFILE: "gemfiles/a.rb",
      BUNDLE_BIN: "bin",
      BUNDLE_DEPLOYMENT: "true",
      BUNDLE_FROZEN: "true",
    });
  });

  test("installs Bundler where there is only gem", async () => {
    using sandbox = new StepSandbox();
    const gem = `cp ${sandbox.root}/stubs/gem ${sandbox.root}/stubs/bundle`;
    const end = await sandbox.run("bundle-install", { shell, files, stubs: { gem } });
    expect(end.status).toBe(0);
    expect(end.calls[0]).toBe("gem [install] [bundler] [--no-document]");
    expect(end.calls.at(-1)).toContain("[install] [--retry] [3]");
  });

  test("a missing Gemfile, a failing bundle and a box without Ruby are told", async () => {
    using sandbox = new StepSandbox();
    const none = await sandbox.run("bundle-install", { shell, stubs: { bundle: "" } });
    expect(none).toMatchObject({ status: 1, message: `there is no Gemfile in ${sandbox.source}`, calls: [] });
    const failing = await sandbox.run("bundle-install", {
      shell,
      files,
      stubs: { bundle: '[ "$1" != install ] || exit 5' },
    });
    expect(failing).toMatchObject({ status: 1, message: "bundle install ended with status 5" });
    const bare = await sandbox.run("bundle-install", { shell, files });
    expect(bare.message).toContain("take an image with Ruby");
  });
});
