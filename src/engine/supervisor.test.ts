import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { greetingPrefix, supervisorCommand } from "./supervisor.ts";

const shells = [
  ["/bin/sh"],
  ["/bin/dash"],
  ["/bin/bash", "--posix"],
  ["/bin/bash"],
  ["/bin/busybox", "sh"],
].filter(([file]) => existsSync(file ?? ""));

/** A supervisor run by the given shell, whose session shell is /bin/sh. */
async function supervised(shell: string[], sessionShell = ["/bin/sh"]) {
  const [file, ...before] = shell;
  const child = spawn(file ?? "", [...before, ...supervisorCommand("nonce", sessionShell).slice(1)]);
  const said = { stdout: "", stderr: "" };
  const ended = once(child, "close");
  const waiting = new Set<() => void>();
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream].setEncoding("utf8").on("data", text => {
      said[stream] += text;
      for (const look of waiting) look();
    });
  }
  const heard = (text: string) =>
    new Promise<void>(resolve => {
      const look = () => {
        if (said.stdout.includes(text) && said.stderr.includes(text)) resolve();
      };
      waiting.add(look);
      look();
    });
  await heard(greetingPrefix("nonce"));
  return { child, said, heard, ended };
}

test.each(shells)("%s %s: a signal between two session shells does not end the box", async (...shell) => {
  const box = await supervised(shell.filter(word => word !== undefined));
  box.child.kill("SIGTERM");
  box.child.stdin.write("start A B split\nkill -9 $$\n");
  await box.heard("AB end 137");
  box.child.kill("SIGINT");
  box.child.stdin.write("start C D split\nexit 3\n");
  await box.heard("CD end 3");
  box.child.stdin.write("exit 7\n");
  expect(await box.ended).toEqual([7, null]);
});

test("stderr joins stdout when told so, and only then", async () => {
  const box = await supervised(["/bin/sh"]);
  box.child.stdin.write("start A B merged\necho together >&2; exit 0\n");
  await box.heard("AB end 0");
  box.child.stdin.write("start C D split\necho apart >&2; exit 0\n");
  await box.heard("CD end 0");
  box.child.stdin.end();
  await box.ended;
  expect(box.said.stdout).toContain("together");
  expect(box.said.stderr).not.toContain("together");
  expect(box.said.stderr).toContain("apart");
  expect(box.said.stdout).not.toContain("apart");
});

test("a session shell that cannot be started is an end like any other", async () => {
  const box = await supervised(["/bin/sh"], ["/no/such/shell"]);
  box.child.stdin.write("start A B split\n");
  await box.heard("AB end 127");
  box.child.stdin.end();
  expect(await box.ended).toEqual([0, null]);
});
