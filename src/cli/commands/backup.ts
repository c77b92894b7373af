// `slipway backup FILE`, `slipway restore FILE`.

import path from "node:path";
import { backUp, restore as restoreInto } from "../../app/server/back-up.ts";
import { readSettings } from "../../app/server/settings.ts";
import { type Command, UsageError } from "../context.ts";

export const backup: Command = async (context, args, values) => {
  const end = await backUp(inputOf(context, args, values));
  for (const key of end.missing) await context.err.write(`missing in the blob store: ${key}\n`);
  const rows = Object.values(end.rows).reduce((sum, count) => sum + count, 0);
  await context.out.write(
    values.json === true
      ? `${JSON.stringify(end)}\n`
      : `${rows} rows, ${end.blobs} blobs, ${end.blobBytes} bytes of blobs. The secret key is not in it: keep it elsewhere.\n`,
  );
  return end.missing.length === 0 ? 0 : 1;
};

export const restore: Command = async (context, args, values) => {
  const end = await restoreInto(inputOf(context, args, values));
  const rows = Object.values(end.rows).reduce((sum, count) => sum + count, 0);
  await context.out.write(
    values.json === true
      ? `${JSON.stringify(end)}\n`
      : `restored ${rows} rows and ${end.blobs} blobs. The server needs the secret key of before (SLIPWAY_SECRET_KEY, or secret.key in the data directory).\n`,
  );
  return 0;
};

function inputOf(context: Parameters<Command>[0], [file]: string[], values: Parameters<Command>[2]) {
  if (file === undefined) throw new UsageError("which file?");
  const flags = { dataDir: typeof values.dataDir === "string" ? values.dataDir : undefined };
  const configFile = typeof values.config === "string" ? values.config : context.env.SLIPWAY_CONFIG;
  const read = readSettings({ flags, env: context.env, file: configFile });
  if (!read.ok) throw new UsageError(read.refusal.message, read.refusal.hint);
  return {
    settings: read.value.settings,
    file: path.resolve(context.cwd, file),
    say: (text: string) => void context.err.write(`${text}\n`),
    signal: new AbortController().signal,
  };
}
