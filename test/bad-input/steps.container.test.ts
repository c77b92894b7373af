// Steps that misbehave, in real boxes: each ends with its own outcome, the run goes on or ends as it should, and nothing
// of it stays at the daemon.

import { readdir, readlink } from "node:fs/promises";
import path from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import type { DaemonClient } from "../../src/engine/docker/daemon-client.ts";
import { testDaemon } from "../containers/docker-daemon.ts";
import { buildTestImages, testImages } from "../containers/test-images.ts";
import { badProject, type ToldRun } from "./bad-project.ts";
import { pipelineText } from "./pipeline-text.ts";

const docker = ["--engine", "docker", "--docker-local"];

let daemon: DaemonClient;

beforeAll(async () => {
  daemon = await testDaemon();
  await buildTestImages(daemon);
});

async function run(
  steps: Record<string, string>,
  more: { flags?: string[]; words?: Record<string, unknown>; box?: string } = {},
): Promise<ToldRun> {
  const text = pipelineText(steps, more.words, { box: more.box ?? testImages.sh });
  await using project = await badProject({ "slipway.yml": text }, daemon);
  return await project.run(["run", ...docker, ...(more.flags ?? [])]);
}

describe("a step", () => {
  test("that prints nothing for ever is ended, and after-steps run", async () => {
    const steps = {
      quiet: "echo last words; sleep 1000",
      behind: "echo unheard",
      after: 'echo "$WERCKER_RESULT"',
    };
    const told = await run(steps, { flags: ["--no-response-timeout", "0.02"] });
    expect(told).toMatchObject({ outcome: "timed-out", code: 1 });
    expect(told.text).toMatch(/^last words\n(Terminated\n)?failed\n$/);
    expect(told.message).toContain("Command timed out after no response");
  });

  test("that ignores SIGTERM is killed after its grace, with its children", async () => {
    const deaf = "trap '' TERM; (trap '' TERM; while :; do sleep 1; done) & while :; do sleep 1; done";
    const steps = { deaf: `echo waiting; ${deaf}`, after: "ps | grep -c '[s]leep 1' || echo alone" };
    const told = await run(steps, { flags: ["--command-timeout", "0.02"] });
    expect(told).toMatchObject({ outcome: "timed-out", code: 1 });
    expect(told.text).toMatch(/^waiting\n(.*\n)*0\nalone\n$/);
    expect(told.steps.deaf?.durationMs).toBeGreaterThan(10_000);
    expect(told.steps.deaf?.durationMs).toBeLessThan(30_000);
  });

  test("that leaves daemons behind has ended when it has", async () => {
    const told = await run({
      daemons:
        "sleep 1000 & (trap '' HUP TERM; sleep 1000) & setsid sh -c 'trap \"\" TERM; sleep 1000' & echo up",
      next: "echo next",
    });
    expect(told).toMatchObject({ outcome: "passed", code: 0, text: "up\nnext\n" });
    expect(told.steps.daemons?.durationMs).toBeLessThan(20_000);
  });

  test.for([testImages.sh, testImages.bash])(
    "that closes its streams is heard at its end (%s)",
    async box => {
      const told = await run(
        {
          stdout: "echo one; exec >&-",
          stderr: "echo two >&2; exec 2>&-",
          both: "exec >&- 2>&-",
          own: "exec 8>&- 9>&-; echo three",
          red: "echo four; exec >&- 2>&-; (exit 6)",
          behind: "echo unheard",
        },
        { box },
      );
      expect(told).toMatchObject({ outcome: "failed", code: 1 });
      expect(told.steps.red).toMatchObject({ outcome: "failed", exitCode: 6 });
      expect(told.text.split("\n").filter(Boolean).sort()).toEqual(["four", "one", "three", "two"]);
    },
  );

  test.for([testImages.sh, testImages.bash])(
    "that prints what looks like a marker is not believed (%s)",
    async box => {
      const told = await run(
        {
          forger: `
          for word in end died; do echo "0123456789abcdef0123456789abcdef01234567 $word 0 run - - "; done
          set | cat; set | cat >&2
          set -xv; : look; set +xv
          cat "/proc/$$/environ" "/proc/$PPID/cmdline" | tr '\\0' '\\n'
          (exit 9)`,
          behind: "echo unheard",
        },
        { box },
      );
      expect(told).toMatchObject({ outcome: "failed", code: 1 });
      expect(told.steps.forger).toMatchObject({ outcome: "failed", exitCode: 9 });
      expect(told.text).not.toContain("unheard");
    },
  );

  test("that says exit 0 in the middle has passed, and is told what that costs", async () => {
    const told = await run({ leaver: "export A=1; echo before; exit 0; echo unheard", next: 'echo "A=$A"' });
    expect(told).toMatchObject({ outcome: "passed", code: 0, text: "before\nA=\n" });
    expect(told.notices).toContainEqual(expect.stringContaining("its exports and functions are lost"));
  });
});

test("reports, message files and outputs that are links are not followed, in the box or here", async () => {
  const links = `
    ln -s /etc/passwd report.xml
    rm -f "$WERCKER_REPORT_MESSAGE_FILE"; ln -s /etc/passwd "$WERCKER_REPORT_MESSAGE_FILE"
    ln -s /etc/passwd "$WERCKER_OUTPUT_DIR/link.txt"; echo kept >"$WERCKER_OUTPUT_DIR/kept.txt"
    (exit 3)`;
  const text = pipelineText({ links }, { reports: ["report.xml"] }, { box: testImages.sh });
  await using project = await badProject({ "slipway.yml": text }, daemon);
  const told = await project.run(["run", ...docker, "--artifacts"]);
  expect(told).toMatchObject({ outcome: "failed", code: 1, text: "" });
  expect(told.stdout).not.toContain("root:x:0");
  expect(told.steps.links?.message).toMatch(/^exit code 3/);
  const files = await readdir(path.join(project.dir, ".slipway"), { recursive: true });
  for (const file of files.filter(name => path.basename(name) === "link.txt")) {
    expect(await readlink(path.join(project.dir, ".slipway", file))).toBe("/etc/passwd");
  }
});

test("an output over the limit is not stored, and the run says so", async () => {
  const told = await run({ fill: 'truncate -s 5100M "$WERCKER_OUTPUT_DIR/big"' }, { flags: ["--artifacts"] });
  expect(told).toMatchObject({ outcome: "failed", code: 1 });
  expect(told.message).toContain("Unable to store pipeline output: it is over the size limit");
  expect(told.events.map(event => event.type)).not.toContain("artifact-stored");
});
