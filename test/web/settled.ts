// When a page shows what it is going to show.

import type { Page } from "playwright-core";

/** Opens an address and waits until nothing loads any more: a page by its answers, what is drawn with them by two frames. */
export async function openSettled(page: Page, path: string): Promise<void> {
  await page.goto(path);
  await page.locator("main h1, main .empty, main .notice").first().waitFor();
  await settled(page);
}

/** The stream of changes never ends, so that "no call under way" is counted without it. */
export async function settled(page: Page): Promise<void> {
  await page.waitForFunction(isStill, undefined, { polling: 150, timeout: 20_000 });
}

/** Runs in the page. */
function isStill(): boolean {
  type Box = { innerHTML: string };
  type Window = { document: { querySelector(what: string): Box | null; body: Box }; seenText?: string };
  const here = globalThis as unknown as Window;
  const text = here.document.body.innerHTML.replace(/\d+/g, "");
  const still = text === here.seenText && !text.includes("Loading…");
  here.seenText = text;
  return still;
}
