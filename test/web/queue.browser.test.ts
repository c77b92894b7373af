// What waits and why, who works, and what classes allow.

import { afterAll, beforeAll, expect, test } from "vitest";
import { makeProject, startRun } from "../server/projects.ts";
import { watchPage } from "./browser.ts";
import { startWorld, type World } from "./world.ts";

let world: World;
beforeAll(async () => {
  world = await startWorld({ flags: ["--engine", "host", "--capacity", "1"] });
  await makeProject(world.server.client);
  await world.server.client.setClass({ params: { class: "large" }, body: { engine: "host" } });
});
afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
});

const file = `
slow:
  steps:
    - script: { name: slow, code: "sleep 300" }
large:
  class: large
  steps:
    - script: { name: large, code: "true" }
`;

test("what waits says why, is told from what runs, and leaves by itself", async () => {
  const { client } = world.server;
  const page = await world.admin();
  const wrong = watchPage(page, world.server.url);
  await world.open(page, "/queue");
  await page.getByText("Nothing waits, and nothing runs.").waitFor();
  const first = await startRun(client, file, { pipeline: "slow" });
  const second = await startRun(client, file, { pipeline: "slow" });
  const third = await startRun(client, file, { pipeline: "large" });
  const list = page.getByRole("list", { name: "Jobs that run and wait" });
  await list.locator('[data-state="running"]').waitFor();
  await list.getByText("All 1 places of the class default are taken (1 worker).").waitFor();
  await list.getByText("No worker serves the class large").waitFor();
  await page.getByRole("region", { name: "Jobs by class" }).getByText("no worker serves it").waitFor();
  await page.getByRole("button", { name: "large", exact: true }).click();
  await list.getByText("No worker serves the class large").waitFor();
  await list.locator('[data-state="running"]').waitFor({ state: "detached" });
  expect(new URL(page.url()).search).toBe("?class=large&organisation=main");
  for (const run of [first, second, third]) await client.cancelRun({ params: { run }, body: {} });
  await page.getByText("No job matches these filters.").waitFor();
  await page.getByRole("button", { name: "Clear filters" }).click();
  await page.getByText("Nothing waits, and nothing runs.").waitFor();
  expect(wrong()).toEqual([]);
});

test("an administrator sets a class, Pods and all; what the server refuses is told", async () => {
  const { client } = world.server;
  const page = await world.admin();
  const wrong = watchPage(page, world.server.url, [/status of 422/]);
  await world.open(page, "/workers");
  const workers = page.getByRole("region", { name: "Workers", exact: true });
  await workers.getByText("alive").waitFor();
  await workers.getByText("0 of 1").waitFor();
  await page.getByRole("button", { name: "Add a class" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill("gpu");
  await dialog.getByLabel("Runs in").selectOption("pod");
  await dialog.getByLabel("Memory").fill("2");
  await dialog.getByText("Pods", { exact: true }).click();
  const pods = dialog.getByLabel("Settings of Pods, as JSON");
  await pods.fill("{ warm");
  await dialog.getByRole("button", { name: "Set the class" }).click();
  await dialog.getByText("the settings of Pods are no JSON").waitFor();
  await pods.fill('{ "warm": -1 }');
  await dialog.getByRole("button", { name: "Set the class" }).click();
  await dialog.getByRole("alert").getByText("warm").waitFor();
  await pods.fill('{ "warm": 2, "limits": { "nvidia.com/gpu": "1" } }');
  await dialog.getByRole("button", { name: "Set the class" }).click();
  await page.getByText("2.0 GiB").waitFor();
  const { items } = await client.listClasses({});
  expect(items.find(({ name }) => name === "gpu")!.settings).toEqual({
    engine: "pod",
    memoryBytes: 2 ** 31,
    pod: { warm: 2, limits: { "nvidia.com/gpu": "1" } },
  });
  await page.getByRole("button", { name: "Change gpu" }).click();
  expect(await pods.inputValue()).toContain("nvidia.com/gpu");
  await dialog.getByRole("button", { name: "Leave it" }).click();
  const other = await world.person("no-admin", "owner");
  await world.open(other, "/workers");
  await other.getByText("2.0 GiB").waitFor();
  expect(await other.getByRole("main").getByRole("button").count()).toBe(0);
  expect(wrong()).toEqual([]);
});
