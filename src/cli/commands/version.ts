// `version`: the word form of `--version`.

import type { Command } from "../context.ts";

export const version: Command = async (context, _args, values) => {
  const text =
    values.json === true
      ? JSON.stringify({ version: context.version })
      : context.name === "wercker"
        ? `wercker version ${context.version} (Slipway)`
        : context.version;
  await context.out.write(`${text}\n`);
  return 0;
};
