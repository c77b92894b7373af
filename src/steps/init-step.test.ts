import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { initScript } from "./init-step.ts";

const shells = [["sh"], ["bash"], ["dash"], ["busybox", "sh"]].filter(
  ([program, ...rest]) => spawnSync(program!, [...rest, "-c", ":"]).status === 0,
);

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "slipway-init-"));
  writeFileSync(join(directory, "init.sh"), initScript);
});
afterAll(() => rmSync(directory, { recursive: true }));

/** Types `script` into a shell as the session does, after sourcing the init script. */
function type(shell: string[], script: string) {
  const message = join(directory, "message.txt");
  rmSync(message, { force: true });
  const child = spawnSync(shell[0]!, shell.slice(1), {
    cwd: directory,
    input: `. ./init.sh\n${script}\n`,
    env: { PATH: process.env.PATH, WERCKER_REPORT_MESSAGE_FILE: message },
    encoding: "utf8",
  });
  let written: string | undefined;
  try {
    written = readFileSync(message, "utf8");
  } catch {
    written = undefined;
  }
  return { status: child.status, stdout: child.stdout, stderr: child.stderr, message: written };
}

test("at least sh is there to be tested with", () => {
  expect(shells.length).toBeGreaterThan(0);
});

describe.each(shells.map(shell => ({ name: shell.join(" "), shell })))("in $name", ({ shell }) => {
  test("each message function prints its first argument in its colour", () => {
    const said = type(
      shell,
      `success "a  b"; info '%s \\n'; debug d x; warn "$(printf 'w\\nv')"; error e; info`,
    );
    const line = (colour: number, text: string) => `\u001b[${colour}m\u001b[1m${text}\u001b[m\n`;
    expect(said.stdout).toBe(
      line(32, "a  b") +
        line(37, "%s \\n") +
        line(38, "d") +
        line(33, "w\nv") +
        line(31, "error: e") +
        line(37, ""),
    );
    expect(said.stderr).toBe("");
    expect(said.status).toBe(0);
  });

  test("fail says it, writes the bare text to the message file and ends the shell with 1", () => {
    const said = type(shell, "fail 'no luck'\necho not reached");
    expect(said.stdout).toBe("\u001b[31m\u001b[1mfailed: no luck\u001b[m\n");
    expect(said).toMatchObject({ status: 1, message: "no luck" });
  });

  test("setMessage writes the message file and nothing else; one that cannot be written ends nothing", () => {
    expect(type(shell, "setMessage 'all good'")).toMatchObject({
      status: 0,
      stdout: "",
      message: "all good",
    });
    const lost = type(shell, "WERCKER_REPORT_MESSAGE_FILE=/nowhere/x\nsetMessage x\necho still here");
    expect(lost).toMatchObject({ status: 0, stdout: "still here\n" });
    expect(type(shell, "unset WERCKER_REPORT_MESSAGE_FILE\nsetMessage x\nfail y").status).toBe(1);
  });

  test("sudo is nothing", () => {
    expect(type(shell, "sudo echo as is")).toMatchObject({ status: 0, stdout: "as is\n" });
    writeFileSync(join(directory, "step.sh"), "sudo echo sourced\n");
    expect(type(shell, ". ./step.sh")).toMatchObject({ status: 0, stdout: "sourced\n" });
  });

  test("errexit is on afterwards", () => {
    expect(type(shell, "false\necho not reached")).toMatchObject({ status: 1, stdout: "" });
  });

  test("source works in every shell", () => {
    writeFileSync(join(directory, "given.sh"), "GIVEN=yes\n");
    expect(type(shell, "source ./given.sh\necho $GIVEN")).toMatchObject({ status: 0, stdout: "yes\n" });
  });

  test("may be sourced again, also under set -u", () => {
    expect(type(shell, "set -u\n. ./init.sh\ninfo\nsetMessage\necho ok").stdout).toContain("ok\n");
  });
});
