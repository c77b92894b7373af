// Scrolling through a log of two million lines: what makes the page wait, and what it holds.

import type { CDPSession, Page } from "playwright-core";
import { endOf, makeProject, startRun } from "../../test/server/projects.ts";
import { startWorld } from "../../test/web/world.ts";
import type { Figure } from "../local/figure.ts";

const lines = 2_000_000;
const wheels = 240;
const jumps = 60;
/** 200 MB: a hundred bytes a line. */
const file = `build:
  steps:
    - script:
        name: many
        code: "seq -f '%08.0f the quick brown fox jumps over the lazy dog, and then some more so that it is a hundred byte' ${lines}"
`;

/** Figures of a long log. Takes about two minutes, most of them to print and store it. */
export async function longLog(): Promise<Figure[]> {
  await using world = await startWorld({ flags: ["--engine", "host", "--capacity", "1"] });
  const { client } = world.server;
  await makeProject(client);
  const { number, jobs } = await endOf(client, await startRun(client, file), 300_000);
  const page = await world.admin();
  await page.addInitScript(
    "globalThis.longTasks = []; new PerformanceObserver(list => longTasks.push(...list.getEntries().map(each => each.duration))).observe({ type: 'longtask', buffered: true })",
  );
  await page.goto(`/projects/main/app/runs/${number}/jobs/${jobs[0]!.id}`);
  const log = page.getByLabel("Log", { exact: true });
  await log.getByText("00000001 the").waitFor();
  const opening = await longestTask(page);
  const devtools = await page.context().newCDPSession(page);
  const heap = heapWatch(devtools);
  const seen = await scroll(page, heap.look);
  const tasks = (await page.evaluate("longTasks")) as number[];
  return [
    figure("opened, longest task", opening, "ms", ""),
    figure(
      `scrolled through ${lines / 1e6} million lines, longest task`,
      Math.max(0, ...tasks),
      "ms",
      "<= 100",
    ),
    figure("tasks over 50 ms while scrolling", tasks.length, "", ""),
    figure("places whose lines were there", seen, `of ${jumps}`, `>= ${jumps}`),
    figure("script heap, most", heap.most() / 2 ** 20, "MB", "<= 150"),
  ];
}

/** Empties what was noted. */
async function longestTask(page: Page): Promise<number> {
  return (await page.evaluate("Math.max(0, ...longTasks.splice(0))")) as number;
}

/** By the wheel as a hand does it, then by the scroll bar from end to end. Answers at how many places lines came. */
async function scroll(page: Page, look: () => Promise<void>): Promise<number> {
  await page.getByLabel("Log", { exact: true }).hover();
  for (let at = 0; at < wheels; at++) {
    await page.mouse.wheel(0, at % 4 === 3 ? -300 : 900);
    if (at % 20 === 0) await look();
  }
  let seen = 0;
  for (let at = 1; at <= jumps; at++) {
    await page.evaluate(
      `{ const box = document.querySelector(".log-scroll"); box.scrollTop = (box.scrollHeight - box.clientHeight) * ${at / jumps}; }`,
    );
    const wanted = Math.floor((lines * at) / jumps);
    const there = page.waitForFunction(isShown, { line: wanted, within: lines / 1000 }, { timeout: 10_000 });
    if (
      await there.then(
        () => true,
        () => false,
      )
    )
      seen += 1;
    await look();
  }
  return seen;
}

/** Runs in the page, whose policy lets no text become a program. */
function isShown({ line, within }: { line: number; within: number }): boolean {
  type Line = { textContent: string; dataset: { line: string } };
  const { document } = globalThis as unknown as {
    document: { querySelectorAll(what: string): Iterable<Line> };
  };
  return [...document.querySelectorAll(".log-line")].some(
    each => /\d{8} the quick/.test(each.textContent) && Math.abs(Number(each.dataset.line) - line) < within,
  );
}

function heapWatch(devtools: CDPSession) {
  let most = 0;
  return {
    most: () => most,
    async look() {
      const { usedSize } = await devtools.send("Runtime.getHeapUsage");
      most = Math.max(most, usedSize);
    },
  };
}

function figure(metric: string, value: number, unit: string, goal: string): Figure {
  return { bench: "long-log", metric, value, unit, goal };
}
