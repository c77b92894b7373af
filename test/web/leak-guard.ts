// A file of browser tests shares one server and one browser; after its last test nothing of them may live on.

import { afterAll, expect } from "vitest";

const kinds = new Set(["ProcessWrap", "TCPServerWrap", "PipeServerWrap"]);

afterAll(async () => {
  // A handle whose end was already told is taken down a few turns of the event loop later.
  for (let turn = 0; turn < 10 && handles().length > 0; turn++) await new Promise(setImmediate);
  expect(handles(), "the tests left processes or servers behind").toEqual([]);
});

function handles(): string[] {
  return process.getActiveResourcesInfo().filter(kind => kinds.has(kind));
}
