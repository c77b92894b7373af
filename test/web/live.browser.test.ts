// Pages that stay open: ten at once in one browser, a server that is killed and comes back, and a stream that is shared.

import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { endOf, makeProject, startRun } from "../server/projects.ts";
import { freePorts, removeDirectory, startServerProcess } from "../server/server-process.ts";
import { watchPage } from "./browser.ts";
import { startWorld, type World } from "./world.ts";

const file = 'build:\n  steps:\n    - script: { name: say, code: "echo said by build; sleep 2" }\n';
let world: World;
let directory: string;
let ports: [number, number];
beforeAll(async () => {
  ports = await freePorts();
  world = await startWorld({ keep: true, ports });
  directory = world.server.directory;
  await makeProject(world.server.client);
});
afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
  if (directory !== undefined) removeDirectory(directory);
});

const badge = (page: Page, state: string) => page.locator(`.state.pill[data-state="${state}"]`);

test("ten open pages of one browser all stay live, and all can still ask", async () => {
  const first = await world.admin();
  const pages = [first];
  while (pages.length < 10) pages.push(await first.context().newPage());
  const wrongs = pages.map(page => watchPage(page, world.server.url));
  const run = await startRun(world.server.client, file);
  const { number, jobs } = await world.server.client.getRun({ params: { run } });
  const at = `/projects/main/app/runs/${number}`;
  const places = ["/", "/projects/main/app", at, ...jobs.map(({ id }) => `${at}/jobs/${id}`)];
  await Promise.all(pages.map((page, index) => page.goto(places[index % places.length] ?? at)));
  await endOf(world.server.client, run);
  await Promise.all(
    pages.map((page, index) => {
      const where = places[index % places.length] ?? at;
      const passed = where.includes("/runs/")
        ? badge(page, "passed")
        : page.locator('main [data-state="passed"]');
      return passed.first().waitFor();
    }),
  );
  expect(wrongs.flatMap(wrong => wrong())).toEqual([]);
  for (const page of pages.slice(1)) await page.close();
});

test("without shared workers a page has its own stream; thousands of changes leave nothing behind", async () => {
  const page = await world.admin();
  const wrong = watchPage(page, world.server.url);
  await page.addInitScript(() => Reflect.deleteProperty(globalThis, "SharedWorker"));
  const run = await startRun(world.server.client, file);
  const { id, number } = await endOf(world.server.client, run);
  const changed = { runs: [{ id, organisation: "main", project: "app" }], said: [id], logs: [], queue: true };
  let streams = 0;
  // The stream ends after each portion, and is taken up again.
  await page.route("**/api/v1/changes*", route => {
    streams++;
    const body = `event: hello\ndata: {}\n\n${`event: changed\ndata: ${JSON.stringify(changed)}\n\n`.repeat(500)}`;
    return route.fulfill({ contentType: "text/event-stream", body });
  });
  const devtools = await page.context().newCDPSession(page);
  const held = async () => {
    await devtools.send("HeapProfiler.collectGarbage");
    const { nodes } = await devtools.send("Memory.getDOMCounters");
    return { nodes, bytes: (await devtools.send("Runtime.getHeapUsage")).usedSize };
  };
  let asked = 0;
  page.on("request", request => {
    if (request.url().includes("/runs/")) asked++;
  });
  await world.open(page, `/projects/main/app/runs/${number}`);
  await badge(page, "passed").waitFor();
  await expect.poll(() => streams, { timeout: 30_000 }).toBeGreaterThan(4);
  const before = await held();
  const from = { at: Date.now(), asked, streams };
  await expect.poll(() => streams, { timeout: 60_000, interval: 200 }).toBeGreaterThan(from.streams + 15);
  const after = await held();
  expect(after.bytes - before.bytes).toBeLessThan(2 * 2 ** 20);
  expect(after.nodes - before.nodes).toBeLessThan(200);
  // However much changes, a page asks for what it shows once a second.
  const seconds = (Date.now() - from.at) / 1000;
  expect((asked - from.asked) / seconds).toBeLessThan(3);
  expect(wrong()).toEqual([]);
});

test("a server that is killed is missed, and what happened meanwhile is seen when it is back", async () => {
  const page = await world.admin();
  const away =
    /ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE|status of 503|ERR_INCOMPLETE_CHUNKED/;
  const wrong = watchPage(page, world.server.url, [away]);
  await world.open(page, "/projects/main/app");
  const other = await page.context().newPage();
  const wrongOfOther = watchPage(other, world.server.url, [away, /dynamically imported module|preload CSS/]);
  await world.open(other, "/");
  await page.getByRole("list", { name: "Runs, newest first" }).waitFor();
  await world.server.end("SIGKILL");
  await page.getByText("The server does not answer.").first().waitFor();
  // Parts of pages that were never open are the server's to give.
  await other.getByRole("link", { name: "Workers" }).click();
  await other.getByText("It will be as soon as the server answers again.").waitFor();
  const { token } = world.server;
  await using again = await startServerProcess({ directory, ports, token });
  const run = await startRun(again.client, file);
  const { number } = await endOf(again.client, run);
  await other.getByRole("heading", { name: "Workers and classes" }).waitFor();
  await page.getByText("The server does not answer.").first().waitFor({ state: "detached" });
  const entry = page
    .getByRole("listitem")
    .filter({ has: page.getByRole("link", { name: `#${number} build` }) });
  await entry.locator('[data-state="passed"]').waitFor();
  expect([...wrong(), ...wrongOfOther()]).toEqual([]);
});
