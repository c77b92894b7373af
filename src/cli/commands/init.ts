// `slipway init`: a first pipeline file for what lies in a directory. It writes that one file and never over another.

import { readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { pipelineFileNames } from "../../config/find-file.ts";
import { firstFileFor } from "../../config/first-file.ts";
import { messageOf } from "../../core/failure.ts";
import { type Command, UsageError } from "../context.ts";

export const init: Command = async (context, args, values) => {
  const dir = path.resolve(context.cwd, args[0] ?? ".");
  let names: string[];
  try {
    names = await readdir(dir);
  } catch (error) {
    throw new UsageError(
      `cannot read the directory ${dir}: ${messageOf(error)}`,
      "name the directory of your project",
    );
  }
  const there = pipelineFileNames.find(name => names.includes(name));
  if (there !== undefined && values.force !== true) {
    await context.err.write(
      `${context.name}: ${path.join(dir, there)} is there already and was left as it is\n  --force writes a new slipway.yml all the same\n`,
    );
    return 1;
  }
  const first = firstFileFor(names);
  const target = path.join(dir, "slipway.yml");
  await writeFile(target, first.text, { flag: values.force === true ? "w" : "wx" });
  await context.out.write(
    `Wrote ${path.relative(context.cwd, target)} (${first.kind}). Next: ${context.name} check, then ${context.name} run.\n`,
  );
  return 0;
};
