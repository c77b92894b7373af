// What is secret goes into a page and never comes out of it again: protected values, tokens, passwords.

import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { endOf, makeProject, startRun } from "../server/projects.ts";
import { watchPage } from "./browser.ts";
import { openSettled, settled } from "./settled.ts";
import { startWorld, type World } from "./world.ts";

const secret = "a-value-that-nobody-sees";
let world: World;
beforeAll(async () => {
  world = await startWorld();
  await makeProject(world.server.client);
});
afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
});

/** All that the server has said to the page from now on, and all that the page holds. */
function hearing(page: Page): () => Promise<string> {
  const answers: Promise<string>[] = [];
  page.on("response", response => {
    if (response.url().includes("/api/")) answers.push(response.text().catch(() => ""));
  });
  return async () => {
    const held = (await page.evaluate(
      "document.documentElement.outerHTML + JSON.stringify(localStorage) + JSON.stringify(sessionStorage)",
    )) as string;
    return (await Promise.all(answers)).join("\n") + held;
  };
}

test("a protected value is written, used and masked, and never shown again", async () => {
  const page = await world.person("keeper", "maintainer");
  const wrong = watchPage(page, world.server.url);
  await openSettled(page, "/projects/main/app/variables");
  const heard = hearing(page);
  await page.getByRole("button", { name: "Add a variable" }).first().click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill("TOKEN");
  await dialog.getByLabel("Value").fill(secret);
  expect(await dialog.getByLabel("Protected").isChecked()).toBe(true);
  await dialog.getByRole("button", { name: "Set the variable" }).click();
  const row = page.getByRole("row").filter({ hasText: "TOKEN" });
  await row.getByText("protected, never shown").waitFor();
  await row.getByRole("button", { name: "Change TOKEN" }).click();
  expect(await dialog.getByLabel("Value").inputValue()).toBe("");
  await page.keyboard.press("Escape");
  await page.reload();
  await row.getByText("protected, never shown").waitFor();
  const run = await startRun(
    world.server.client,
    'build:\n  steps:\n    - script: { name: leak, code: "echo the token is $TOKEN" }\n',
  );
  const { number, jobs } = await endOf(world.server.client, run);
  await page.goto(`/projects/main/app/runs/${number}/jobs/${jobs[0]!.id}`);
  await page.getByRole("region", { name: "Log" }).getByText("the token is ").waitFor();
  await page.getByRole("link", { name: "Specification" }).click();
  await settled(page);
  expect(await heard()).not.toContain(secret);
  await page.goto("/projects/main/app/variables");
  await row.getByRole("button", { name: "Remove TOKEN" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Remove the variable" }).click();
  await row.waitFor({ state: "detached" });
  expect(wrong()).toEqual([]);
});

test("a token is shown once, works, and stops working when it is revoked", async () => {
  const page = await world.person("caller", "reporter");
  const wrong = watchPage(page, world.server.url);
  await openSettled(page, "/account");
  await page.getByRole("button", { name: "Make a token" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill("for a script");
  await dialog.getByRole("button", { name: "Make it" }).click();
  const shown = page.getByText(/^swp_[\w-]{43}$/).first();
  const token = (await shown.textContent())!;
  const asks = () =>
    fetch(`${world.server.url}/api/v1/session`, { headers: { authorization: `Bearer ${token}` } });
  expect((await asks()).status).toBe(200);
  await page.reload();
  await page.getByRole("button", { name: "Revoke for a script" }).waitFor();
  expect(await page.content()).not.toContain(token);
  await page.getByRole("button", { name: "Revoke for a script" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Revoke the token" }).click();
  await page.getByRole("button", { name: "Revoke for a script" }).waitFor({ state: "detached" });
  expect((await asks()).status).toBe(401);
  expect(wrong()).toEqual([]);
});
