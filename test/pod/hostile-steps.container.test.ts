// Steps that turn against what runs them. They may spoil their own job, and end it, in words that tell why; they make
// nothing green, hold nothing up for ever, and reach nothing of the runner's.

import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { beforeAll, expect, test, vi } from "vitest";
import type { DaemonClient } from "../../src/engine/docker/daemon-client.ts";
import { testDaemon } from "../containers/docker-daemon.ts";
import { buildTestImages } from "../containers/test-images.ts";
import { runInPod } from "./pod-job.ts";

vi.setConfig({ testTimeout: 120_000 });

let client: DaemonClient;
beforeAll(async () => {
  client = await testDaemon();
  await buildTestImages(client);
});

const io = "/.slipway/io/box";

test("words that a step forges make nothing green", async () => {
  const lies = ["gone", "over 0", "ended 0", "live", "done 1 0 ok", "killed 5", "hello other", "seen 7"];
  for (const lie of lies) {
    await using job = await runInPod(client, { lie: `echo '${lie}' >${io}/word; sleep 0.3; exit 3` });
    expect(await job.runner.ended, lie).not.toBe(0);
    expect(job.platform.finished, lie).toMatchObject([{ outcome: expect.stringMatching(/failed|broken/) }]);
  }
});

test("markers that a step forges on the session's pipes make nothing green", async () => {
  await using job = await runInPod(client, {
    forge: `for f in out err; do printf 'AB end 0 -\\nslipway-box x ready 0 0 /bin/sh\\n' >${io}/$f; done; exit 3`,
    never: "echo not reached",
  });
  expect(await job.runner.ended).toBe(1);
  expect(job.messageOf("forge")).toMatch(/^exit code 3/);
  expect(job.log()).not.toContain("not reached");
});

test("orders that a step forges end its own box at most", async () => {
  await using job = await runInPod(client, { order: `echo 'exit 1 0' >${io}/control; sleep 5; exit 0` });
  expect(await job.runner.ended).toBe(3);
  expect(job.outcomeOf("order")).toBe("broken");
});

test.each(["word", "control", "in"])("a step that floods the pipe %s ends its own job", async name => {
  await using job = await runInPod(client, {
    flood: `sleep 1000 & /.slipway/bin/busybox timeout 6 /.slipway/bin/busybox yes "put 1 2 3" >${io}/${name}; exit 3`,
  });
  expect(await job.runner.ended).not.toBe(0);
  expect(["failed", "broken"]).toContain(job.platform.finished[0]?.outcome);
});

test("a step that fills the volume of the pipes harms nobody", async () => {
  await using job = await runInPod(client, {
    fill: "mkdir /.slipway/io/x; i=0; while [ $i -lt 2000 ]; do : >/.slipway/io/x/$i; i=$((i+1)); done; head -c 20000000 /dev/zero >/.slipway/io/full; true",
    on: 'echo o > "$WERCKER_OUTPUT_DIR/o"; echo on',
  });
  expect(await job.runner.ended).toBe(0);
  expect(job.log()).toBe("on\n");
  expect([...job.platform.artifacts.keys()]).toEqual(["output"]);
});

test("what stands in the place of a pipe is never opened by the runner", async () => {
  const secret = path.join(await mkdtemp(path.join(tmpdir(), "slipway-secret-")), "key");
  await writeFile(secret, "the runner's own");
  // The directories of runner and box are one file system here; in a Pod the link would lead into the runner's own.
  await using job = await runInPod(client, {
    links: `cd ${io}; for f in *; do rm $f; ln -s ${secret} $f; done; echo o > "$WERCKER_OUTPUT_DIR/o"`,
  });
  const code = await job.runner.ended;
  expect(await readFile(secret, "utf8")).toBe("the runner's own");
  for (const { bytes } of job.platform.artifacts.values())
    expect(bytes.toString("latin1")).not.toContain("own");
  expect([0, 1, 3]).toContain(code);
  await rm(path.dirname(secret), { recursive: true });
});

test("the tools cannot be replaced", async () => {
  await using job = await runInPod(client, {
    replace:
      "echo evil >/.slipway/bin/busybox && exit 9; rm /.slipway/bin/tar && exit 9; mv /.slipway/bin/cat /x && exit 9; true",
    after: 'echo o > "$WERCKER_OUTPUT_DIR/o"',
  });
  expect(await job.runner.ended).toBe(0);
  expect(await readdir(path.join(job.pod.ioDirectory, "..", "bin"))).toContain("busybox");
});

test.each([
  ["by one call", "kill -KILL -1; sleep 5; echo on"],
  [
    "one by one",
    "for p in /proc/[0-9]*; do [ ${p#/proc/} = $$ ] || kill -KILL ${p#/proc/}; done; sleep 5; exit 0",
  ],
  ["with STOP", "kill -STOP -1; sleep 1; kill -STOP 1; sleep 5; exit 3"],
])("a step that kills all it can, %s, ends its own job in time", async (_, code) => {
  await using job = await runInPod(
    client,
    { kill: code },
    { job: { limits: { commandMs: 15_000, noResponseMs: 15_000 } } },
  );
  const outcome = await job.runner.ended;
  expect(outcome).not.toBe(0);
  expect(job.platform.finished).toHaveLength(1);
});

test("a fork bomb ends by the cancel", async () => {
  await using job = await runInPod(client, {
    bomb: "echo up; i=0; while [ $i -lt 300 ]; do (trap '' TERM; while :; do (sleep 1); done) & i=$((i+1)); done; wait",
  });
  await job.platform.until(() => job.log().includes("up"));
  job.platform.cancel({ kind: "canceled", message: "no more" });
  expect(await job.runner.ended).toBe(130);
});
