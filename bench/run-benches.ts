// What every `npm run bench:*` does: runs the benches that are named, or all, prints their figures, and answers the exit code.

import { type Figure, figureAsJson, figureAsText, isMet } from "./local/figure.ts";

/** 1 where a figure does not meet its goal, 2 for a name that is not known. What they share is opened when one is to run, and closed after the last. */
export async function runBenches<World extends AsyncDisposable | undefined>(
  benches: Readonly<Record<string, (world: World) => Promise<Figure[]>>>,
  args: readonly string[],
  open: () => Promise<World>,
): Promise<number> {
  const json = args.includes("--json");
  for (const name of namesOf(benches, args)) {
    if (benches[name] !== undefined) continue;
    console.error(`bench: there is no bench ${name}; there are ${Object.keys(benches).join(", ")}`);
    return 2;
  }
  await using world = await open();
  let met = true;
  for (const name of namesOf(benches, args)) {
    for (const figure of await benches[name]!(world)) {
      console.log(json ? figureAsJson(figure) : figureAsText(figure));
      met &&= isMet(figure);
    }
  }
  return met ? 0 : 1;
}

function namesOf(benches: object, args: readonly string[]): string[] {
  const names = args.filter(arg => !arg.startsWith("-"));
  return names.length > 0 ? names : Object.keys(benches);
}
