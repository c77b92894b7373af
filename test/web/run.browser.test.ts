// A run in a real browser: followed live from trigger to green, failing, canceled, approved; and what a reader may not do is not there.

import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { endOf, makeProject, startRun } from "../server/projects.ts";
import { watchPage } from "./browser.ts";
import { startWorld, type World } from "./world.ts";

let world: World;
beforeAll(async () => {
  world = await startWorld({ flags: ["--engine", "host", "--capacity", "4"] });
  await makeProject(world.server.client);
});
afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
});

const file = `
build:
  steps:
    - script: { name: build, code: "echo built; sleep 1" }
broken:
  steps:
    - script: { name: say, code: "echo about to fail" }
    - script: { name: fail, code: "exit 7" }
slow:
  steps:
    - script: { name: slow, code: "echo slow has begun; sleep 300" }
deploy:
  steps:
    - script: { name: deploy, code: "echo deployed" }
workflows:
  - name: ship
    pipelines:
      - name: build
      - name: deploy
        requires: [build]
        approval: true
  - name: bad
    pipelines:
      - name: build
      - name: broken
        requires: [build]
      - name: deploy
        requires: [broken]
`;

async function number(run: string): Promise<number> {
  return (await world.server.client.getRun({ params: { run } })).number;
}
const badge = (page: Page, state: string) => page.locator(`.state.pill[data-state="${state}"]`);

test("a run is followed without a reload: from the list, to its wish for approval, to green", async () => {
  const page = await world.admin();
  const wrong = watchPage(page, world.server.url);
  await world.open(page, "/projects/main/app");
  const run = await startRun(world.server.client, file, { workflow: "ship" });
  await page.getByRole("link", { name: `#${await number(run)} ship` }).click();
  await badge(page, "approval").waitFor();
  expect(await page.title()).toContain(`#${await number(run)} main/app`);
  expect(await page.locator("link[rel=icon]").getAttribute("href")).toBe("/icons/waiting.svg");
  await page.getByText("It waits until somebody approves deploy.").first().waitFor();
  await page.getByRole("button", { name: "Approve" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Approve" }).click();
  await badge(page, "passed").waitFor();
  expect(await page.locator("link[rel=icon]").getAttribute("href")).toBe("/icons/passed.svg");
  // The workflow is drawn, a link a job.
  const graph = page.getByRole("region", { name: "Workflow" });
  expect(await graph.getByRole("link").count()).toBe(2);
  await graph.getByRole("link", { name: "deploy" }).click();
  await page.getByRole("region", { name: "Log" }).getByText("deployed").waitFor();
  expect(wrong()).toEqual([]);
});

test("a failing run says why, what did not start because of it, and how to do it again", async () => {
  const page = await world.admin();
  const wrong = watchPage(page, world.server.url);
  const run = await startRun(world.server.client, file, { workflow: "bad" });
  await endOf(world.server.client, run);
  const at = await number(run);
  await world.open(page, `/projects/main/app/runs/${at}`);
  await badge(page, "failed").waitFor();
  await page.getByText("exit code 7").first().waitFor();
  await page.getByText("Reproduce it on your machine").first().click();
  await page.getByText(`slipway replay 'main/app#${at}' --job broken`).waitFor();
  await page.getByRole("listitem").filter({ hasText: "deploy" }).getByText("skipped").waitFor();
  expect(wrong()).toEqual([]);
});

test("a run is canceled, after a question, and shows it at once; it can be run again", async () => {
  const page = await world.person("reporting", "reporter");
  const wrong = watchPage(page, world.server.url);
  const run = await startRun(world.server.client, file, { pipeline: "slow" });
  await world.open(page, `/projects/main/app/runs/${await number(run)}`);
  await badge(page, "running").waitFor();
  const cancel = page.getByRole("main").getByRole("button", { name: "Cancel", exact: true });
  await cancel.click();
  await page.getByRole("dialog").getByRole("button", { name: "Leave it" }).click();
  await cancel.click();
  await page.getByRole("dialog").getByRole("button", { name: "Cancel the run" }).click();
  await badge(page, "canceled").waitFor();
  await page.getByText("canceled by reporting").first().waitFor();
  await page.getByRole("button", { name: "Run again" }).click();
  await page.getByRole("heading", { name: `#${(await number(run)) + 1}` }).waitFor();
  await page.getByRole("main").getByRole("button", { name: "Cancel", exact: true }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Cancel the run" }).click();
  await badge(page, "canceled").waitFor();
  expect(wrong()).toEqual([]);
});

test("a reader sees all of it and is offered nothing", async () => {
  const page = await world.person("reading", "reader");
  const wrong = watchPage(page, world.server.url);
  const run = await startRun(world.server.client, file, { workflow: "ship" });
  await world.open(page, `/projects/main/app/runs/${await number(run)}`);
  await badge(page, "approval").waitFor();
  await page.getByText("a maintainer has to approve it").waitFor();
  for (const name of ["Approve", "Refuse", "Cancel", "Run again"]) {
    expect(await page.getByRole("button", { name, exact: true }).count(), name).toBe(0);
  }
  await world.server.client.cancelRun({ params: { run }, body: {} });
  await badge(page, "canceled").waitFor();
  expect(wrong()).toEqual([]);
});

test("filters stand in the address, and Back goes back", async () => {
  await endOf(world.server.client, await startRun(world.server.client, file, { workflow: "bad" }));
  const page = await world.admin();
  const wrong = watchPage(page, world.server.url);
  await world.open(page, "/projects/main/app");
  await page.getByLabel("State").selectOption("failed");
  await page.waitForURL("**/projects/main/app?outcome=failed");
  const list = page.getByRole("list", { name: "Runs, newest first" });
  await list.getByText("bad").first().waitFor();
  await list.locator('[data-state="canceled"]').first().waitFor({ state: "detached" });
  await page.keyboard.press("Escape");
  await page.getByRole("heading", { name: "app" }).click();
  await page.keyboard.press("/");
  await page.keyboard.type("nothing like this");
  await page.keyboard.press("Enter");
  await page.getByText("No run matches these filters.").waitFor();
  await page.goBack();
  await list.getByText("bad").first().waitFor();
  expect(new URL(page.url()).search).toBe("?outcome=failed");
  expect(wrong()).toEqual([]);
});
