// After each test nothing that it started may live on: no child process, no open server or socket.

import { afterEach, expect } from "vitest";

afterEach(() => {
  const kinds = new Set(["ProcessWrap", "TCPServerWrap", "PipeServerWrap"]);
  const left = process.getActiveResourcesInfo().filter(kind => kinds.has(kind));
  expect(left, "a test left processes or servers behind").toEqual([]);
});
