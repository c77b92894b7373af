// `slipway replay RUN`: a job of a server again, on this machine, with its source, inputs and cache; up to a step where a
// shell opens, if one is named.

import path from "node:path";
import { fetchJob } from "../../app/remote/fetch-job.ts";
import { runPipeline } from "../../app/run-pipeline.ts";
import { plainText } from "../../lib/plain-text.ts";
import { type Command, type CommandContext, type FlagValues, UsageError } from "../context.ts";
import { jobOf, runOf } from "../find-run.ts";
import { flagKey, runFlags } from "../flags.ts";
import { flagsOfReplay } from "../remote-flags.ts";
import { runWatched } from "../run-command.ts";
import { calling, connect, textOf } from "../server-access.ts";
import { contentOf } from "./projects.ts";

export const replay: Command = (context, [word], values) =>
  calling(context, async () => {
    const step = textOf(values.step);
    if (step !== undefined && context.stdin.isTTY !== true) {
      throw new UsageError(
        "--step opens a shell, and there is no terminal",
        "call it at a terminal, or leave --step out to run the whole job",
      );
    }
    const given = givenValues(context, values);
    const access = await connect(context, values);
    const run = await runOf(context, values, access, word);
    const job = await jobOf(access.client, run, textOf(values.job));
    const fetched = await fetchJob({
      client: access.client,
      jobId: job.id,
      target: path.resolve(context.cwd, ".slipway", "replay", job.id),
      ...(step === undefined ? {} : { step }),
      say: text => context.err.write(`${plainText(text)}\n`),
      environment: context.env,
      signal: new AbortController().signal,
    });
    const { protectedNames, directory, jobFile } = fetched;
    const missing = protectedNames.filter(name => !given.has(name));
    if (missing.length > 0) {
      await context.err.write(
        `protected values stay on the server; these are not set: ${plainText(missing.join(", "))}\n  give them with --env-file FILE (NAME=VALUE lines)\n`,
      );
    }
    const secrets = Object.fromEntries(
      protectedNames.filter(name => given.has(name)).map(name => [`XXX_${name}`, given.get(name)]),
    );
    await context.err.write(`the source is in ${directory}\n`);
    return runWatched(
      {
        context: { ...context, env: { ...context.env, ...secrets }, cwd: directory },
        values: valuesForHere(values),
        dropIn: false,
        command: [context.name, "replay", word].join(" "),
        set: options => ({ ...options, job: jobFile }),
      },
      runPipeline,
    );
  });

/** Flags of the run here, and nothing that only looks like one: `--job` names a job of the server. */
function valuesForHere(values: FlagValues): FlagValues {
  const own = runFlags.filter(flag => flagsOfReplay.includes(flag.name)).map(flagKey);
  const names = ["json", "verbose", "debug", "colors", ...own];
  return Object.fromEntries(
    names.map(name => [name, values[name]]).filter(([, value]) => value !== undefined),
  );
}

/** `NAME=VALUE` lines; the prefix that a run on this machine needs may stand there too. Throws UsageError. */
function givenValues(context: CommandContext, values: FlagValues): Map<string, string> {
  const file = textOf(values.envFile);
  return file === undefined ? new Map() : readValues(contentOf(context, "--env-file", file), file);
}

/** `#` begins a remark, quotes around a value are not part of it. Throws UsageError with the line, never its text. */
export function readValues(text: string, file: string): Map<string, string> {
  const read = new Map<string, string>();
  text.split(/\r?\n/).forEach((line, at) => {
    if (line.trim() === "" || line.trimStart().startsWith("#")) return;
    const match = /^\s*(?:export\s+)?(?:XXX_|X_)?([A-Za-z_][A-Za-z0-9_]*)=(.*)$/.exec(line);
    if (match === null)
      throw new UsageError(`--env-file: line ${at + 1} of ${file} is not NAME=VALUE`, "write NAME=VALUE");
    read.set(match[1]!, match[2]!.trim().replace(/^(["'])(.*)\1$/, "$2"));
  });
  return read;
}
