// Signing in and out in a real browser.

import { afterAll, beforeAll, expect, test } from "vitest";
import { watchPage } from "./browser.ts";
import { startWorld, type World } from "./world.ts";

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
});

test("a wrong password is told; the right one leads to where one wanted to go; signing out ends it", async () => {
  await world.server.client.createUser({ body: { name: "somebody", password: "a long enough password" } });
  const page = await world.stranger();
  const wrong = watchPage(page, world.server.url, [/status of 401/]);
  await page.goto("/queue?class=default");
  await page.getByRole("heading", { name: "Sign in to Slipway" }).waitFor();
  await page.getByLabel("Name").fill("somebody");
  await page.getByLabel("Password").fill("not this one, though");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("the name or the password is wrong").waitFor();
  await page.getByLabel("Password").fill("a long enough password");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "Queue" }).waitFor();
  expect(new URL(page.url()).search).toBe("?class=default");
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "Sign in to Slipway" }).waitFor();
  const session = await page.request.get("/api/v1/session");
  expect(session.status()).toBe(401);
  expect(wrong()).toEqual([]);
});

test("the token of the first start signs in, and leads to no other host afterwards", async () => {
  const page = await world.stranger();
  const wrong = watchPage(page, world.server.url, [/status of 401/]);
  await page.goto("/sign-in?with=token&to=//elsewhere.example/");
  await page.getByLabel("Token").fill(world.server.token);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("link", { name: "admin", exact: true }).waitFor();
  expect(new URL(page.url()).pathname).toBe("/");
  expect(wrong()).toEqual([]);
});
