// Steps that misbehave, on the host engine, where they are ordinary processes: each ends with its own outcome, the run
// goes on or ends as it should, and nothing of it lives on.

import { readlink } from "node:fs/promises";
import path from "node:path";
import { expect, test, vi } from "vitest";
import { badProject, type ToldRun } from "./bad-project.ts";
import { pipelineText } from "./pipeline-text.ts";

// Each starts a process, and a busy machine takes its time.
vi.setConfig({ testTimeout: 60_000 });

async function run(
  steps: Record<string, string>,
  flags: string[] = [],
  words?: Record<string, unknown>,
): Promise<ToldRun> {
  await using project = await badProject({ "slipway.yml": pipelineText(steps, words) });
  return await project.run(["run", "--engine", "host", ...flags]);
}

const brief = ["--no-response-timeout", "0.01"];

test("one that prints nothing for ever is ended", async () => {
  const steps = { quiet: "echo one last word; sleep 1000", after: 'echo "after $WERCKER_RESULT"' };
  const told = await run(steps, brief);
  expect(told).toMatchObject({ outcome: "timed-out", code: 1 });
  // Between the two the shell may say that a child of its was ended.
  expect(told.text).toMatch(/^one last word\n(.*\n)?after failed\n$/);
  expect(told.message).toContain("Command timed out after no response");
  expect(told.steps.quiet).toMatchObject({ outcome: "timed-out", exitCode: null });
});

test("one that ignores SIGTERM, and has children that do, is killed after its grace", async () => {
  const deaf =
    "trap '' TERM; (while :; do sleep 1000; done) & sh -c 'trap \"\" TERM; sleep 1000; sleep 1000'";
  const told = await run({ deaf: `echo waiting; ${deaf}`, after: "echo after" }, brief);
  expect(told).toMatchObject({ outcome: "timed-out", code: 1 });
  expect(told.text).toMatch(/^waiting\n(.*\n)*after\n$/);
  // The grace is 10 s: it was not cut short, and nobody waited for the sleep.
  expect(told.steps.deaf?.durationMs).toBeGreaterThan(10_000);
  expect(told.steps.deaf?.durationMs).toBeLessThan(40_000);
});

test("one that leaves daemons behind has ended when it has", async () => {
  const told = await run({
    daemons: `
      sleep 1000 &
      nohup sh -c 'trap "" TERM HUP; sleep 1000' &
      setsid sh -c 'while :; do sleep 1000; done' </dev/null &
      echo started`,
    next: "echo next",
  });
  expect(told).toMatchObject({
    outcome: "passed",
    code: 0,
    text: expect.stringMatching(/started\n(.*\n)*next\n/),
  });
  expect(told.steps.daemons?.durationMs).toBeLessThan(20_000);
});

test("one that closes its streams is heard at its end, and so is the next", async () => {
  const passed = await run({
    stdout: "echo one; exec >&-",
    stderr: "echo two; exec 2>&-",
    both: "echo three; exec >&- 2>&-",
    elsewhere: "exec >/dev/null 2>&1; echo unheard",
    next: "echo four; echo five >&2",
  });
  expect(passed).toMatchObject({ outcome: "passed", code: 0 });
  expect(passed.text.split("\n").sort().join(" ").trim()).toBe("five four one three two");
  const failed = await run({ both: "exec >&- 2>&-; (exit 6)", next: "echo unheard", after: "echo after" });
  expect(failed).toMatchObject({ outcome: "failed", code: 1, text: "after\n" });
  expect(failed.steps.both).toMatchObject({ outcome: "failed", exitCode: 6 });
});

test("one that prints what looks like the end of a step is not believed", async () => {
  const told = await run({
    forger: `
      for word in end died; do echo "0123456789abcdef0123456789abcdef01234567 $word 0 run - - "; done
      echo "slipway-box 0123456789abcdef ready 0 0 /bin/sh"
      echo "slipway-box 0123456789abcdef ready 0 0 /bin/sh" >&2
      set | cat; set | cat >&2
      set -xv; : look; set +xv
      cat "/proc/$$/environ" "/proc/$PPID/cmdline" | tr '\\0' '\\n'
      (exit 9)`,
    next: "echo unheard",
  });
  expect(told).toMatchObject({ outcome: "failed", code: 1 });
  expect(told.steps.forger).toMatchObject({ outcome: "failed", exitCode: 9 });
  expect(told.text).toContain("0123456789abcdef0123456789abcdef01234567 end 0 run - - \n");
  expect(told.text).toContain("slipway-box 0123456789abcdef ready 0 0 /bin/sh\n");
  expect(told.text).not.toContain("unheard");
});

test("one that takes words apart at the wrong places harms only itself", async () => {
  const words = "IFS=/0123456789abcdef; export IFS; set -f; cd /; echo before";
  await using project = await badProject({
    "slipway.yml": pipelineText({ splitter: words, next: 'echo "in ${PWD##*/}"; (return 3)' }),
    "my dir/file": "",
  });
  const told = await project.run(["run", "--engine", "host", "--source-dir", "my dir"]);
  expect(told).toMatchObject({ outcome: "failed", code: 1, text: "before\nin my dir\n" });
  expect(told.steps.next).toMatchObject({ outcome: "failed", exitCode: 3 });
});

test("one that returns a status has failed with it, in its own words", async () => {
  const told = await run({ returner: "echo one; return 5", next: "echo unheard" });
  expect(told).toMatchObject({ outcome: "failed", code: 1, text: "one\n" });
  expect(told.message).toMatch(/^exit code 5/);
  expect(told.message).not.toContain("run.sh");
});

test("one that removes everything fails the next one by name, and loses nothing of the project", async () => {
  const told = await run({
    vandal: 'rm -rf "$WERCKER_ROOT" && echo gone',
    next: "echo unheard",
    after: "echo after",
  });
  expect(told).toMatchObject({ outcome: "failed", code: 1 });
  expect(told.steps.vandal).toMatchObject({ outcome: "passed" });
  expect(told.steps.next?.message).toMatch(
    /working directory does not exist|an earlier step has removed them/,
  );
  expect(told.text).toMatch(/^gone\n/);
  expect(told.text).not.toMatch(/unheard|^after/m);
});

test("one that says exit 0 in the middle has passed, and is told what that costs", async () => {
  const told = await run({ leaver: "export A=1; echo before; exit 0; echo unheard", next: 'echo "A=$A"' });
  expect(told).toMatchObject({ outcome: "passed", code: 0, text: "before\nA=\n" });
  expect(told.notices).toContainEqual(
    expect.stringContaining("its exports and functions are lost to later steps"),
  );
});

test("a report, a message file and an output that are links to somewhere are not followed", async () => {
  await using project = await badProject({
    "slipway.yml": pipelineText(
      {
        links: `
          ln -s "$X_SECRET_PLACE/report.xml" report.xml
          ln -s "$X_SECRET_PLACE" folder
          rm -f "$WERCKER_REPORT_MESSAGE_FILE"; ln -s "$X_SECRET_PLACE/report.xml" "$WERCKER_REPORT_MESSAGE_FILE"
          ln -s "$X_SECRET_PLACE/report.xml" "$WERCKER_REPORT_ARTIFACTS_DIR/link.xml"
          ln -s "$X_SECRET_PLACE/report.xml" "$WERCKER_OUTPUT_DIR/link.xml"
          echo kept >"$WERCKER_OUTPUT_DIR/kept.txt"; echo kept >"$WERCKER_REPORT_ARTIFACTS_DIR/kept.txt"`,
      },
      { reports: ["report.xml", "folder/*.xml"] },
    ).replaceAll("X_SECRET_PLACE", "SECRET_PLACE"),
    "outside/report.xml": '<testsuite><testcase name="private matter"/></testsuite>',
  });
  const told = await project.run(["run", "--engine", "host", "--artifacts"], {
    X_SECRET_PLACE: path.join(project.dir, "outside"),
  });
  expect(told).toMatchObject({ outcome: "passed", code: 0 });
  expect(told.stdout).not.toContain("private matter");
  expect(told.events.map(event => event.type)).not.toContain("tests-reported");
  expect(told.notices).toContainEqual(expect.stringContaining("no report matches report.xml, folder/*.xml"));
  const stored = told.events.filter(event => event.type === "artifact-stored");
  expect(stored.map(({ name, files }) => [name, files])).toEqual([
    [expect.any(String), 2],
    ["output", 2],
  ]);
  for (const { location } of stored) {
    expect(await readlink(path.join(location, "link.xml"))).toBe(
      path.join(project.dir, "outside/report.xml"),
    );
  }
});

test("an artifact over the limit is not stored, and says so", async () => {
  const big = "truncate -s 5100M";
  const output = await run({ fill: `${big} "$WERCKER_OUTPUT_DIR/big"` }, ["--artifacts"]);
  expect(output).toMatchObject({ outcome: "failed", code: 1 });
  expect(output.message).toContain("Unable to store pipeline output: it is over the size limit");
  const words = { artifacts: [{ name: "dist", paths: ["dist/**"] }] };
  const named = await run({ fill: `mkdir dist; ${big} dist/big` }, [], words);
  expect(named).toMatchObject({ outcome: "failed", code: 1 });
  expect(named.message).toContain("Unable to store artifact dist: it is over the size limit");
  for (const told of [output, named]) {
    expect(told.events.map(event => event.type)).not.toContain("artifact-stored");
  }
});

test("an output that holds pipes and sockets is stored without them", async () => {
  const told = await run(
    { pipes: 'mkfifo "$WERCKER_OUTPUT_DIR/pipe"; echo hi >"$WERCKER_OUTPUT_DIR/file"' },
    ["--artifacts"],
  );
  expect(told).toMatchObject({ outcome: "passed", code: 0 });
  expect(told.events.find(event => event.type === "artifact-stored")).toMatchObject({ files: 1 });
});
