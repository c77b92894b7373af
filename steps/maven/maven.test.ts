import { describe, expect, test } from "vitest";
import { StepSandbox, stepShells } from "../../test/step-sandbox.ts";

describe.each(stepShells)("maven in $name", shell => {
  test("runs the goals with the box's Maven, whatever version is asked for", async () => {
    using sandbox = new StepSandbox();
    const options = { goals: "clean install", version: "3.5.4" };
    const end = await sandbox.run("maven", { shell, options, stubs: { mvn: "" } });
    expect(end).toMatchObject({
      status: 0,
      calls: ["mvn [--version]", "mvn [--batch-mode] [clean] [install]"],
    });
  });

  test("with all its options", async () => {
    using sandbox = new StepSandbox();
    const options = {
      goals: "deploy",
      profiles: "ci,fast",
      settings: "ci/settings.xml",
      maven_opts: "-Xmx1g -Da=b",
      cache_repo: "true",
      options: "-DskipTests -q",
    };
    const stubs = { mvn: 'echo "opts: $MAVEN_OPTS"' };
    const end = await sandbox.run("maven", { shell, options, files: { "ci/settings.xml": "" }, stubs });
    expect(end.calls[1]).toBe(
      "mvn [--batch-mode] [--activate-profiles] [ci,fast] [--settings] [ci/settings.xml] " +
        `[-Dmaven.repo.local=${sandbox.cache}/maven/repository] [-DskipTests] [-q] [deploy]`,
    );
    expect(end.output).toContain("opts: -Xmx1g -Da=b");
  });

  test("fetches a Maven where there is none, once, and leaves it on PATH", async () => {
    using sandbox = new StepSandbox();
    const tarball = `
for out; do case $last in -o) file=$out ;; esac; last=$out; done
work=${sandbox.root}/made
mkdir -p $work/apache-maven-3.5.4/bin
printf '#!/bin/sh\\necho "fetched mvn $*" >> "$CALLS"\\n' > $work/apache-maven-3.5.4/bin/mvn
chmod +x $work/apache-maven-3.5.4/bin/mvn
PATH=/usr/bin:/bin tar -czf "$file" -C $work apache-maven-3.5.4`;
    const options = { goals: "package", version: "3.5.4", mirror: "https://mirror.example/maven" };
    const run = { shell, options, stubs: { curl: tarball, java: "" } };
    const end = await sandbox.run("maven", run);
    expect(end.output).not.toContain("cannot");
    expect(end.calls[0]).toContain(
      "[https://mirror.example/maven/maven-3/3.5.4/binaries/apache-maven-3.5.4-bin.tar.gz]",
    );
    expect(end.calls.slice(1)).toEqual(["fetched mvn --version", "fetched mvn --batch-mode package"]);
    expect(end.environment.PATH).toContain(`${sandbox.cache}/maven/apache-maven-3.5.4/bin:`);
    const again = await sandbox.run("maven", run);
    expect(again.calls).toEqual(["fetched mvn --version", "fetched mvn --batch-mode package"]);
  });

  test("what is missing or fails is told", async () => {
    using sandbox = new StepSandbox();
    const told = async (options: Record<string, string>, stubs: Record<string, string>) =>
      (await sandbox.run("maven", { shell, options, stubs })).message;
    expect(await told({}, { mvn: "" })).toBe("maven needs the option goals");
    expect(await told({ goals: "test" }, {})).toContain("mvn is not in this box");
    expect(await told({ goals: "test", version: "3/../x" }, {})).toContain("is no version");
    expect(await told({ goals: "test", version: "3.9.9" }, { java: "", curl: "exit 22" })).toContain(
      "cannot be fetched",
    );
    expect(await told({ goals: "test", settings: "no.xml" }, { mvn: "" })).toContain("there is no no.xml in");
    const failing = await sandbox.run("maven", {
      shell,
      options: { goals: "a b" },
      stubs: { mvn: '[ "$1" = --version ] || exit 9' },
    });
    expect(failing).toMatchObject({ status: 1, message: "mvn a b ended with status 9" });
  });
});
