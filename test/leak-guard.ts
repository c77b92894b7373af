// After each test nothing that it started may live on: no child process, no open server or socket.

import { afterEach, expect } from "vitest";

const kinds = new Set(["ProcessWrap", "TCPServerWrap", "PipeServerWrap"]);

afterEach(async () => {
  // A handle whose end was already told is taken down a few turns of the event loop later.
  for (let turn = 0; turn < 10 && handles().length > 0; turn++) await new Promise(setImmediate);
  expect(handles(), "a test left processes or servers behind").toEqual([]);
});

function handles(): string[] {
  return process.getActiveResourcesInfo().filter(kind => kinds.has(kind));
}
