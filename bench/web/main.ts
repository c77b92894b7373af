// `npm run bench:web [-- --json] [NAME...]`: the pages in Chromium, on loopback. Exits with 1 where a figure does not meet its
// goal.

import { type Figure, figureAsJson, figureAsText, isMet } from "../local/figure.ts";
import { firstLoad } from "./first-load.ts";
import { longLog } from "./long-log.ts";

const benches: Record<string, () => Promise<Figure[]>> = { "first-load": firstLoad, "long-log": longLog };

async function main(args: string[]): Promise<number> {
  const json = args.includes("--json");
  const names = args.filter(arg => !arg.startsWith("-"));
  const unknown = names.find(name => benches[name] === undefined);
  if (unknown !== undefined) {
    console.error(`bench: there is no bench ${unknown}; there are ${Object.keys(benches).join(", ")}`);
    return 2;
  }
  let met = true;
  for (const name of names.length > 0 ? names : Object.keys(benches)) {
    for (const figure of await benches[name]!()) {
      console.log(json ? figureAsJson(figure) : figureAsText(figure));
      met &&= isMet(figure);
    }
  }
  return met ? 0 : 1;
}

// A server of a test does not keep its process alive; its end is waited for all the same.
const alive = setInterval(() => undefined, 1000);
try {
  process.exitCode = await main(process.argv.slice(2));
} finally {
  clearInterval(alive);
}
