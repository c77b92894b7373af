import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import type { TerminalRequest } from "../../engine/engine.ts";
import { contextUnderTest, type Given } from "./fixtures/context-under-test.ts";
import { publishStep } from "./publish-step.ts";
import { shell } from "./shell.ts";

const streams = { input: new PassThrough(), output: new PassThrough() };
const terminal = { ...streams, size: () => ({ columns: 80, rows: 24 }), onResize: () => () => {} };

async function open(given: Given) {
  const opened: TerminalRequest[] = [];
  const under = contextUnderTest({ terminal: async request => void opened.push(request), ...given });
  return { answer: await shell.run(under.context), opened };
}

test("opens a shell with the environment, the source directory and the code typed first", async () => {
  const options = { code: "make", cmd: 'bash -c "a b"' };
  const { answer, opened } = await open({ options, settings: { terminal } });
  expect(answer.outcome).toBe("passed");
  expect(opened[0]).toMatchObject({
    prelude: 'export A=1\ncd "$WERCKER_SOURCE_DIR"\nmake\n',
    command: ["bash", "-c", "a b"],
    input: streams.input,
  });
  const plain = await open({ settings: { terminal } });
  expect(plain.opened[0]).toMatchObject({ prelude: 'export A=1\ncd "$WERCKER_SOURCE_DIR"\n' });
  expect(plain.opened[0]!.command).toBeUndefined();
});

test("without a terminal, or an engine that can open one, it fails with what to do", async () => {
  expect((await open({})).answer).toMatchObject({
    outcome: "failed",
    message: "internal/shell needs a terminal, and there is none",
  });
  const { context } = contextUnderTest({ settings: { terminal } });
  expect((await shell.run(context)).message).toBe("this engine cannot open a shell in the box");
});

test("publish-step says that there is nowhere to publish to", async () => {
  const { context, said } = contextUnderTest({});
  expect((await publishStep.run(context)).message).toContain("not supported");
  expect(said.stdout).toContain("push a version tag");
});
