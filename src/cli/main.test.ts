// The program as people start it: a process with arguments, two streams and an exit code.

import { execFile } from "node:child_process";
import { readdir, readFile, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { describe, expect, test, vi } from "vitest";
import type { RunEvent } from "../core/events.ts";
import { projectWith, runProgram, startProgram } from "./fixtures/run-program.ts";

// Each test starts processes, and a busy machine takes its time.
vi.setConfig({ testTimeout: 60_000 });

const main = path.join(import.meta.dirname, "main.ts");

const pipelines = `
box: busybox
build:
  steps:
    - script:
        name: greet
        code: echo "hello from $WHO"
fail:
  steps:
    - script:
        name: refuse
        code: |
          echo going down
          (exit 7)
  after-steps:
    - script:
        code: echo "after $WERCKER_RESULT"
slow:
  steps:
    - script:
        name: wait
        code: echo waiting; sleep 60
matrix:
  matrix:
    color: [red, blue]
  steps:
    - script:
        code: echo "color $MATRIX_COLOR"
secret:
  steps:
    - script:
        code: echo "the word is $WORD"
`;

function project() {
  return projectWith({ "slipway.yml": pipelines });
}

function eventsOf(stdout: string): RunEvent[] {
  return stdout
    .trimEnd()
    .split("\n")
    .map(line => JSON.parse(line) as RunEvent);
}

describe("without a run", () => {
  test("--version prints the version of the package", async () => {
    const manifest = JSON.parse(await readFile(path.join(import.meta.dirname, "../../package.json"), "utf8"));
    const ended = await runProgram(["--version"], { cwd: "/" });
    expect(ended).toEqual({ code: 0, stdout: `${manifest.version}\n`, stderr: "" });
  });

  test("under the name wercker it answers as that program", async () => {
    await using place = await projectWith({});
    const link = path.join(place.dir, "wercker");
    await symlink(main, link);
    const ended = await runProgram(["--version"], { cwd: "/", as: link });
    expect(ended.stdout).toMatch(/^wercker version \d+\.\d+\.\d+ /);
  });

  test.each([
    [["nonsense"], "unknown command 'nonsense'"],
    [["run", "--nonsense"], "unknown option '--nonsense'"],
    [["run", "a", "b", "c"], "too many arguments"],
    [["run", "--engine", "moon"], "Allowed choices are auto, docker, host, any"],
    [["run", "--command-timeout", "soon"], '--command-timeout: "soon" is not a number'],
    [["run", "--no-response-timeout", "soon"], '--no-response-timeout: "soon" is not a number'],
    [["run", "build", "/nowhere/at/all"], "target '/nowhere/at/all' is not a directory"],
    [["workflow"], "missing required argument 'name'"],
    [["pull"], "`pull` is not part of Slipway"],
    [["completion", "cmd"], 'no completion for the shell "cmd"'],
  ])("%j is wrong usage: exit 2, said on stderr", async (args, message) => {
    const ended = await runProgram(args, { cwd: "/" });
    expect(ended.stderr).toContain(message);
    expect(ended.stdout).toBe("");
    expect(ended.code).toBe(2);
  });

  test("--help shows commands and examples", async () => {
    const ended = await runProgram(["run", "--help"], { cwd: "/" });
    expect(ended.code).toBe(0);
    expect(ended.stdout).toContain("Examples:");
    expect(ended.stdout).toContain("--engine <name>");
    expect(ended.stdout).not.toContain("--oci-bucket");
  });

  test("check tells problems with their place and exits 1; --json is one object", async () => {
    await using place = await projectWith({ "slipway.yml": "box: busybox\nbuild:\n  steps: 5\n" });
    const text = await runProgram(["check"], { cwd: place.dir });
    expect(text.stdout).toContain("slipway.yml:3:");
    const json = await runProgram(["check", "--json"], { cwd: place.dir });
    const report = JSON.parse(json.stdout);
    expect(report.problems[0]).toMatchObject({ line: 3 });
    expect(Object.keys(report)).toEqual(["problems", "box", "services", "pipelines", "workflows"]);
  });

  test("check of nothing says what was looked for", async () => {
    await using place = await projectWith({});
    const ended = await runProgram(["check"], { cwd: place.dir });
    expect(ended.stderr).toContain("looked for slipway.yml, .slipway.yml, wercker.yml, .wercker.yml");
    expect(ended.code).toBe(1);
  });

  test("schema prints a JSON Schema", async () => {
    const ended = await runProgram(["schema"], { cwd: "/" });
    expect(JSON.parse(ended.stdout)).toMatchObject({ $schema: expect.stringContaining("json-schema.org") });
  });

  test("init writes a file that check accepts, and never over another", async () => {
    await using place = await projectWith({ "package.json": "{}" });
    const first = await runProgram(["init"], { cwd: place.dir });
    expect(first.code).toBe(0);
    expect((await runProgram(["check"], { cwd: place.dir })).code).toBe(0);
    await writeFile(path.join(place.dir, "slipway.yml"), "box: mine\n");
    const second = await runProgram(["init"], { cwd: place.dir });
    expect(second.code).toBe(1);
    expect(second.stderr).toContain("is there already");
    expect(await readFile(path.join(place.dir, "slipway.yml"), "utf8")).toBe("box: mine\n");
  });

  test("doctor --json is one object with a finding for each thing", async () => {
    await using place = await projectWith({});
    const ended = await runProgram(["doctor", "--json"], {
      cwd: place.dir,
      env: { DOCKER_HOST: "unix:///nowhere.sock" },
    });
    const { ready, findings } = JSON.parse(ended.stdout);
    expect(ready).toBe(false);
    expect(ended.code).toBe(1);
    expect(findings).toContainEqual(
      expect.objectContaining({
        name: "docker",
        status: "lack",
        detail: expect.stringContaining("/nowhere.sock"),
      }),
    );
  });
});

describe("a run on the host engine", () => {
  test("that passes exits 0 and shows what the steps print", async () => {
    await using place = await project();
    const ended = await runProgram(["run", "--engine", "host"], { cwd: place.dir, env: { X_WHO: "reader" } });
    expect(ended.stdout).toContain("hello from reader\n");
    expect(ended.stdout).toContain("build passed in ");
    expect(ended.code).toBe(0);
  });

  test("that fails exits 1, names step and status, and runs the after-steps", async () => {
    await using place = await project();
    const ended = await runProgram(["run", "fail"], { cwd: place.dir, env: { SLIPWAY_ENGINE: "host" } });
    expect(ended.stdout).toContain('at step "refuse"');
    expect(ended.stdout).toMatch(/\| .*\b7\b/);
    expect(ended.stdout).toContain("after failed\n");
    expect(ended.code).toBe(1);
  });

  test("--json prints valid events without gaps, from run-started to run-finished", async () => {
    await using place = await project();
    const ended = await runProgram(["run", "fail", "--engine", "host", "--json"], { cwd: place.dir });
    const events = eventsOf(ended.stdout);
    expect(events.map(event => event.seq)).toEqual(events.map((_, index) => index + 1));
    expect(events[0]!.type).toBe("run-started");
    expect(events.at(-1)).toMatchObject({ type: "run-finished", outcome: "failed", exitCode: 1 });
  });

  test("of an unknown pipeline fails with what comes close, also as events", async () => {
    await using place = await project();
    const ended = await runProgram(["run", "biuld", "--json", "--engine", "host"], { cwd: place.dir });
    expect(eventsOf(ended.stdout).at(-1)).toMatchObject({
      outcome: "failed",
      message: expect.stringContaining("Did you mean build"),
    });
    expect(ended.code).toBe(1);
  });

  test("is never chosen by itself: without a daemon the run is broken and says where it looked", async () => {
    await using place = await project();
    const env = { DOCKER_HOST: "unix:///nowhere.sock" };
    const auto = await runProgram(["run"], { cwd: place.dir, env });
    expect(auto.stdout).toContain("unix:///nowhere.sock: there is no such socket");
    expect(auto.stdout).toContain("--engine host");
    expect(auto.code).toBe(3);
    const any = await runProgram(["run", "--engine", "any"], { cwd: place.dir, env });
    expect(any.stdout).toContain("using the host engine");
    expect(any.code).toBe(0);
  });

  test("runs every combination of a matrix, or the chosen one", async () => {
    await using place = await project();
    const all = await runProgram(["run", "matrix", "--engine", "host"], { cwd: place.dir });
    expect(all.stdout).toContain("[red] color red\n");
    expect(all.stdout).toContain("[blue] color blue\n");
    const args = ["run", "matrix", "--engine", "host", "--matrix", "color=red"];
    const one = await runProgram(args, { cwd: place.dir });
    expect(one.stdout).toContain("color red");
    expect(one.stdout).not.toContain("color blue");
  });

  test("a job travels as a file without its secrets, and runs with those of where it is run", async () => {
    await using place = await project();
    const dump = ["run", "secret", "--dump-job", "job.json"];
    const dumped = await runProgram(dump, { cwd: place.dir, env: { XXX_WORD: "swordfish" } });
    expect(dumped.code).toBe(0);
    expect(dumped.stdout).toContain("XXX_WORD");
    expect(await readdir(place.dir)).not.toContain(".slipway/builds");
    const text = await readFile(path.join(place.dir, "job.json"), "utf8");
    expect(text).not.toContain("swordfish");
    expect(JSON.parse(text)).toMatchObject({ version: 1, secrets: [{ name: "WORD", exported: true }] });
    const run = ["run", "--job", "job.json", "--engine", "host"];
    const ended = await runProgram(run, { cwd: place.dir, env: { XXX_WORD: "octopus" } });
    expect(ended.stdout).toContain("the word is ***");
    expect(ended.code).toBe(0);
  });

  test("a file that is no job is refused with what is wrong", async () => {
    await using place = await projectWith({ "job.json": '{"version":2}' });
    const ended = await runProgram(["run", "--job", "job.json", "--engine", "host"], { cwd: place.dir });
    expect(ended.stdout).toContain("no job of this version: version");
    expect(ended.code).toBe(1);
  });
});

describe("a run that is interrupted", () => {
  test.each(["SIGINT", "SIGTERM"] as const)(
    "by %s ends its processes, says so and exits 130",
    async signal => {
      await using place = await project();
      const program = startProgram(["run", "slow", "--engine", "host"], { cwd: place.dir });
      await program.shows("waiting\n");
      program.child.kill(signal);
      const ended = await program.ended;
      expect(ended.stdout).toContain("slow canceled");
      expect(ended.code).toBe(130);
    },
  );

  test("twice leaves at once and says what remains; a sweep removes it", async () => {
    await using place = await project();
    const stubborn = "trap '' TERM; echo waiting; while true; do sleep 1; done";
    await writeFile(
      path.join(place.dir, "slipway.yml"),
      `box: b\nbuild:\n  steps:\n    - script:\n        code: "${stubborn}"\n`,
    );
    const program = startProgram(["run", "--engine", "host"], { cwd: place.dir, env: { TMPDIR: place.dir } });
    await program.shows("waiting\n");
    program.child.kill("SIGINT");
    await program.shows("once more leaves at once");
    program.child.kill("SIGINT");
    const ended = await program.ended;
    expect(ended.code).toBe(130);
    expect(ended.stderr).toContain("Exiting forcefully");
    expect(ended.stderr).toContain(place.dir);
    const swept = await runProgram(["sweep"], {
      cwd: place.dir,
      env: { TMPDIR: place.dir, DOCKER_HOST: "unix:///nowhere.sock" },
    });
    expect(swept.stdout).toContain("ended process");
    expect(swept.stdout).toContain("host engine: 1 leftover removed");
    const { stdout } = await promisify(execFile)("ps", ["-e", "-o", "args"]);
    expect(stdout).not.toContain(place.dir);
  });

  test("by a reader that goes away is canceled too", async () => {
    await using place = await project();
    const program = startProgram(["run", "slow", "--engine", "host"], { cwd: place.dir });
    await program.shows("==> wait");
    program.child.stdout!.destroy();
    // Nothing more is written until someone writes: the cancel's own line finds the reader gone.
    program.child.kill("SIGTERM");
    expect((await program.ended).code).toBe(130);
  });
});

describe("under the name wercker", () => {
  test("lines go to stderr in its words, and a failed run exits 1", async () => {
    await using place = await project();
    const link = path.join(place.dir, "wercker");
    await symlink(main, link);
    const env = { SLIPWAY_ENGINE: "host", NO_COLOR: "1" };
    const passed = await runProgram(["build"], { cwd: place.dir, as: link, env });
    expect(passed.stdout).toBe("");
    expect(passed.stderr).toMatch(/^--> Executing pipeline: build$/m);
    expect(passed.stderr).toMatch(/^--> Steps passed: \d+\.\d\ds$/m);
    expect(passed.stderr).toMatch(/^--> Pipeline finished: \d+\.\d\ds$/m);
    expect(passed.code).toBe(0);
    expect(await readdir(place.dir)).toContain(".wercker");
    const failed = await runProgram(["--pipeline", "fail", "build"], { cwd: place.dir, as: link, env });
    expect(failed.stderr.trimEnd().split("\n").at(-1)).toBe("FATAL Step failed: refuse");
    expect(failed.code).toBe(1);
    expect((await runProgram(["build", "--nonsense"], { cwd: place.dir, as: link })).code).toBe(1);
  });
});
