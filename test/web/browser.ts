// Debian's Chromium for tests and benches: pages of servers on this machine, and nothing from anywhere else. A page that logs an error,
// breaks its own policy or asks another host fails its test.

import { existsSync, mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { type BrowserContext, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { SlipwayError } from "../../src/core/failure.ts";

export interface TestBrowser extends AsyncDisposable {
  /** Of one person: cookies, stored values and shared workers of their own. Closed with the browser. */
  person(options?: BrowserContextOptions): Promise<BrowserContext>;
}

const programs = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const flags = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-dev-shm-usage",
];

/** Throws SlipwayError `no-browser` with what to install. The caller ends it. */
export async function startBrowser(): Promise<TestBrowser> {
  const executablePath = programs.find(file => existsSync(file));
  if (executablePath === undefined) {
    throw new SlipwayError("no-browser", "there is no Chromium on this machine", {
      hint: "apt-get install chromium",
    });
  }
  const directory = mkdtempSync(path.join(os.tmpdir(), "slipway-browser-"));
  const browser = await chromium.launch({
    executablePath,
    args: flags,
    headless: true,
    env: { ...process.env, HOME: directory, TMPDIR: directory } as Record<string, string>,
  });
  return {
    person: options => browser.newContext({ viewport: { width: 1440, height: 900 }, ...options }),
    async [Symbol.asyncDispose]() {
      await browser.close();
      rmSync(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    },
  };
}

/**
 * What a page does that it must not: errors it throws or logs, breaches of its policy, calls to other hosts than `url`'s. To be
 * compared with `[]` at the end of a test; `but` are texts that the test has brought about.
 */
export function watchPage(page: Page, url: string, but: RegExp[] = []): () => string[] {
  const wrong: string[] = [];
  const note = (text: string) => {
    if (!but.some(known => known.test(text))) wrong.push(text);
  };
  page.on("pageerror", error => note(`threw: ${error.message}`));
  page.on("console", message => {
    if (message.type() === "error") note(`logged: ${message.text()} ${message.location().url}`);
  });
  page.on("request", request => {
    const { protocol, host } = new URL(request.url());
    if (protocol !== "data:" && protocol !== "blob:" && host !== new URL(url).host)
      note(`asked ${request.url()}`);
  });
  return () => wrong;
}
