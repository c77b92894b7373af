// `slipway server`: the platform, or some roles of it, in this process.

import { configLines, greeting, runServer } from "../../app/server/run-server.ts";
import { readSettings } from "../../app/server/settings.ts";
import { systemClock } from "../../lib/clock.ts";
import type { Command, FlagValues } from "../context.ts";
import { serverFlags } from "../server-flags.ts";

export const server: Command = async (context, _args, values) => {
  const flags = settingsOf(values);
  const configFile = typeof values.config === "string" ? values.config : context.env.SLIPWAY_CONFIG;
  const source = { flags, env: context.env, configFile };
  if (values.printConfig === true) {
    const lines = configLines(source);
    if (!lines.ok) return refused(context, lines.refusal);
    await context.out.write(`${lines.value.join("\n")}\n`);
    return 0;
  }
  if (values.adminToken === true) return adminToken(context, source);
  if (values.migrateOnly === true) return migrateTables(context, source);
  using signals = listenForEnd();
  const ended = await runServer({
    ...source,
    version: context.version,
    ending: signals.ending,
    hastened: signals.hastened,
    async ready({ url, firstAdmin }) {
      if (firstAdmin !== undefined && url !== undefined) await context.err.write(greeting(url, firstAdmin));
    },
  });
  return ended.ok ? 0 : refused(context, ended.refusal);
};

async function migrateTables(context: Context, source: Source): Promise<number> {
  const read = readSettings({ flags: source.flags, env: source.env, file: source.configFile });
  if (!read.ok) return refused(context, read.refusal);
  const { migrateOnly } = await import("../../app/server/migrate-only.ts");
  const { from, to } = await migrateOnly({
    settings: read.value.settings,
    clock: systemClock,
    say: text => void context.err.write(`${text}\n`),
  });
  await context.out.write(
    from === to ? `the tables are at ${to} already\n` : `the tables went from ${from} to ${to}\n`,
  );
  return 0;
}

/** The token alone on standard output, so that it can be piped. */
async function adminToken(context: Context, { flags, env, configFile: file }: Source): Promise<number> {
  const read = readSettings({ flags, env, file });
  if (!read.ok) return refused(context, read.refusal);
  const { newAdminToken } = await import("../../app/server/new-admin-token.ts");
  const { name, token } = await newAdminToken({
    settings: read.value.settings,
    say: text => void context.err.write(`${text}\n`),
  });
  await context.err.write(`a token of ${name}, shown this once, for 30 days:\n`);
  await context.out.write(`${token}\n`);
  return 0;
}

type Context = Parameters<Command>[0];

interface Source {
  flags: Record<string, string | undefined>;
  env: Context["env"];
  configFile: string | undefined;
}

async function refused(
  context: Context,
  { message, hint }: { message: string; hint?: string },
): Promise<number> {
  await context.err.write(`slipway server: ${message}\n${hint === undefined ? "" : `${hint}\n`}`);
  return 2;
}

function settingsOf(values: FlagValues): Record<string, string | undefined> {
  const own = new Set(["config", "printConfig", "adminToken", "migrateOnly"]);
  const names = serverFlags.map(({ name }) =>
    name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase()),
  );
  return Object.fromEntries(
    names
      .filter(name => !own.has(name))
      .map(name => [name, typeof values[name] === "string" ? values[name] : undefined]),
  );
}

/** The first SIGTERM or SIGINT ends in order, the second one hastens. */
function listenForEnd(): Disposable & { ending: AbortSignal; hastened: AbortSignal } {
  const [first, second] = [new AbortController(), new AbortController()];
  const hear = () => (first.signal.aborted ? second : first).abort();
  const names = ["SIGTERM", "SIGINT"] as const;
  for (const name of names) process.on(name, hear);
  return {
    ending: first.signal,
    hastened: second.signal,
    [Symbol.dispose]() {
      for (const name of names) process.off(name, hear);
    },
  };
}
