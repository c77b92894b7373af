// How long somebody who follows a link to a run looks at nothing: a browser that has never seen the server, again and again.

import { readdirSync, statSync } from "node:fs";
import path from "node:path";
import { webDirectory } from "../../scripts/build-web.ts";
import { endOf, makeProject, startRun } from "../../test/server/projects.ts";
import { startWorld, type World } from "../../test/web/world.ts";
import { type Figure, median } from "../local/figure.ts";

const loads = 12;

const file = `
build: { steps: [{ script: { code: "echo built" } }] }
test: { matrix: { version: [20, 22, 24] }, steps: [{ script: { code: "echo tested" } }] }
workflows:
  - name: ship
    pipelines: [{ name: build }, { name: test, requires: [build] }]
`;

interface Load {
  /** First contentful paint, and when the run itself stood there. Milliseconds since the navigation. */
  paintMs: number;
  runMs: number;
  scriptBytes: number;
}

/** Figures of the first load of a run's page. Takes half a minute. */
export async function firstLoad(): Promise<Figure[]> {
  await using world = await startWorld({ flags: ["--engine", "host", "--capacity", "2"] });
  const { client } = world.server;
  await makeProject(client);
  const { number } = await endOf(client, await startRun(client, file, { workflow: "ship" }));
  const address = `/projects/main/app/runs/${number}`;
  // The server reads its files when the first one asks.
  await load(world, address);
  const all: Load[] = [];
  for (let at = 0; at < loads; at++) all.push(await load(world, address));
  const bytes = Math.max(...all.map(({ scriptBytes }) => scriptBytes)) + workerBytes();
  const metric = `of a run page, cold cache, ${loads} loads, p50`;
  return [
    figure(`first contentful paint ${metric}`, median(all.map(({ paintMs }) => paintMs)), "ms", "<= 800"),
    figure(`the run itself ${metric}`, median(all.map(({ runMs }) => runMs)), "ms", ""),
    figure("first contentful paint, slowest", Math.max(...all.map(({ paintMs }) => paintMs)), "ms", ""),
    figure("script of the first load, compressed", bytes / 1000, "kB", "<= 200"),
  ];
}

async function load(world: World, address: string): Promise<Load> {
  const page = await world.admin();
  await page.goto(address, { waitUntil: "commit" });
  await page.locator('.state.pill[data-state="passed"]').first().waitFor();
  const measured = (await page.evaluate(`({
    runMs: performance.now(),
    paintMs: performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? NaN,
    scriptBytes: performance.getEntriesByType("resource").filter(each => /\\.js$/.test(each.name))
      .reduce((sum, each) => sum + each.encodedBodySize, 0),
  })`)) as Load;
  await page.context().close();
  return measured;
}

/** A page does not list what its shared worker has loaded. */
function workerBytes(): number {
  const assets = path.join(webDirectory, "assets");
  const files = readdirSync(assets).filter(name => /^hub-worker-.*\.js\.br$/.test(name));
  return files.reduce((sum, name) => sum + statSync(path.join(assets, name)).size, 0);
}

function figure(metric: string, value: number, unit: string, goal: string): Figure {
  return { bench: "first-load", metric, value, unit, goal };
}
