// `slipway replay RUN`: a job of a server again, on this machine, with its source, inputs and cache; up to a step where a
// shell opens, if one is named.

import { readFileSync } from "node:fs";
import path from "node:path";
import { fetchJob } from "../../app/remote/fetch-job.ts";
import { runPipeline } from "../../app/run-pipeline.ts";
import type { Command } from "../context.ts";
import { runWatched } from "../run-command.ts";
import { calling, connect, runOf } from "../server-access.ts";
import { jobOf, needed } from "./runs.ts";

export const replay: Command = (context, [word], values) =>
  calling(context, async () => {
    const access = connect(context, values);
    const run = await runOf(context, values, access, needed(word));
    const job = await jobOf(access.client, run, typeof values.job === "string" ? values.job : undefined);
    const fetched = await fetchJob({
      client: access.client,
      jobId: job.id,
      target: path.resolve(context.cwd, ".slipway", "replay", job.id),
      ...(typeof values.step === "string" ? { step: values.step } : {}),
      say: text => context.err.write(`${text}\n`),
      signal: new AbortController().signal,
    });
    const given = typeof values.envFile === "string" ? valuesOf(values.envFile) : {};
    const missing = fetched.protectedNames.filter(name => given[name] === undefined);
    if (missing.length > 0) {
      await context.err.write(
        `protected values stay on the server: ${missing.join(", ")}\n  give them with --env-file FILE (NAME=VALUE lines)\n`,
      );
    }
    const secrets = Object.fromEntries(
      fetched.protectedNames
        .filter(name => given[name] !== undefined)
        .map(name => [`XXX_${name}`, given[name]]),
    );
    const { json, verbose, debug, colors, engine } = values;
    return runWatched(
      {
        context: { ...context, env: { ...context.env, ...secrets }, cwd: fetched.directory },
        values: { json, verbose, debug, colors, engine },
        dropIn: false,
        command: [context.name, "replay", word].join(" "),
        set: options => ({ ...options, job: fetched.jobFile, attachOnError: context.stdin.isTTY === true }),
      },
      runPipeline,
    );
  });

/** `NAME=VALUE` lines; `#` begins a remark. */
function valuesOf(file: string): Record<string, string> {
  const lines = readFileSync(file, "utf8")
    .split(/\r?\n/)
    .filter(line => line.trim() !== "" && !line.trimStart().startsWith("#"));
  return Object.fromEntries(
    lines.map(line => {
      const at = line.indexOf("=");
      return [line.slice(0, at).trim(), line.slice(at + 1).replace(/^"(.*)"$/, "$1")];
    }),
  );
}
