import { realpathSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { StepSandbox, stepShells } from "../../test/step-sandbox.ts";

const github = { WERCKER_GIT_DOMAIN: "git.example", WERCKER_GIT_OWNER: "me", WERCKER_GIT_REPOSITORY: "tool" };

describe.each(stepShells)("setup-go-workspace in $name", shell => {
  test("links the source into the workspace and leaves the shell there", async () => {
    using sandbox = new StepSandbox();
    const options = { "package-dir": "example.org/team/tool" };
    const end = await sandbox.run("setup-go-workspace", {
      shell,
      options,
      files: { "main.go": "package main\n" },
    });
    const target = `${sandbox.root}/pipeline/go/src/example.org/team/tool`;
    expect(end.status).toBe(0);
    expect(end.cwd).toBe(target);
    expect(realpathSync(target)).toBe(realpathSync(sandbox.source));
    expect(end.environment).toMatchObject({
      GOPATH: `${sandbox.root}/pipeline/go`,
      WERCKER_SOURCE_DIR: target,
    });
    expect(end.environment.PATH).toMatch(`${sandbox.root}/pipeline/go/bin:`);
  });

  test("keeps the image's GOPATH and the sub-directory of the source", async () => {
    using sandbox = new StepSandbox();
    const environment = {
      GOPATH: `${sandbox.root}/go:/other`,
      WERCKER_SOURCE_DIR: `${sandbox.source}/cmd`,
      ...github,
    };
    const end = await sandbox.run("setup-go-workspace", { shell, environment, files: { "cmd/a.go": "" } });
    expect(end.environment.GOPATH).toBe(`${sandbox.root}/go:/other`);
    expect(end.environment.WERCKER_SOURCE_DIR).toBe(`${sandbox.root}/go/src/git.example/me/tool/cmd`);
    expect(end.cwd).toBe(end.environment.WERCKER_SOURCE_DIR);
  });

  test.each([
    [
      "go.mod",
      { files: { "go.mod": '// x\nmodule "example.org/mod/v2"\n\ngo 1.22\n' }, environment: github },
      "example.org/mod/v2",
    ],
    ["the repository", { environment: github }, "git.example/me/tool"],
    ["an ssh remote", { stubs: { git: "echo git@git.example:them/lib.git" } }, "git.example/them/lib"],
    [
      "an https remote",
      { stubs: { git: "echo https://user@git.example:8443/them/lib.git" } },
      "git.example/them/lib",
    ],
    ["nothing", { environment: { WERCKER_APPLICATION_NAME: "app" } }, "local/wercker/app"],
  ])("takes the import path from %s", async (_, run, path) => {
    using sandbox = new StepSandbox();
    const end = await sandbox.run("setup-go-workspace", { shell, ...run });
    expect(end.cwd).toBe(`${sandbox.root}/pipeline/go/src/${path}`);
  });

  test("may run twice, and stays where the source lies in a workspace already", async () => {
    using sandbox = new StepSandbox();
    const environment = github;
    const twice = await sandbox.run("setup-go-workspace", {
      shell,
      environment,
      after: `cd "${sandbox.source}"; . $WERCKER_STEP_ROOT/run.sh`,
    });
    expect(twice.cwd).toBe(`${sandbox.root}/pipeline/go/src/git.example/me/tool`);
    const inside = await sandbox.run("setup-go-workspace", {
      shell,
      environment: { GOPATH: sandbox.root, WERCKER_SOURCE_DIR: `${sandbox.root}/src/x`, ...github },
      before: `mkdir -p ${sandbox.root}/src/x`,
    });
    expect(inside.cwd).toBe(`${sandbox.root}/src/x`);
  });

  test("refuses what is no import path", async () => {
    using sandbox = new StepSandbox();
    const end = await sandbox.run("setup-go-workspace", { shell, options: { "package-dir": "../../etc" } });
    expect(end).toMatchObject({ status: 1, message: "package-dir ../../etc is no import path" });
  });
});
