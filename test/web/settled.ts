// When a page shows what it is going to show.

import type { Page } from "playwright-core";

/** Opens an address as a first visit does, and waits until nothing changes any more. */
export async function openSettled(page: Page, path: string): Promise<void> {
  await page.goto(path);
  await page.locator("main h1, main .empty, main .notice").first().waitFor();
  await settled(page);
}

/** Goes there as a link of the open page does, which is many times faster. */
export async function goSettled(page: Page, path: string): Promise<void> {
  await page.evaluate(`history.pushState(null, "", ${JSON.stringify(path)})`);
  await page.locator("main h1, main .empty, main .notice").first().waitFor();
  await settled(page);
}

/** Until two looks at the page see the same, and nothing of it loads. Figures may change: times go on. */
export async function settled(page: Page): Promise<void> {
  await page.evaluate("delete globalThis.seenText");
  await page.waitForFunction(isStill, undefined, { polling: 120, timeout: 20_000 });
}

/** Runs in the page. */
function isStill(): boolean {
  type Window = { document: { body: { innerHTML: string } }; seenText?: string };
  const here = globalThis as unknown as Window;
  const text = here.document.body.innerHTML.replace(/\d+/g, "");
  const still = text === here.seenText && !text.includes("Loading…");
  here.seenText = text;
  return still;
}
