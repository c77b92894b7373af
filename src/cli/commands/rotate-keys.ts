// `slipway rotate-keys`: after a new key stands in front of the old one in the settings of all servers.

import { rotateKeys as rotate } from "../../app/server/rotate-keys.ts";
import { readSettings } from "../../app/server/settings.ts";
import { type Command, UsageError } from "../context.ts";

export const rotateKeys: Command = async (context, _args, values) => {
  const flags = { dataDir: typeof values.dataDir === "string" ? values.dataDir : undefined };
  const configFile = typeof values.config === "string" ? values.config : context.env.SLIPWAY_CONFIG;
  const read = readSettings({ flags, env: context.env, file: configFile });
  if (!read.ok) throw new UsageError(read.refusal.message, read.refusal.hint);
  const end = await rotate({
    settings: read.value.settings,
    say: text => void context.err.write(`${text}\n`),
    signal: new AbortController().signal,
  });
  const count = Object.values(end.values).reduce((sum, each) => sum + each, 0);
  await context.out.write(
    values.json === true
      ? `${JSON.stringify(end)}\n`
      : `${count} values were sealed again; all are under key ${end.keyId} now. Older keys may go from SLIPWAY_SECRET_KEY once no server seals with them.\n`,
  );
  return 0;
};
