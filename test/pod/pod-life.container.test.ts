// The life of a Pod's box: it waits for its runner, serves it under every kind of first process, and ends with it.

import { beforeAll, expect, test, vi } from "vitest";
import type { DaemonClient } from "../../src/engine/docker/daemon-client.ts";
import { plainRequest } from "../../src/engine/fixtures/plain-request.ts";
import { noRunnerExitCode } from "../../src/engine/pod/pod-supervisor.ts";
import { scriptStep } from "../../src/remote/fixtures/claim-answer.ts";
import { testDaemon } from "../containers/docker-daemon.ts";
import { type TestPod, testPod } from "../containers/pod-box.ts";
import { buildTestImages, testImages } from "../containers/test-images.ts";
import { runInPod } from "./pod-job.ts";

vi.setConfig({ testTimeout: 60_000 });

let client: DaemonClient;
beforeAll(async () => {
  client = await testDaemon();
  await buildTestImages(client);
});

const boxOf = (image: string) => ({ image, shownImage: image, alias: "", env: [], ports: [], volumes: [] });

async function exitOf(pod: TestPod): Promise<number> {
  for (;;) {
    const { State } = await pod.inspect();
    if (!State.Running) return State.ExitCode;
    await new Promise(resolve => setTimeout(resolve, 20));
  }
}

test("a job passes in a Pod's box: source, cache, output, and the box exits as the job did", async () => {
  await using job = await runInPod(client, {
    look: "cat README; ls /.slipway/bin",
    make: 'echo c > "$WERCKER_CACHE_DIR/c"; echo o > "$WERCKER_OUTPUT_DIR/o"; export KEPT=kept',
    keep: "echo $KEPT",
  });
  expect(await job.runner.ended).toBe(0);
  expect(job.platform.violations).toEqual([]);
  expect(job.platform.finished).toMatchObject([{ outcome: "passed" }]);
  expect(job.log()).toMatch(/^read me\n.*kept\n$/s);
  expect([[...job.platform.artifacts.keys()], [...job.platform.caches.keys()]]).toEqual([["output"], [""]]);
  expect(await exitOf(job.pod)).toBe(0);
  expect(job.lastWords).toMatchObject([
    { outcome: "passed", reason: "finished", ...{ events: job.platform.events.length } },
  ]);
});

test("a failing step fails the job, after-steps see it, and the box exits with 1", async () => {
  await using job = await runInPod(
    client,
    { bad: "echo before; exit 3" },
    { job: { afterSteps: [scriptStep("after", 'echo "was $WERCKER_RESULT"')] } },
  );
  expect(await job.runner.ended).toBe(1);
  expect([job.outcomeOf("bad"), job.outcomeOf("after")]).toEqual(["failed", "passed"]);
  expect(job.log()).toContain("was failed");
  expect(await exitOf(job.pod)).toBe(1);
});

test("processes of a step take signals as in any container", async () => {
  await using job = await runInPod(client, {
    look: "grep SigIgn /proc/self/status; (kill -INT $$) ; echo on",
  });
  expect(await job.runner.ended).not.toBe(0);
  expect(job.log()).toMatch(/SigIgn:\s*0+\n/);
});

test.each<[string, { init?: boolean; entrypoint?: string[]; image?: string }]>([
  ["another first process", { init: true }],
  ["an entrypoint that becomes its arguments", { entrypoint: ["/bin/sh", "-c", 'exec "$@"', "entry"] }],
  ["an entrypoint that waits for its arguments", { entrypoint: ["/bin/sh", "-c", '"$@"; exit $?', "entry"] }],
  ["the image's own user", { image: testImages.nonroot }],
])("under %s a job passes, and a cancel reaches what ignores TERM", async (_, options) => {
  await using job = await runInPod(
    client,
    { first: "echo one; id -u", long: "trap '' TERM; sleep 1000 & echo up; while :; do sleep 1; done" },
    options,
  );
  await job.platform.until(() => job.log().includes("up\n"));
  job.platform.cancel({ kind: "canceled", message: "no more" });
  expect(await job.runner.ended).toBe(130);
  expect(job.outcomeOf("first")).toBe("passed");
  expect(await exitOf(job.pod)).toBe(130);
});

test("a box whose runner does not come gives up and says so", async () => {
  await using pod = await testPod(client, { waitSeconds: 1 });
  pod.io[Symbol.dispose]();
  await pod.startBox(boxOf(testImages.sh));
  expect(await exitOf(pod)).toBe(noRunnerExitCode);
  expect(pod.printed()).toContain("the runner of this Pod did not come within 1 s");
});

test("a box ends when its runner is gone, whatever runs in it", async () => {
  await using job = await runInPod(client, {
    long: "setsid sleep 1000 & trap '' TERM HUP; echo up; sleep 1000",
  });
  await job.platform.until(() => job.log().includes("up\n"));
  // As if its process had been killed: all ends of the pipes are closed.
  job.pod.engine.close();
  job.runner.stop(new Error("over"));
  expect(await exitOf(job.pod)).toBe(1);
  expect(await job.runner.ended).not.toBe(0);
});

test("a box that is killed breaks the job, which is told", async () => {
  await using job = await runInPod(client, { long: "echo up; sleep 1000" });
  await job.platform.until(() => job.log().includes("up\n"));
  await client.call({ method: "POST", path: `/containers/${job.pod.container()}/kill` });
  expect(await job.runner.ended).toBe(3);
  expect(job.outcomeOf("long")).toBe("broken");
  expect(job.messageOf("long")).toMatch(/the box was lost: .*killed/);
  expect(job.platform.finished).toMatchObject([{ outcome: "broken" }]);
});

test("link variables come from the image and from the file, and services are waited for", async () => {
  await using pod = await testPod(client, {
    describeImage: async () => ({
      env: [{ name: "GREETING", value: "from image" }],
      ports: [{ containerPort: 8080, protocol: "tcp" }],
    }),
  });
  await pod.startBox(boxOf(testImages.sh));
  const service = {
    ...boxOf(testImages.service),
    alias: "my-db",
    ports: [{ containerPort: 99, protocol: "udp" as const }],
  };
  const started = await pod.engine.start(
    plainRequest({
      box: boxOf(testImages.sh),
      services: [service],
    }),
  );
  if (!started.ok) throw new Error(started.refusal.message);
  await using workspace = started.value;
  const { channel } = workspace.box;
  await channel.write("start A B merged\nenv | grep ^MY_DB; exit\n");
  let text = "";
  for await (const { bytes } of channel.output) {
    text += Buffer.from(bytes);
    if (text.split("AB end").length > 2) break;
  }
  expect(text).toContain("MY_DB_PORT_8080_TCP=tcp://127.0.0.1:8080\n");
  expect(text).toContain("MY_DB_PORT_99_UDP_PORT=99\n");
  expect(text).toContain("MY_DB_ENV_GREETING=from image\n");
});
