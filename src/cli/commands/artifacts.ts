// `slipway artifacts RUN`, `slipway artifacts get RUN NAME`: what the jobs of a run have kept.

import { readdir } from "node:fs/promises";
import path from "node:path";
import type { Client } from "../../client/client.ts";
import { codeOf } from "../../lib/fs-failure.ts";
import { type Command, UsageError } from "../context.ts";
import { runOf } from "../find-run.ts";
import { itemsOf, showList, showOne } from "../pages.ts";
import { formatSize } from "../print/format.ts";
import { calling, connect, textOf } from "../server-access.ts";

type Artifact = Awaited<ReturnType<Client["listArtifacts"]>>["items"][number];

export const artifacts: Command = (context, args, values) =>
  calling(context, async () => {
    const get = args[0] === "get";
    const [word, name] = get || args[0] === "list" ? args.slice(1) : args;
    const access = await connect(context, values);
    const { client } = access;
    const run = await runOf(context, values, access, word);
    const items = itemsOf(page => client.listArtifacts({ params: { run }, query: page }));
    if (!get) {
      return showList(context, values, {
        items,
        head: ["JOB", "NAME", "FILES", "SIZE", "KEPT UNTIL"],
        row: each => [
          each.job,
          each.name,
          String(each.files),
          formatSize(each.bytes),
          each.expiresAt ?? "with the run",
        ],
        none: "no artifacts",
      });
    }
    const artifact = theOne(await Array.fromAsync(items), name, textOf(values.job));
    const target = await targetFor(context.cwd, artifact.name, textOf(values.output));
    const { unpackAnswer } = await import("../../app/remote/unpack-answer.ts");
    const params = { job: artifact.jobId, artifact: artifact.id };
    await unpackAnswer(await client.stream("getArtifact", { params }), target);
    return showOne(context, values, { ...artifact, path: target }, target);
  });

function theOne(all: Artifact[], name: string | undefined, job: string | undefined): Artifact {
  const found = all.filter(
    each => (name === undefined || each.name === name) && (job === undefined || each.job === job),
  );
  if (found.length === 1) return found[0]!;
  const names = all.map(each => `${each.name} of ${each.job}`).join(", ") || "none";
  throw new UsageError(
    name === undefined
      ? "which artifact?"
      : `${found.length === 0 ? "no artifact is" : `${found.length} artifacts are`} called "${name}"`,
    `there are: ${names}${found.length > 1 ? "; choose the job with --job" : ""}`,
  );
}

/** A directory that is not there, or has nothing in it: what is unpacked takes its place. */
async function targetFor(cwd: string, name: string, output: string | undefined): Promise<string> {
  // The name comes from the server; it is no path.
  if (output === undefined && !/^[^/\\\0]+$/.test(name.replace(/^\.+$/, "")))
    throw new UsageError(`${JSON.stringify(name)} is no name of a directory`, "say where with --output DIR");
  const target = path.resolve(cwd, output ?? name);
  const content = await readdir(target).catch((error: unknown) => {
    if (codeOf(error) === "ENOENT") return [];
    throw new UsageError(`${target} is no directory`, "name another place with --output DIR");
  });
  if (content.length === 0) return target;
  throw new UsageError(
    `${target} is there already, with files in it`,
    "name another place with --output DIR",
  );
}
