// `slipway server`: the platform, or some roles of it, in this process.

import { greeting, runServer } from "../../app/server/run-server.ts";
import type { Command, FlagValues } from "../context.ts";
import { serverFlags } from "../server-flags.ts";

export const server: Command = async (context, _args, values) => {
  const flags = settingsOf(values);
  const configFile = typeof values.config === "string" ? values.config : context.env.SLIPWAY_CONFIG;
  const source = { flags, env: context.env, configFile };
  if (values.printConfig === true) {
    const { configLines } = await import("../../app/server/run-server.ts");
    const lines = configLines(source);
    if (!lines.ok) return refused(context, lines.refusal);
    await context.out.write(`${lines.value.join("\n")}\n`);
    return 0;
  }
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

type Context = Parameters<Command>[0];

async function refused(
  context: Context,
  { message, hint }: { message: string; hint?: string },
): Promise<number> {
  await context.err.write(`slipway server: ${message}\n${hint === undefined ? "" : `${hint}\n`}`);
  return 2;
}

function settingsOf(values: FlagValues): Record<string, string | undefined> {
  const own = new Set(["config", "printConfig"]);
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
