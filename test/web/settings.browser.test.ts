// What people set: schedules, variables, members, tokens, accounts, handlers, a project and its end. Each is seen by the api
// afterwards, what cannot be undone asks first, and what a role may not do is not there.

import type { Locator, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeProject } from "../server/projects.ts";
import { watchPage } from "./browser.ts";
import { startWorld, type World } from "./world.ts";

let world: World;
const params = { organisation: "main", project: "app" };
beforeAll(async () => {
  world = await startWorld({ flags: ["--engine", "host"] });
  await makeProject(world.server.client);
});
afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
});

const button = (page: Page | Locator, name: string) => page.getByRole("button", { name, exact: true });
const dialog = (page: Page) => page.getByRole("dialog");

test("a schedule is set with its next dates in sight, changed, and removed after a question", async () => {
  const { client } = world.server;
  const page = await world.admin();
  const wrong = watchPage(page, world.server.url);
  await world.open(page, "/projects/main/app/schedules");
  await button(page, "Add a schedule").click();
  await dialog(page).getByLabel("Name").fill("nightly");
  await dialog(page).getByLabel("When").fill("0 4 30 2 *");
  await dialog(page).getByText("it is never due").waitFor();
  await dialog(page).getByLabel("When").fill("30 5 * * 1");
  await dialog(page).getByLabel("Time zone").fill("Europe/Berlin");
  const dates = dialog(page).getByRole("list", { name: "Next dates" }).getByRole("listitem");
  expect(await dates.count()).toBe(5);
  expect(await dates.first().textContent()).toMatch(/Mon.*0?5:30/);
  await button(page, "Set the schedule").click();
  await page.getByText("30 5 * * 1").waitFor();
  const { items } = await client.listSchedules({ params });
  expect(items).toMatchObject([
    { name: "nightly", cron: "30 5 * * 1", timeZone: "Europe/Berlin", enabled: true },
  ]);
  await button(page, "Change nightly").click();
  await dialog(page).getByLabel("Starts runs").uncheck();
  await button(page, "Set the schedule").click();
  await page.getByText("switched off").waitFor();
  await button(page, "Remove nightly").click();
  await button(dialog(page), "Leave it").click();
  expect((await client.listSchedules({ params })).items).toHaveLength(1);
  await button(page, "Remove nightly").click();
  await button(dialog(page), "Remove the schedule").click();
  await page.getByText("Nothing starts by itself.").waitFor();
  expect((await client.listSchedules({ params })).items).toEqual([]);
  expect(wrong()).toEqual([]);
});

test("a protected value goes in and is shown nowhere; scopes are kept", async () => {
  const { client } = world.server;
  const page = await world.admin();
  const wrong = watchPage(page, world.server.url);
  const value = "do-not-show-this-value";
  await world.open(page, "/projects/main/app/variables");
  await button(page, "Add a variable").click();
  await dialog(page).getByLabel("Name").fill("DEPLOY_KEY");
  await dialog(page).getByLabel("Value").fill(value);
  await dialog(page).getByLabel("Pipeline").fill("deploy");
  await dialog(page).getByLabel("Branches").fill("main release/*");
  await dialog(page).getByLabel("push", { exact: true }).check();
  await button(page, "Set the variable").click();
  await page.getByText("pipeline deploy; branches main, release/*; on push").waitFor();
  await page.getByText("protected, never shown").waitFor();
  await page.reload();
  await page.getByText("protected, never shown").waitFor();
  await button(page, "Change DEPLOY_KEY").click();
  expect(await dialog(page).getByLabel("Value").inputValue()).toBe("");
  expect(await page.content()).not.toContain(value);
  await button(dialog(page), "Leave it").click();
  expect((await client.listVariables({ params })).items).toMatchObject([
    { name: "DEPLOY_KEY", protected: true, value: null, pipeline: "deploy", events: ["push"] },
  ]);
  await button(page, "Remove DEPLOY_KEY").click();
  await button(dialog(page), "Remove the variable").click();
  await page.getByText("No variables yet.").waitFor();
  expect((await client.listVariables({ params })).items).toEqual([]);
  expect(wrong()).toEqual([]);
});

test("members get roles, and the last owner stays", async () => {
  const { client } = world.server;
  await client.createUser({ body: { name: "newcomer", password: "a long enough password" } });
  const page = await world.admin();
  const wrong = watchPage(page, world.server.url, [/status of (404|409)/]);
  await world.open(page, "/organisations/main");
  await button(page, "Add a member").click();
  await dialog(page).getByLabel("Name").fill("nobody-here");
  await button(page, "Add").click();
  await dialog(page).getByRole("alert").waitFor();
  await dialog(page).getByLabel("Name").fill("newcomer");
  await button(page, "Add").click();
  await page.getByLabel("Role of newcomer").selectOption("maintainer");
  await page.getByText("newcomer is now maintainer of main.").waitFor();
  await button(page, "Remove admin").click();
  await button(dialog(page), "Remove").click();
  await page.locator(".toast.of-failed").waitFor();
  await button(page, "Remove newcomer").click();
  await button(dialog(page), "Remove").click();
  await page.getByLabel("Role of newcomer").waitFor({ state: "detached" });
  const { items } = await client.listMembers({ params: { organisation: "main" } });
  expect(items.map(({ user }) => user)).toEqual(["admin"]);
  await page.getByRole("link", { name: "Audit" }).click();
  await page.getByText("member.removed").waitFor();
  expect(wrong()).toEqual([]);
});

test("a token is shown once, works, and is refused when it was revoked", async () => {
  const page = await world.admin();
  const wrong = watchPage(page, world.server.url);
  await world.open(page, "/account");
  await button(page, "Make a token").click();
  await dialog(page).getByLabel("Name").fill("laptop");
  await dialog(page).getByLabel("May").selectOption("reader");
  await button(page, "Make it").click();
  const token = await dialog(page).locator(".copy code").textContent();
  const headers = { authorization: `Bearer ${token}` };
  const session = () => fetch(`${world.server.url}/api/v1/session`, { headers });
  expect((await session()).status).toBe(200);
  await button(page, "I have it").click();
  await page.getByText(token!).waitFor({ state: "detached" });
  expect(await page.content()).not.toContain(token!);
  await button(page, "Revoke laptop").click();
  await button(dialog(page), "Revoke the token").click();
  await page.getByText("The token is revoked.").waitFor();
  expect((await session()).status).toBe(401);
  expect(wrong()).toEqual([]);
});

test("accounts are made, closed and opened again; handlers are registered and withdrawn", async () => {
  const { client } = world.server;
  const page = await world.admin();
  const wrong = watchPage(page, world.server.url);
  await world.open(page, "/server");
  await button(page, "Make an account").click();
  await dialog(page).getByLabel("Name").fill("colleague");
  await dialog(page).getByLabel("Password").fill("a long enough password");
  await button(page, "Make it").click();
  await button(page, "Close (colleague)").click();
  await button(dialog(page), "Close the account").click();
  await button(page, "Open again (colleague)").click();
  await button(page, "Close (colleague)").waitFor();
  // Nobody locks himself out.
  expect(await button(page, "Close (admin)").count()).toBe(0);
  await page.getByRole("link", { name: "Handlers" }).click();
  await button(page, "Register a handler").click();
  await dialog(page).getByLabel("Name").fill("receiver");
  await dialog(page).getByLabel("Address").fill("http://127.0.0.1:9");
  await button(page, "Register it").click();
  await page.getByText("/handlers/receiver").first().waitFor();
  expect((await client.listHandlers({})).items).toMatchObject([
    { name: "receiver", url: "http://127.0.0.1:9" },
  ]);
  await button(page, "Withdraw receiver").click();
  await button(dialog(page), "Withdraw the handler").click();
  await page.getByText("There is no handler.").waitFor();
  expect(wrong()).toEqual([]);
});

test("a project's settings, its webhook's new secret, and its end after its name was typed", async () => {
  const { client } = world.server;
  await client.createProject({ params: { organisation: "main" }, body: { name: "old" } });
  const own = { organisation: "main", project: "old" };
  const page = await world.person("an-owner", "owner");
  const wrong = watchPage(page, world.server.url);
  await world.open(page, "/projects/main/old/settings");
  await page.getByRole("textbox", { name: "Address" }).fill("https://git.example/main/old.git");
  await page.getByRole("textbox", { name: "Credential" }).fill("user:secret-token");
  await button(page, "Save the settings").click();
  await page.getByText("The settings are changed.").waitFor();
  expect(await client.getProject({ params: own })).toMatchObject({ hasCredential: true });
  expect(await page.getByRole("textbox", { name: "A new credential" }).inputValue()).toBe("");
  await page.getByRole("spinbutton", { name: "Runs" }).fill("30");
  await page.getByRole("spinbutton", { name: "Logs and artifacts" }).fill("7");
  await button(page, "Save how long").click();
  await button(dialog(page), "Leave it").click();
  expect(await client.getProject({ params: own })).toMatchObject({ runDays: null, logDays: null });
  await button(page, "Save how long").click();
  await button(dialog(page), "Keep less").click();
  await expect
    .poll(() => client.getProject({ params: own }))
    .toMatchObject({ runDays: 30, logDays: 7, serverRunDays: 90 });
  // More than before is asked nothing.
  await page.getByRole("spinbutton", { name: "Logs and artifacts" }).fill("");
  await button(page, "Save how long").click();
  await expect.poll(() => client.getProject({ params: own })).toMatchObject({ runDays: 30, logDays: null });
  await button(page, "New secret").click();
  await button(dialog(page), "Make a new secret").click();
  await dialog(page).locator(".copy code").waitFor();
  await button(page, "I have it").click();
  await page.getByText("Set up a bare repository of your own").click();
  await page.getByText("git config slipway.secretFile").first().waitFor();
  await button(page, "Delete the project").click();
  const sure = button(dialog(page), "Delete the project");
  expect(await sure.isDisabled()).toBe(true);
  await dialog(page).getByRole("textbox").fill("main/old");
  await sure.click();
  await page.getByRole("heading", { name: "Projects" }).waitFor();
  await expect(client.getProject({ params: own })).rejects.toThrow();
  expect(wrong()).toEqual([]);
});

test("a reader is offered none of it", async () => {
  await world.server.client.setSchedule({
    params: { ...params, schedule: "weekly" },
    body: { cron: "0 4 * * 1" },
  });
  const page = await world.person("only-reading", "reader");
  const wrong = watchPage(page, world.server.url);
  await world.open(page, "/projects/main/app/schedules");
  await page.getByText("weekly").waitFor();
  expect(await page.getByRole("main").getByRole("button").count()).toBe(0);
  for (const name of ["Variables", "Settings"]) {
    expect(await page.getByRole("main").getByRole("link", { name }).count(), name).toBe(0);
  }
  await world.open(page, "/organisations/main");
  await page.getByText("only-reading").first().waitFor();
  expect(await page.getByRole("main").locator("button, select").count()).toBe(0);
  expect(await page.getByRole("link", { name: "Server" }).count()).toBe(0);
  expect(wrong()).toEqual([]);
});
