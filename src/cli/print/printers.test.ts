// What people and programs read of a run, whole.

import { Writable } from "node:stream";
import { expect, test } from "vitest";
import type { NewEvent, RunEvent } from "../../core/events.ts";
import type { Clock } from "../../lib/clock.ts";
import { failing, numbered, passing, unborn } from "../fixtures/sample-run.ts";
import { colorsFor } from "./colors.ts";
import { createJsonPrinter } from "./json.ts";
import { type Output, streamOutput } from "./output.ts";
import { createPlainPrinter } from "./plain.ts";
import type { Printer } from "./printer.ts";
import { createTerminalPrinter } from "./terminal.ts";
import { createWerckerPrinter } from "./wercker.ts";

const stillClock: Clock = { now: () => Date.UTC(2026, 0, 1), monotonic: () => 0, after: () => () => {} };

function memory(): { out: Output; text(): string } {
  const chunks: Buffer[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk);
      done();
    },
  });
  return { out: streamOutput(stream), text: () => Buffer.concat(chunks).toString("utf8") };
}

async function print(printer: Printer, events: RunEvent[], label?: string): Promise<void> {
  const sink = printer.open(label);
  for (const event of events) await sink(event);
  await printer.close();
}

function plain(out: Output, verbose = false): Printer {
  return createPlainPrinter({
    out,
    colors: colorsFor(false),
    verbose,
    quietSteps: false,
    command: "slipway run build",
  });
}

function wercker(
  err: Output,
  more: { verbose?: boolean; form?: "text" | "debug" | "json"; colors?: boolean } = {},
) {
  return createWerckerPrinter({
    err,
    colors: more.colors ?? false,
    verbose: more.verbose ?? false,
    form: more.form ?? "text",
    quietSteps: false,
    clock: stillClock,
  });
}

test("a passed run in plain lines", async () => {
  const { out, text } = memory();
  await print(plain(out), passing);
  expect(text()).toBe(`Running build of shop (engine docker, run 5f0000000000000000000001)
==> setup environment
Pulling from library/node
note: Copying source to container
--- setup environment passed 1.02s
==> wercker-init
--- wercker-init passed 0.02s
==> unit tests
ok 1
ok 2
--- unit tests passed 1.50s
==> tell the team (after-step)
--- tell the team passed 0.12s

  tests     12 run, 0 failed, 1 skipped
  artifact  output: 3 files, 20.5 kB, in /p/.slipway/out

build passed in 6.00s
`);
});

test("a failed run says where, with what status, and what to do next", async () => {
  const { out, text } = memory();
  await print(plain(out), failing);
  expect(text()).toContain("--- unit tests failed (exit 3) 0.41s\n");
  expect(text().slice(text().indexOf("build failed"))).toBe(`build failed in 3.10s, at step "unit tests"
  | exit status 3 at \`npm test\`
  | last output:
  | ok 2
  To look around in the box as that step left it: slipway run build --attach-on-error
`);
});

test("a run that never began has its reason below it", async () => {
  const { out, text } = memory();
  await print(plain(out), unborn);
  expect(text()).toContain("build failed in 1.02s\n  | No pipeline named biuld\n  | Did you mean build?\n");
});

test("runs side by side carry their label on every line, also on one that was left open", async () => {
  const { out, text } = memory();
  await print(plain(out), passing, "node-20");
  const lines = text().split("\n").slice(0, -1);
  expect(lines.filter(line => !line.startsWith("[node-20]"))).toEqual([]);
  expect(lines).toContain("[node-20] ok 2");
});

test("NDJSON is the events and nothing else; remarks of the program go to the other stream", async () => {
  const stdout = memory();
  const stderr = memory();
  const printer = createJsonPrinter({ out: stdout.out, err: stderr.out, verbose: false });
  await printer.say("warning", "--report has no effect here");
  await print(printer, passing);
  const lines = stdout.text().trimEnd().split("\n");
  expect(lines.map(line => JSON.parse(line))).toEqual(JSON.parse(JSON.stringify(passing)));
  expect(stderr.text()).toBe("slipway: warning: --report has no effect here\n");
});

test("bytes that are no UTF-8 go through unharmed", async () => {
  const chunks: Buffer[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk);
      done();
    },
  });
  const bytes = Buffer.from([0xff, 0x00, 0xfe, 10]);
  const log: NewEvent = {
    type: "log",
    step: "s",
    stream: "stdout",
    offset: 0,
    bytes: bytes.toString("base64"),
  };
  await print(plain(streamOutput(stream)), numbered([log]));
  expect(Buffer.concat(chunks)).toEqual(bytes);
});

test("wercker mode, passed: the lines of that program to the letter", async () => {
  const { out, text } = memory();
  await print(wercker(out), passing);
  expect(text()).toBe(`--> Executing pipeline: build
--> Running step: setup environment
Pulling from library/node
--> Copying source to container
--> Running step: wercker-init
--> Running step: unit tests
ok 1
ok 2
--> Tests: 12 run, 0 failed, 1 skipped
--> Steps passed: 2.00s
--> Starting after-steps
--> Running after-step: tell the team
--> After-step passed: tell the team 0.12s
--> Pipeline finished: 6.00s
`);
});

test("wercker mode, failed: message, step, pipeline, FATAL", async () => {
  const { out, text } = memory();
  await print(wercker(out), failing);
  expect(text().slice(text().indexOf("ok 2") + 5)).toBe(`--> exit status 3 at \`npm test\`
--> Step failed: unit tests exit status 3 at \`npm test\` 0.41s
--> Pipeline failed: 3.10s
FATAL Step failed: unit tests
`);
});

test("wercker mode: a failure before the steps ends with Exiting", async () => {
  const { out, text } = memory();
  await print(wercker(out), unborn);
  expect(text()).toBe(`--> Executing pipeline: build
ERROR --> Step failed: setup environment 1.02s
ERROR No pipeline named biuld
Did you mean build?
FATAL Exiting.
`);
});

test("wercker mode colours without asking for a terminal", async () => {
  const { out, text } = memory();
  await print(wercker(out, { colors: true, verbose: true }), failing);
  expect(text()).toContain("--> Running step: \x1b[33mwercker-init\x1b[m\n");
  expect(text()).toContain("--> \x1b[32mStep passed\x1b[m: \x1b[33mwercker-init\x1b[m 0.02s\n");
  expect(text()).toContain("--> \x1b[31mPipeline failed\x1b[m: ");
});

test("wercker mode with --debug and --log-json", async () => {
  const debug = memory();
  await print(wercker(debug.out, { form: "debug", verbose: true }), passing);
  expect(debug.text()).toContain(
    'time="2026-01-01T00:00:00Z" level=info msg="--> Running step: wercker-init"\n',
  );
  expect(debug.text()).toContain('[x] stdout "ok 1\\nok 2"\n');
  const json = memory();
  await print(wercker(json.out, { form: "json" }), failing);
  const last = json.text().trimEnd().split("\n").at(-1)!;
  expect(JSON.parse(last)).toEqual({
    level: "fatal",
    msg: "Step failed: unit tests",
    time: "2026-01-01T00:00:00Z",
  });
});

test("the live view leaves a whole log behind and takes its region away", async () => {
  const { out, text } = memory();
  let tick: (() => void) | undefined;
  const clock: Clock = {
    ...stillClock,
    after: (_ms, run) => {
      tick = run;
      return () => {};
    },
  };
  const printer = createTerminalPrinter({
    out,
    colors: colorsFor(false),
    verbose: false,
    quietSteps: false,
    command: "slipway run build",
    clock,
  });
  const sink = printer.open();
  for (const event of passing.slice(0, 9)) await sink(event);
  tick?.();
  const drawn = text().slice(text().lastIndexOf("▸ unit tests\n") + "▸ unit tests\n".length);
  // The open line of output and the status stand in the region.
  expect(drawn).toBe("ok 1\nok 2\x1b[0m\n⠙ build 2/2  unit tests 0.00s  0.00s\x1b[0m\n");
  for (const event of passing.slice(9)) await sink(event);
  await printer.close();
  const seen = text().slice(text().lastIndexOf("\x1b[J") + 3);
  expect(seen).toBe(`ok 2
✔ unit tests 1.50s
▸ tell the team
✔ tell the team 0.12s

  ✔ setup environment    1.02s
  ✔ wercker-init         0.02s
  ✔ unit tests           1.50s
  ✔ tell the team        0.12s
  tests     12 run, 0 failed, 1 skipped
  artifact  output: 3 files, 20.5 kB, in /p/.slipway/out

✔ build passed in 6.00s
`);
});
