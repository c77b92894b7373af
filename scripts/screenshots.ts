// `npm run screenshots`: pictures of the main pages for docs/screenshots, in light and dark, as wide as a desk's screen and as a phone,
// from a server whose runs really ran.

import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Page } from "playwright-core";
import { startTestDatabase } from "../src/queue/postgres/fixtures/test-database.ts";
import { migrate } from "../src/store/migrate.ts";
import { type Shop, seedShop } from "../test/web/example-shop.ts";
import { openSettled, settled } from "../test/web/settled.ts";
import { startWorld } from "../test/web/world.ts";

const out = path.join(path.dirname(import.meta.dirname), "docs", "screenshots");
const mostBytes = 2_000_000;
const sizes = [
  { width: 1440, height: 900, quality: 55 },
  { width: 390, height: 844, quality: 50 },
];

function shots({ passed, failed, waiting }: Shop): Record<string, string> {
  const project = "/projects/main/shop";
  const job = `${project}/runs/${failed.number}/jobs/${failed.job}`;
  return {
    projects: "/",
    project,
    run: `${project}/runs/${waiting}`,
    "run-failed": `${project}/runs/${failed.number}`,
    job,
    timeline: `${project}/runs/${passed.number}/jobs/${passed.job}/timeline`,
    tests: `${project}/tests`,
    figures: `${project}/figures`,
    queue: "/queue",
    workers: "/workers",
    variables: `${project}/variables`,
    schedules: `${project}/schedules`,
    members: "/organisations/main",
    start: "/start",
  };
}

async function main(): Promise<void> {
  await using database = await startTestDatabase();
  await database.db.query("drop schema public cascade; create schema public");
  await migrate(database.db);
  await using world = await startWorld({
    flags: ["--engine", "host", "--capacity", "3"],
    env: { SLIPWAY_DATABASE_URL: database.url },
  });
  const shop = await seedShop(world.server.client, database.db);
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const page = await world.admin({ locale: "en-GB", timezoneId: "Europe/Madrid" });
  for (const [name, address] of Object.entries(shots(shop))) await shoot(page, name, address);
  const bytes = readdirSync(out).reduce((sum, name) => sum + statSync(path.join(out, name)).size, 0);
  console.log(`${readdirSync(out).length} pictures, ${Math.round(bytes / 1000)} kB, in ${out}`);
  if (bytes > mostBytes) throw new Error(`the pictures take more than ${mostBytes} bytes`);
}

/** WebP of the browser itself: no other program is needed. */
async function shoot(page: Page, name: string, address: string): Promise<void> {
  const devtools = await page.context().newCDPSession(page);
  for (const { width, height, quality } of sizes) {
    await page.setViewportSize({ width, height });
    await openSettled(page, address);
    for (const scheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
      await settled(page);
      const { data } = await devtools.send("Page.captureScreenshot", { format: "webp", quality });
      writeFileSync(path.join(out, `${name}-${width}-${scheme}.webp`), Buffer.from(data, "base64"));
    }
  }
  await devtools.detach();
}

// A server of a test does not keep its process alive; its end is waited for all the same.
const alive = setInterval(() => undefined, 1000);
try {
  await main();
} finally {
  clearInterval(alive);
}
