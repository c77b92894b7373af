// `slipway run [PIPELINE] [DIR]`.

import { runPipeline } from "../../app/run-pipeline.ts";
import { type Command, UsageError } from "../context.ts";
import { runWatched } from "../run-command.ts";

export const run: Command = async (context, args, values) => {
  const { pipeline, target } = wordsOf(args);
  const named = typeof values.pipeline === "string" ? values.pipeline : undefined;
  if (named !== undefined && pipeline !== undefined && named !== pipeline) {
    throw new UsageError(`two pipelines are named: ${pipeline} and --pipeline ${named}`);
  }
  if (values.remote === true) {
    const { runRemotely } = await import("./trigger.ts");
    const what = { pipeline: pipeline ?? named ?? "build" };
    return runRemotely(context, values, { directory: target ?? ".", what });
  }
  return runWatched(
    {
      context,
      values,
      dropIn: false,
      command: [context.name, "run", ...args].join(" "),
      set: options => ({
        ...options,
        ...(pipeline === undefined ? {} : { pipeline }),
        ...(target === undefined ? {} : { target }),
      }),
    },
    runPipeline,
  );
};

/** A single word that is a path or URL is the directory: no pipeline has such a name. */
function wordsOf(args: string[]): { pipeline?: string; target?: string } {
  const [first, second] = args;
  if (first === undefined) return {};
  if (second !== undefined) return { pipeline: first, target: second };
  return /^(\.{0,2}\/|\.{1,2}$|https?:\/\/)/.test(first) ? { target: first } : { pipeline: first };
}
