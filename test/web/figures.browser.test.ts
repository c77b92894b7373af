// Plots in a real browser: drawn from runs that have ended, each with its numbers.

import { afterAll, beforeAll, expect, test } from "vitest";
import { endOf, makeProject, startRun } from "../server/projects.ts";
import { watchPage } from "./browser.ts";
import { startWorld, type World } from "./world.ts";

let world: World;
beforeAll(async () => {
  world = await startWorld({ flags: ["--engine", "host", "--capacity", "2"] });
  await makeProject(world.server.client);
});
afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
});

test("length and outcome are drawn and told in numbers, in both colour schemes, and a new run joins them", async () => {
  const { client, url } = world.server;
  const file = (code: string) => `build:\n  steps:\n    - script: { name: "<b>work</b>", code: "${code}" }\n`;
  await endOf(client, await startRun(client, file("sleep 1")));
  await endOf(client, await startRun(client, file("false")));
  const page = await world.admin();
  const wrong = watchPage(page, url);
  await world.open(page, "/projects/main/app/figures");
  const plot = page.getByRole("figure").filter({ hasText: "Duration and outcome" });
  await plot.getByText("The numbers").click();
  const numbers = plot.getByRole("table");
  await numbers.getByRole("row").filter({ hasText: "#2" }).waitFor();
  expect((await numbers.getByRole("row").first().textContent())?.replace(/\s+/g, " ")).toBe(
    "Runpassedfailed",
  );
  const paints = () =>
    plot.locator("canvas").evaluate(canvas => (canvas as unknown as { toDataURL(): string }).toDataURL());
  const light = await paints();
  await page.emulateMedia({ colorScheme: "dark" });
  await expect.poll(paints).not.toBe(light);
  await page.getByRole("row").filter({ hasText: "<b>work</b>" }).first().waitFor();
  await endOf(client, await startRun(client, file("true")));
  await numbers.getByRole("row").filter({ hasText: "#3" }).waitFor();
  await page.getByLabel("Workflow").fill("none like this");
  await page.keyboard.press("Enter");
  await page.getByText("There is nothing to draw yet: no run has finished.").waitFor();
  expect(wrong()).toEqual([]);
});
