// Lists of hundreds: page by page, by keyboard, with only what is near on the page.

import { afterAll, beforeAll, expect, test } from "vitest";
import { makeProject, startRun } from "../server/projects.ts";
import { watchPage } from "./browser.ts";
import { startWorld, type World } from "./world.ts";

let world: World;
beforeAll(async () => {
  world = await startWorld({ roles: ["api", "logs"] });
  const { client } = world.server;
  await makeProject(client);
  // Nobody plans or runs them: they stay as they are.
  const first = await startRun(client, "build:\n  steps:\n    - script: { code: 'true' }\n");
  for (let count = 2; count <= 260; count += 10) {
    await Promise.all(Array.from({ length: 10 }, () => client.rerun({ params: { run: first }, body: {} })));
  }
});
afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
});

test("a long list is loaded page by page, and goes on by keyboard where it is not on the page yet", async () => {
  const page = await world.admin();
  const wrong = watchPage(page, world.server.url);
  await world.open(page, "/projects/main/app");
  const entries = page.getByRole("list", { name: "Runs, newest first" }).getByRole("listitem");
  await entries.nth(49).waitFor();
  for (let pages = 0; pages < 4; pages++) {
    await page.getByRole("button", { name: "Show more" }).click();
    await page.getByRole("button", { name: "Show more" }).or(page.getByText("#1 build")).first().waitFor();
  }
  await page.keyboard.press("j");
  for (let count = 0; count < 150; count++) await page.keyboard.press("j");
  const focused = (await page.locator(":focus").textContent()) ?? "";
  expect(Number(/#(\d+)/.exec(focused)![1])).toBeLessThan(261 - 140);
  expect(await entries.count()).toBeLessThan(80);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: focused.split(" ")[0]! }).waitFor();
  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Keys" }).getByText("Go to the queue").waitFor();
  await page.keyboard.press("Escape");
  await page.keyboard.press("g");
  await page.keyboard.press("q");
  await page.getByRole("heading", { name: "Queue" }).waitFor();
  expect(wrong()).toEqual([]);
});
