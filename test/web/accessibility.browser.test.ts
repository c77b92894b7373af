// Every page for people who do not see it, see little of it, use no mouse or a phone: axe finds nothing serious in light and dark, nothing is
// wider than 390 pixels, keys reach all, and what moves stands still where that is wished.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { watchPage } from "./browser.ts";
import { everyPage, plainTexts, type Seeded, seedPages } from "./seed-pages.ts";
import { goSettled, openSettled, settled } from "./settled.ts";
import { startWorld, type World } from "./world.ts";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
let world: World;
let seeded: Seeded;
beforeAll(async () => {
  world = await startWorld({ flags: ["--engine", "host", "--capacity", "4"] });
  seeded = await seedPages(world.server.client, {
    ...plainTexts,
    test: "a-name-of-a-test-that-is-longer-than-any-phone-is-wide-and-has-no-space-in-it-at-all-so-that-it-must-break",
    branch: "feature/a-branch-whose-name-is-a-sentence-of-its-own-and-does-not-fit",
    output: `${"a line that is longer than a phone is wide ".repeat(20)}\n`,
  });
});
afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
});

interface Violation {
  id: string;
  impact: string;
  nodes: { html: string; failureSummary: string }[];
}

async function violations(page: Page): Promise<string[]> {
  const found = (await page.evaluate("axe.run(document, { resultTypes: ['violations'] })")) as {
    violations: Violation[];
  };
  return found.violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes[0]!.html.slice(0, 200)} ${nodes[0]!.failureSummary}`);
}

/** How many pixels the page is wider than its window. */
const tooWide = (page: Page) =>
  page.evaluate(
    "document.documentElement.scrollWidth - document.documentElement.clientWidth",
  ) as Promise<number>;

test("axe finds nothing serious on any page, in light and dark, and none is wider than a phone", async () => {
  const page = await world.admin();
  const wrong = watchPage(page, world.server.url, [/status of 404/]);
  const found: string[] = [];
  await openSettled(page, "/");
  await page.evaluate(axe);
  for (const path of everyPage(seeded)) {
    await page.setViewportSize({ width: 1440, height: 900 });
    await page.emulateMedia({ colorScheme: "light" });
    await goSettled(page, path);
    const note = (texts: string[], look: string) =>
      found.push(...texts.map(text => `${path} (${look}): ${text}`));
    note(await violations(page), "light");
    await page.emulateMedia({ colorScheme: "dark" });
    await page.setViewportSize({ width: 390, height: 844 });
    await settled(page);
    const wider = await tooWide(page);
    if (wider > 0) note([`${wider} pixels too wide`], "phone");
    note(await violations(page), "dark, phone");
  }
  expect(found).toEqual([]);
  expect(wrong()).toEqual([]);
}, 240_000);

test("keys alone lead everywhere: the skip link, the lists, the pages, and the sheet of keys", async () => {
  const page = await world.admin();
  const wrong = watchPage(page, world.server.url);
  await openSettled(page, "/");
  const focused = () => page.evaluate("document.activeElement.textContent") as Promise<string>;
  const outline = () =>
    page.evaluate("getComputedStyle(document.activeElement).outlineStyle") as Promise<string>;
  await page.keyboard.press("Tab");
  expect(await focused()).toBe("Skip to the page");
  expect(await page.getByRole("link", { name: "Skip to the page" }).boundingBox()).toMatchObject({ x: 12 });
  await page.keyboard.press("Enter");
  expect(await page.evaluate("document.activeElement.id")).toBe("main");
  await page.keyboard.press("j");
  expect(await focused()).toBe("main/app");
  expect(await outline()).toBe("solid");
  await page.keyboard.press("Enter");
  await page.getByRole("list", { name: "Runs, newest first" }).waitFor();
  await page.keyboard.press("j");
  const first = await focused();
  await page.keyboard.press("j");
  expect(await focused()).not.toBe(first);
  await page.keyboard.press("k");
  expect(await focused()).toBe(first);
  await page.keyboard.press("/");
  expect(await page.evaluate("document.activeElement.name")).toBe("text");
  // A field keeps its keys.
  await page.keyboard.type("gq?");
  expect(await page.getByLabel("Text", { exact: true }).inputValue()).toBe("gq?");
  await page.getByRole("heading", { name: "app" }).click();
  for (const [keys, title] of [
    ["gq", "Queue"],
    ["gw", "Workers"],
    ["gp", "Projects"],
  ] as const) {
    for (const key of keys) await page.keyboard.press(key);
    await page.getByRole("heading", { level: 1, name: title }).waitFor();
  }
  await page.keyboard.press("?");
  const sheet = page.getByRole("dialog", { name: "Keys" });
  await sheet.getByText("Go to the queue").waitFor();
  await page.keyboard.press("Escape");
  await sheet.waitFor({ state: "detached" });
  expect(wrong()).toEqual([]);
});

test("Tab reaches every link, button and field of a page, and each shows that it has the focus", async () => {
  const page = await world.admin();
  await openSettled(page, `/projects/main/app/runs/${seeded.failed.number}`);
  const all = (await page.evaluate(whatTakesFocus)) as number;
  const seen = new Set<string>();
  for (let presses = 0; presses < all + 5; presses++) {
    await page.keyboard.press("Tab");
    const { place, visible } = (await page.evaluate(whatHasFocus)) as { place: string; visible: boolean };
    expect(visible, place).toBe(true);
    seen.add(place);
  }
  expect(seen.size).toBeGreaterThanOrEqual(all);
});

test("who wants no motion sees none", async () => {
  const page = await world.admin();
  await page.emulateMedia({ reducedMotion: "reduce" });
  await openSettled(page, "/");
  for (const path of everyPage(seeded).slice(0, 20)) {
    await goSettled(page, path);
    expect(await page.evaluate("document.getAnimations().length"), path).toBe(0);
  }
}, 120_000);

test("times are the reader's own: zone and all", async () => {
  const { createdAt } = await world.server.client.findRun({
    params: { organisation: "main", project: "app", number: seeded.passed.number },
  });
  for (const zone of ["Pacific/Auckland", "America/Los_Angeles"]) {
    const page = await world.admin({ timezoneId: zone, locale: "en-GB" });
    await openSettled(page, `/projects/main/app/runs/${seeded.passed.number}`);
    const time = page.locator("main time").first();
    const hour = new Date(createdAt).toLocaleTimeString("en-GB", {
      timeZone: zone,
      hour: "2-digit",
      minute: "2-digit",
    });
    expect(await time.getAttribute("title")).toContain(hour);
    expect(await time.getAttribute("datetime")).toBe(createdAt);
    await page.context().close();
  }
});

/** Runs in the page. */
function whatTakesFocus(): number {
  type Box = { checkVisibility(): boolean };
  const { document } = globalThis as unknown as {
    document: { querySelectorAll(what: string): Iterable<Box> };
  };
  const all = "a[href], button:not(:disabled), input, select, textarea, summary, [tabindex='0']";
  return [...document.querySelectorAll(all)].filter(each => each.checkVisibility()).length;
}

/** Runs in the page. */
function whatHasFocus(): { place: string; visible: boolean } {
  type Box = { outerHTML: string; tagName: string; matches(what: string): boolean };
  const page = globalThis as unknown as {
    document: { activeElement: Box; querySelectorAll(what: string): ArrayLike<Box> };
    getComputedStyle(of: Box): { outlineStyle: string };
  };
  const here = page.document.activeElement;
  const at = Array.prototype.indexOf.call(page.document.querySelectorAll("*"), here);
  const visible = here.tagName === "BODY" || page.getComputedStyle(here).outlineStyle !== "none";
  return { place: `${at} ${here.outerHTML.slice(0, 80)}`, visible };
}
