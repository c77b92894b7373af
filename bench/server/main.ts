// `npm run bench:server [-- --json] [NAME...]`: the figures of the platform on one machine. Exits with 1 where a figure
// does not meet its goal.

import { type Figure, figureAsJson, figureAsText, isMet } from "../local/figure.ts";
import { claim } from "./claim.ts";
import { logs } from "./logs.ts";
import { platform } from "./platform.ts";
import { runList } from "./run-list.ts";

const benches: Record<string, () => Promise<Figure[]>> = { platform, claim, logs, "run-list": runList };

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

process.exitCode = await main(process.argv.slice(2));
