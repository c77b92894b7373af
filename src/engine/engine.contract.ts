// What every engine promises, as tests. An adapter's own test file calls `engineContract` with a way to make the
// engine and to look for what it left behind. A case that an adapter cannot do is named with its reason, never
// left out in silence.

import { describe, expect, test } from "vitest";
import { type Cases, Context, type ContractOptions, type EngineUnderTest } from "./contract/context.ts";
import { fileCases } from "./contract/file-cases.ts";
import { lifeCases } from "./contract/life-cases.ts";
import { serviceCases } from "./contract/service-cases.ts";
import { streamCases } from "./contract/stream-cases.ts";

export {
  type ContractScripts,
  type ContractService,
  type EngineUnderTest,
  shellScripts,
} from "./contract/context.ts";

const cases = { ...streamCases, ...fileCases, ...lifeCases, ...serviceCases } satisfies Cases;

/** For a slow daemon on a busy machine. Milliseconds. */
const timeout = 60_000;

/** The title of a case. */
export type ContractCase = keyof typeof cases;

/** Registers the suite. `make` is called once for each case. */
export function engineContract(
  name: string,
  make: () => Promise<EngineUnderTest>,
  options: ContractOptions<ContractCase>,
): void {
  const skipped = new Map(options.skip.map(entry => [entry.case, entry.reason]));
  describe(`${name} keeps the engine's contract`, () => {
    test("every left out case has a reason", () => {
      for (const [skippedCase, reason] of skipped) {
        expect(Object.keys(cases)).toContain(skippedCase);
        expect(reason, skippedCase).not.toBe("");
      }
    });
    for (const [title, run] of Object.entries(cases) as [ContractCase, Cases[string]][]) {
      if (skipped.has(title)) continue;
      test(title, { timeout }, async () => {
        await using made = await make();
        await run(new Context(made, options));
        expect(await made.leftovers(), "left behind by the engine").toEqual([]);
      });
    }
  });
}
