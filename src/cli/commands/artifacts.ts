// `slipway artifacts RUN`, `slipway artifacts get RUN NAME`: what the jobs of a run have kept.

import { mkdir } from "node:fs/promises";
import path from "node:path";
import { Readable } from "node:stream";
import { createZstdDecompress } from "node:zlib";
import { SlipwayError } from "../../core/failure.ts";
import { unpackAtomically } from "../../lib/tar/unpack-atomically.ts";
import { type Command, UsageError } from "../context.ts";
import { calling, connect, runOf } from "../server-access.ts";
import { needed } from "./runs.ts";
import { allOf, pageOf, print, table } from "./server-lists.ts";

const mostBytes = 50 * 2 ** 30;

export const artifacts: Command = (context, args, values) =>
  calling(context, async () => {
    const get = args[0] === "get";
    const [word, name] = get || args[0] === "list" ? args.slice(1) : args;
    const access = connect(context, values);
    const run = await runOf(context, values, access, needed(word));
    const all = await allOf(after => access.client.listArtifacts({ params: { run }, query: pageOf(after) }));
    if (!get) {
      if (values.json === true) return print(context, all);
      const rows = all.map(each => [
        each.job,
        each.name,
        String(each.files),
        String(each.bytes),
        each.expiresAt ?? "with the run",
      ]);
      return table(context, ["JOB", "NAME", "FILES", "BYTES", "KEPT UNTIL"], rows, "no artifacts");
    }
    const job = typeof values.job === "string" ? values.job : undefined;
    const found = all.filter(
      each => (name === undefined || each.name === name) && (job === undefined || each.job === job),
    );
    if (found.length !== 1) {
      const names = all.map(each => `${each.job}: ${each.name}`).join(", ") || "none";
      throw new UsageError(
        `which artifact? "${name ?? ""}" fits ${found.length}`,
        `there are ${names}; name the job with --job`,
      );
    }
    const [artifact] = found;
    const target = path.resolve(
      context.cwd,
      typeof values.output === "string" ? values.output : artifact!.name,
    );
    const { body } = await access.client.stream("getArtifact", {
      params: { job: artifact!.jobId, artifact: artifact!.id },
    });
    await mkdir(path.dirname(target), { recursive: true });
    const content = Readable.from(body, { objectMode: false }).pipe(createZstdDecompress());
    const unpacked = await unpackAtomically(target, content, { maxTotalBytes: mostBytes });
    if (!unpacked.ok) throw new SlipwayError(unpacked.refusal.code, unpacked.refusal.message);
    await context.out.write(
      values.json === true ? `${JSON.stringify({ ...artifact, path: target })}\n` : `${target}\n`,
    );
    return 0;
  });
