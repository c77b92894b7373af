// Pages that stay open: ten of them cost one stream, one that slept looks again, and as many changes as a
// busy day brings leave nothing behind.

import type { CDPSession, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { endOf, startRun } from "../server/projects.ts";
import { eventually } from "../server/server-process.ts";
import { watchPage } from "./browser.ts";
import { everyPage, type Seeded, seedPages } from "./seed-pages.ts";
import { openSettled } from "./settled.ts";
import { openWatchedFront, type WatchedFront } from "./watched-front.ts";
import { startWorld, type World } from "./world.ts";

const stream = "/api/v1/changes";
const file = 'build:\n  steps:\n    - script: { name: say, code: "echo said by build" }\n';
let world: World;
let front: WatchedFront;
let seeded: Seeded;
beforeAll(async () => {
  world = await startWorld({ flags: ["--engine", "host", "--capacity", "4"] });
  front = await openWatchedFront(world.server.url);
  seeded = await seedPages(world.server.client);
});
afterAll(async () => {
  await front?.[Symbol.asyncDispose]();
  await world?.[Symbol.asyncDispose]();
});

const newest = (page: Page, number: number) =>
  page
    .getByRole("listitem")
    .filter({ has: page.getByRole("link", { name: `#${number} build` }) })
    .locator('[data-state="passed"]')
    .waitFor();

test("ten pages of a browser hold one stream and no more connections than HTTP/1.1 has", async () => {
  const first = await world.admin({ baseURL: front.url });
  const pages = [first];
  while (pages.length < 10) pages.push(await first.context().newPage());
  const wrongs = pages.map(page => watchPage(page, front.url));
  const places = everyPage(seeded).filter(path => !path.startsWith("/sign-in") && !path.includes("nothing"));
  await Promise.all(
    pages.map((page, at) => openSettled(page, at < 3 ? "/projects/main/app" : places[at + 6]!)),
  );
  await eventually(async () => front.open(stream) === 1, "one stream");
  const run = await startRun(world.server.client, file);
  const { number } = await endOf(world.server.client, run);
  await Promise.all(pages.slice(0, 3).map(page => newest(page, number)));
  expect(front.open(stream)).toBe(1);
  expect(front.mostConnections()).toBeLessThanOrEqual(6);
  expect(wrongs.flatMap(wrong => wrong())).toEqual([]);
  // The last page takes the stream with it.
  await first.context().close();
  await eventually(async () => front.open(stream) === 0, "the end of the stream");
});

test("a page that was stopped shows what has happened meanwhile", async () => {
  const page = await world.admin({ baseURL: front.url });
  const wrong = watchPage(page, front.url);
  await openSettled(page, "/projects/main/app");
  const devtools = await page.context().newCDPSession(page);
  // As a machine that sleeps, or a browser that saves power: no script of the page runs, and what comes for it waits.
  await devtools.send("Debugger.enable");
  const stopped = new Promise(resolve => devtools.once("Debugger.paused", resolve));
  await devtools.send("Debugger.pause");
  await stopped;
  const run = await startRun(world.server.client, file);
  const { number } = await endOf(world.server.client, run);
  // It really stands still: a page that is awake would show it by now.
  await new Promise(resolve => setTimeout(resolve, 1500));
  const text = await textOf(devtools);
  expect([text.includes(`#${number - 1} `), text.includes(`#${number} `)]).toEqual([true, false]);
  await devtools.send("Debugger.disable");
  await newest(page, number);
  expect(wrong()).toEqual([]);
  await page.context().close();
});

/** What stands in a page, without a script of it having to run. */
async function textOf(devtools: CDPSession): Promise<string> {
  const { root } = await devtools.send("DOM.getDocument");
  return (await devtools.send("DOM.getOuterHTML", { nodeId: root.nodeId })).outerHTML;
}

/** Changes of two projects that are built all the time. */
const day = 40_000;

interface Size {
  heap: number;
  nodes: number;
  listeners: number;
}

async function sizeOf(devtools: CDPSession): Promise<Size> {
  for (let round = 0; round < 3; round++) await devtools.send("HeapProfiler.collectGarbage");
  const { usedSize } = await devtools.send("Runtime.getHeapUsage");
  const { nodes, jsEventListeners } = await devtools.send("Memory.getDOMCounters");
  return { heap: usedSize, nodes, listeners: jsEventListeners };
}

test("a day of changes leaves an open page as large as it was, and is no storm of calls", async () => {
  const page = await world.admin({ baseURL: front.url });
  const wrong = watchPage(page, front.url);
  await openSettled(page, "/projects/main/app");
  await eventually(async () => front.open(stream) === 1, "the stream");
  const devtools = await page.context().newCDPSession(page);
  const { id } = await world.server.client.findRun({
    params: { organisation: "main", project: "app", number: seeded.passed.number },
  });
  const changes = {
    runs: [{ id, organisation: "main", project: "app" }],
    said: [id],
    logs: [],
    queue: true,
  };
  const list = "/api/v1/projects/main/app/runs";
  const changed = async (times: number) => {
    for (let at = 0; at < times; at++) {
      front.tell(changes);
      if (at % 20 === 0) await new Promise(resolve => setTimeout(resolve, 5));
    }
    const before = front.asked(list);
    front.tell(changes);
    await eventually(async () => front.asked(list) > before, "a look at what has changed");
  };
  await changed(4000);
  const [before, asked, began] = [await sizeOf(devtools), front.asked(list), Date.now()];
  await changed(day);
  const calls = front.asked(list) - asked;
  expect(calls).toBeGreaterThan(3);
  expect(calls).toBeLessThanOrEqual((Date.now() - began) / 1000 + 2);
  const after = await sizeOf(devtools);
  // Whatever is kept of each change is seen, were it one number.
  expect((after.heap - before.heap) / day).toBeLessThan(32);
  expect(after.nodes).toBeLessThan(before.nodes * 1.1 + 50);
  expect(after.listeners).toBeLessThan(before.listeners * 1.1 + 20);
  expect(wrong()).toEqual([]);
  await page.context().close();
});
