// `build`, `deploy` and `dev`, for those who come from the wercker program: the pipeline of that name, with its flags,
// environment variables and defaults.

import type { RunOptions } from "../../app/run-options.ts";
import { runPipeline } from "../../app/run-pipeline.ts";
import type { Command } from "../context.ts";
import { runWatched } from "../run-command.ts";

/** The command that runs the pipeline `name` unless flags or environment name another. */
export function dropIn(name: "build" | "deploy" | "dev"): Command {
  return async (context, args, values) =>
    runWatched(
      {
        context,
        values,
        dropIn: true,
        command: [context.name, name, ...args].join(" "),
        set: options => ({
          ...options,
          ...defaultsOf(name, options),
          ...(args[0] === undefined ? {} : { target: args[0] }),
        }),
      },
      runPipeline,
    );
}

function defaultsOf(name: "build" | "deploy" | "dev", options: RunOptions): Partial<RunOptions> {
  const pipeline = options.pipeline ?? name;
  if (name === "deploy") return { pipeline, kind: "deploy", fromLatestOutput: true };
  return { pipeline, kind: "build", directMount: options.directMount ?? name === "dev" };
}
