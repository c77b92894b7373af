// `slipway runner`, for who calls it by another name or with flags in front.

import type { Command } from "../context.ts";

export const runner: Command = async (context, args) =>
  (await import("../runner-main.ts")).runnerCommand(context, args);
