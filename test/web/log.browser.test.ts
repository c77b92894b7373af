// The view of a log in a real browser: colours, folds, links to lines, search, live growth; text that wants to be more than text; two million
// lines.

import { writeFileSync } from "node:fs";
import path from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { endOf, makeProject, startRun } from "../server/projects.ts";
import { watchPage } from "./browser.ts";
import { startWorld, type World } from "./world.ts";

let world: World;
beforeAll(async () => {
  world = await startWorld({ flags: ["--engine", "host", "--capacity", "2"] });
  await makeProject(world.server.client);
});
afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
});

async function openJob(page: Page, run: string, more = ""): Promise<void> {
  const { number, jobs } = await world.server.client.getRun({ params: { run } });
  await world.open(page, `/projects/main/app/runs/${number}/jobs/${jobs[0]!.id}${more}`);
}

async function ended(steps: string): Promise<string> {
  const run = await startRun(world.server.client, `build:\n  steps:\n${steps}`);
  await endOf(world.server.client, run);
  return run;
}

const log = (page: Page) => page.getByRole("region", { name: "Log" });
const line = (page: Page, number: number) => page.locator(`.log-line[data-line="${number - 1}"]`);

/** Runs in the page. */
function colourOf(element: unknown): string {
  type Page = { getComputedStyle(of: unknown): { color: string } };
  return (globalThis as unknown as Page).getComputedStyle(element).color;
}

test("colours are shown, steps fold, lines are linked to, and text is found", async () => {
  const run = await ended(`
    - script:
        name: first
        code: |
          printf '\\033[31mred\\033[0m plain\\n'
          for i in $(seq 2 400); do echo "first $i"; done
    - script:
        name: second
        code: |
          echo "a needle"
          echo "another NEEDLE" >&2
`);
  const page = await world.admin();
  const wrong = watchPage(page, world.server.url);
  await openJob(page, run);
  const red = line(page, 1).getByText("red", { exact: true });
  await red.waitFor();
  expect(await red.evaluate(colourOf)).toBe("rgb(180, 20, 31)");
  // Only what is seen exists.
  expect(await page.locator(".log-line").count()).toBeLessThan(100);
  await log(page).getByRole("button", { name: /first/, expanded: true }).click();
  await line(page, 401).waitFor();
  await log(page).getByRole("button", { name: /first/, expanded: false }).click();
  await line(page, 3).getByRole("link").click();
  await line(page, 6)
    .getByRole("link")
    .click({ modifiers: ["Shift"] });
  expect(new URL(page.url()).hash).toBe("#L3-L6");
  expect(await page.locator(".log-line.chosen").count()).toBe(4);
  await page.keyboard.press("/");
  await page.keyboard.type("needle");
  await page.getByText("1 of 2").waitFor();
  expect(await page.locator(".log-line mark").allInnerTexts()).toEqual(["needle", "NEEDLE"]);
  await page.keyboard.press("Enter");
  await page.getByText("2 of 2").waitFor();
  const other = await page.context().newPage();
  await other.goto(`${page.url().replace(/#.*/, "")}#L300-L301`);
  await line(other, 300).waitFor();
  expect(await other.locator(".log-line.chosen").count()).toBe(2);
  expect(wrong()).toEqual([]);
});

test("a log that grows is followed to its end, and left alone by who reads further up", async () => {
  // It goes on until it is told that it is enough, however slow the machine is.
  const enough = path.join(world.server.directory, "enough");
  const code = `i=0; while ! test -e ${enough}; do i=$((i+1)); echo count $i; sleep 0.01; done`;
  const run = await startRun(
    world.server.client,
    `build:\n  steps:\n    - script: { name: count, code: "${code}" }\n`,
  );
  const page = await world.admin();
  const wrong = watchPage(page, world.server.url);
  const { jobs } = await world.server.client.getRun({ params: { run } });
  expect(jobs.length).toBeLessThan(2);
  await page.goto("/projects/main/app");
  await page.locator('main [data-state="running"]').first().waitFor();
  await openJob(page, run);
  await log(page)
    .getByText(/^count \d{3,}$/)
    .first()
    .waitFor();
  await log(page).hover();
  await page.mouse.wheel(0, -100000);
  await line(page, 1).getByText("count 1", { exact: true }).waitFor();
  writeFileSync(enough, "");
  await page.locator('.state.pill[data-state="passed"]').waitFor();
  expect(await line(page, 1).isVisible()).toBe(true);
  await page.keyboard.press("f");
  expect(wrong()).toEqual([]);
});

test("what a job prints stays text, whatever it is", async () => {
  const run = await ended(`
    - script:
        name: "<img src=x onerror=alert(1)>"
        code: |
          echo '<script>window.broken = 1</script><img src=x onerror="window.broken = 1">'
          echo 'javascript:alert(1) {{constructor.constructor("window.broken=1")()}}'
          head -c 20000 /dev/zero | tr '\\0' 'x'; echo
          head -c 3000 /dev/urandom; echo
          printf 'a\\0b\\033]8;;javascript:alert(1)\\007link\\033]8;;\\007\\n'
`);
  const page = await world.admin();
  const wrong = watchPage(page, world.server.url);
  await openJob(page, run);
  await log(page).getByText("<script>window.broken = 1</script>").waitFor();
  await page.getByRole("button", { name: "<img src=x onerror=alert(1)>" }).first().waitFor();
  await page.keyboard.press("w");
  await page.getByText("the line is longer: all of it").waitFor();
  await page.getByLabel("Log", { exact: true }).focus();
  await page.keyboard.press("End");
  await log(page).getByText("link").waitFor();
  expect(await page.locator("main a[href^='javascript']").count()).toBe(0);
  expect(await page.evaluate(() => (globalThis as { broken?: number }).broken)).toBeUndefined();
  await page.keyboard.press("w");
  expect(wrong()).toEqual([]);
});

test("two million lines: any of them is there at once, and little is held", async () => {
  const run = await ended(`
    - script: { name: many, code: "seq -f '%08.0f the quick brown fox jumps over the lazy dog, and then some more so that it is a hundred' 2000000" }
`);
  const page = await world.admin();
  const wrong = watchPage(page, world.server.url);
  await openJob(page, run);
  await log(page).getByText("00000001 the quick").waitFor();
  await log(page).hover();
  // The wheel moves the text itself, also where the scroll bar's pixels stand for many lines.
  await page.mouse.wheel(0, 2000);
  await line(page, 102).getByText("00000102").waitFor();
  await page.getByLabel("Log", { exact: true }).focus();
  await page.keyboard.press("End");
  await line(page, 2_000_000).getByText("02000000").waitFor();
  await page.keyboard.press("Home");
  await line(page, 1).getByText("00000001").waitFor();
  await page.getByLabel("Search in the log").fill("01234567 the");
  await line(page, 1_234_567).locator("mark").waitFor();
  expect(await page.locator(".log-line").count()).toBeLessThan(100);
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("HeapProfiler.collectGarbage");
  const { usedSize } = await devtools.send("Runtime.getHeapUsage");
  expect(usedSize).toBeLessThan(100 * 2 ** 20);
  expect(wrong()).toEqual([]);
}, 180_000);
